"""Smoothing at the cutoff: a shape minus its Taylor polynomial there, of order q in t = x^2.

The energy and q derivatives vanish there. Written out in powers of x^2 it is the polynomial of the
literature, phi(x) + sum_{l<=q} c_2l x^2l; for x^-n and with double factorials

    c_2l = (-1)^(l+1) / [(2q - 2l)!! (2l)!!]  (n + 2q)!! / [(n - 2)!! (n + 2l)]  x_c^-(n + 2l).
"""

from math import comb, factorial

import jax


def taylor(shape, p, cutoff, order):
    """Taylor coefficients about the cutoff of a shape in t = x^2, order + 1 of them."""
    f = lambda t: shape(t, {**p, "cutoff": cutoff})
    coefficients = []
    for k in range(order + 1):
        coefficients.append(f(cutoff * cutoff) / factorial(k))
        f = jax.grad(f)
    return tuple(coefficients)


def powers(coefficients, y):
    """sum_l coefficients[l] y^l, zero without coefficients."""
    value = 0.0
    for c in reversed(coefficients):
        value = value * y + c
    return value


def about_zero(coefficients, centre):
    """The coefficients of the same polynomial in y + centre instead of y."""
    q = len(coefficients) - 1
    return [
        sum(coefficients[k] * comb(k, m) * (-centre) ** (k - m) for k in range(m, q + 1))
        for m in range(q + 1)
    ]
