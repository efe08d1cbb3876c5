"""Pair energies in units of epsilon as functions of reduced distance x = r / sigma, or, saving a root, of t = x^2.

Smoothing at the cutoff subtracts the Taylor polynomial of order q in x^2 about the cutoff, so that the energy and q
derivatives vanish there. Written out in powers of x^2 it is the polynomial sum_l c_2l x^2l of the literature.
"""

from math import comb, factorial

import jax
import jax.numpy as jnp

from ..core.struct import static, struct


def inverse_power(t, p):
    """x^-n for any real exponent n, of t = x^2."""
    return t ** (-0.5 * p["exponent"])


def twelve(t, p):
    """x^-12, of t = x^2."""
    return (1 / t) ** 6


def lennard_jones(t, p):
    """4 (x^-12 - x^-6), of t = x^2."""
    sixth = (1 / t) ** 3
    return 4 * (sixth * sixth - sixth)


def lennard_jones_quartic_tail(t, p):
    """Lennard-Jones below x = 2, a quartic in x from there to zero at 2.5, twice continuously differentiable; of t = x^2."""
    start, width = 2.0, 0.5
    value = 4 * (start**-12 - start**-6)
    c1 = 4 * (-12 * start**-13 + 6 * start**-7)
    c2 = 2 * (156 * start**-14 - 42 * start**-8)
    c4 = (c1 + c2 * width) / (2 * width**3)
    c3 = -c2 / (3 * width) - 2 * c4 * width
    c0 = -(((c4 * width + c3) * width + c2) * width + c1) * width
    y = jnp.sqrt(t) - start
    return jnp.where(
        y < 0, lennard_jones(t, p) + (c0 - value), (((c4 * y + c3) * y + c2) * y + c1) * y + c0
    )


def hertz(x, p):
    """(1 - x)^(5/2) below contact."""
    return (1 - x) ** 2.5


def harmonic(x, p):
    """(1 - x)^2 below contact."""
    return (1 - x) ** 2


@struct
class OfSquare:
    """A function of x made a function of t = x^2; equal when the function is, so that models share compiled programs."""

    shape: object = static()

    def __call__(self, t, p):
        return self.shape(jnp.sqrt(t), p)


def taylor(shape, p, cutoff, order):
    """Taylor coefficients about the cutoff of a shape in t = x^2, order + 1 of them."""
    f = lambda t: shape(t, p)
    coefficients = []
    for k in range(order + 1):
        coefficients.append(f(cutoff * cutoff) / factorial(k))
        f = jax.grad(f)
    return coefficients


@struct
class Smoothed:
    """A shape minus its Taylor polynomial at the cutoff, given in its parameters."""

    shape: object = static()

    def __call__(self, t, p):
        polynomial = 0.0
        for c in reversed(p["taylor"]):
            polynomial = polynomial * (t - p["centre"]) + c
        return self.shape(t, p["own"]) - polynomial


def smoothing_coefficients(model):
    """c_0, c_2, ... c_2q as the literature prints them: phi(x) + sum_l c_2l x^2l vanishes smoothly at the cutoff.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> [round(float(c), 6) for c in jg.models.smoothing_coefficients(jg.models.get("poly2d"))]
        [-1.924145, 2.111062, -0.591097]
    """
    q = model.smoothing
    if q is None:
        raise ValueError(f"the model {model.name} is not smoothed at its cutoff")
    t = taylor(model.shape, model.parameters, model.cutoff, q)
    centre = -model.cutoff * model.cutoff
    return jnp.stack(
        [-sum(t[k] * comb(k, m) * centre ** (k - m) for k in range(m, q + 1)) for m in range(q + 1)]
    )
