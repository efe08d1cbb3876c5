"""Sticky spheres: a Lennard-Jones core whose well ends soon after its bottom.

    phi(x) = 4 (x^-12 - x^-6)                                   x < x_m
    phi(x) = a x^-12 - b x^-6 + sum_{l=0..3} c_2l x^2l          x_m < x < x_c

with x_m = 2^(1/6) the bottom of the well, phi(x_m) = -1.

The six coefficients make the energy and two derivatives continuous at x_m and at the cutoff x_c. In
t = x^2 the conditions at t_c leave three unknowns,

    phi = a P_6 - b P_3 + c (t - t_c)^3,
    P_m = t^-m minus its Taylor polynomial of second order about t_c,

and the conditions at t_m are three linear equations for them. The third derivative jumps at both
ends, and the pairs of a glass lie on both sides of x_m: quantities of third and fourth order are
those of the side on which each pair lies.
"""

from math import comb

import jax.numpy as jnp

BOTTOM = 2 ** (1 / 3)  # x_m^2


def sticky(t, p):
    """Lennard-Jones below its minimum, then a tail that ends smoothly at the cutoff; of t = x^2."""
    a, b, c0, c2, c4, c6 = sticky_coefficients(p["cutoff"])
    third = (1 / t) ** 3
    core = 4 * (third * third - third)
    tail = (a * third - b) * third + ((c6 * t + c4) * t + c2) * t + c0
    return jnp.where(t < BOTTOM, core, tail)


def sticky_coefficients(cutoff):
    """(a, b, c_0, c_2, c_4, c_6) of the tail, as the literature writes it.

    Args:
        cutoff: x_c in units of sigma, above 2^(1/6); any shape.

    Example:
        >>> from jaxglass.models.shapes import sticky_coefficients
        >>> x = 1.2 * 2 ** (1 / 6)
        >>> a, b, *c = sticky_coefficients(x)
        >>> end = a * x**-12 - b * x**-6 + sum(c[k] * x ** (2 * k) for k in range(4))
        >>> abs(float(end)) < 1e-10
        True
    """
    end = cutoff * cutoff
    y = BOTTOM - end
    cube = (y**3, 3 * y**2, 6 * y)
    core = (-1.0, 0.0, 18 / BOTTOM**2)  # Lennard-Jones and its derivatives in t at the bottom
    a, minus_b, c = _three_unknowns(_remainder(6, end), _remainder(3, end), cube, core)
    twelve, six = _powers(6, end), _powers(3, end)
    taylor = [-(a * twelve[k] + minus_b * six[k]) / (1, 1, 2)[k] for k in range(3)] + [c]
    power = lambda m: sum(taylor[k] * comb(k, m) * (-end) ** (k - m) for k in range(m, 4))
    return a, -minus_b, *(power(m) for m in range(4))


def _powers(m, t):
    """t^-m and two derivatives."""
    return t**-m, -m * t ** (-m - 1), m * (m + 1) * t ** (-m - 2)


def _remainder(m, end):
    """P_m and two derivatives at the bottom of the well."""
    (f0, f1, f2), (p0, p1, p2), y = _powers(m, BOTTOM), _powers(m, end), BOTTOM - end
    return f0 - p0 - y * p1 - y**2 / 2 * p2, f1 - p1 - y * p2, f2 - p2


def _three_unknowns(u, v, w, g):
    """(a, b, c) with a u + b v + c w = g, by Cramer's rule.

    Written out, so that it runs inside any loop and batch.
    """

    def volume(u, v, w):
        return (
            u[0] * (v[1] * w[2] - v[2] * w[1])
            + u[1] * (v[2] * w[0] - v[0] * w[2])
            + u[2] * (v[0] * w[1] - v[1] * w[0])
        )

    whole = volume(u, v, w)
    return volume(g, v, w) / whole, volume(u, g, w) / whole, volume(u, v, g) / whole
