"""Pair energies as functions of reduced distance: phi(x, p), x = r / sigma, in units of epsilon.

Smoothing at the cutoff subtracts the Taylor polynomial of order q in x^2 about the cutoff, so that the energy and q
derivatives vanish there. Written out in powers of x^2 it is the polynomial sum_l c_2l x^2l of the literature.
"""

from math import comb, factorial

import jax
import jax.numpy as jnp


def inverse_power(x, p):
    """x^-n for any real exponent n."""
    return x ** (-p["exponent"])


def twelve(x, p):
    """x^-12."""
    return _sixth(x) ** 2


def lennard_jones(x, p):
    """4 (x^-12 - x^-6)."""
    return 4 * (_sixth(x) ** 2 - _sixth(x))


def lennard_jones_quartic_tail(x, p):
    """Lennard-Jones below x = 2, a quartic from there to zero at 2.5, twice continuously differentiable throughout."""
    start, width = 2.0, 0.5
    value = 4 * (start**-12 - start**-6)
    c1 = 4 * (-12 * start**-13 + 6 * start**-7)
    c2 = 2 * (156 * start**-14 - 42 * start**-8)
    c4 = (c1 + c2 * width) / (2 * width**3)
    c3 = -c2 / (3 * width) - 2 * c4 * width
    c0 = -(((c4 * width + c3) * width + c2) * width + c1) * width
    y = x - start
    return jnp.where(x < start, lennard_jones(x, p) + (c0 - value), (((c4 * y + c3) * y + c2) * y + c1) * y + c0)


def hertz(x, p):
    """(1 - x)^(5/2) below contact."""
    return (1 - x) ** 2.5


def harmonic(x, p):
    """(1 - x)^2 below contact."""
    return (1 - x) ** 2


def _sixth(x):
    return 1 / (x * x * x) ** 2


def taylor(shape, p, cutoff, order):
    """Taylor coefficients about the cutoff of the shape as a function of x^2, order + 1 of them."""
    f = lambda t: shape(jnp.sqrt(t), p)  # noqa: E731
    coefficients = []
    for k in range(order + 1):
        coefficients.append(f(cutoff * cutoff) / factorial(k))
        f = jax.grad(f)
    return coefficients


def smoothed(shape, p, cutoff, order):
    """The shape minus its Taylor polynomial at the cutoff, as a function of x."""
    coefficients = taylor(shape, p, cutoff, order)

    def function(x):
        t = x * x - cutoff * cutoff
        polynomial = 0.0
        for c in reversed(coefficients):
            polynomial = polynomial * t + c
        return shape(x, p) - polynomial

    return function


def smoothing_coefficients(shape, p, cutoff, order):
    """c_0, c_2, ... c_2q as the literature prints them: phi(x) + sum_l c_2l x^2l vanishes smoothly at the cutoff."""
    t = taylor(shape, p, jnp.asarray(cutoff, float), order)
    centre = -cutoff * cutoff
    return jnp.stack([-sum(t[k] * comb(k, m) * centre ** (k - m) for k in range(m, order + 1)) for m in range(order + 1)])
