"""Lennard-Jones, phi(x) = 4 (x^-12 - x^-6), and two of its endings, all of t = x^2.

quartic tail    a quartic in x from 2 to 2.5; energy and two derivatives continuous at both,
                the third jumps
shifted force   phi(x) - phi(x_c) - (x - x_c) phi'(x_c); energy and force continuous at the cutoff
                x_c, where the second derivative jumps to zero from -4.42 epsilon/sigma^2 (x_c =
                1.5) or -0.108 (2.5): Hessians and higher orders are those of the side on which
                each pair lies, and change abruptly when a pair crosses its cutoff
"""

import jax.numpy as jnp


def lennard_jones(t, p):
    """4 (x^-12 - x^-6), of t = x^2."""
    sixth = (1 / t) ** 3
    return 4 * (sixth * sixth - sixth)


def lennard_jones_shifted_force(t, p):
    """Lennard-Jones minus its value and its tangent in x at the cutoff, of t = x^2."""
    end = p["cutoff"]
    slope = 4 * (6 * end**-7 - 12 * end**-13)
    return lennard_jones(t, p) - lennard_jones(end * end, p) - (jnp.sqrt(t) - end) * slope


def lennard_jones_quartic_tail(t, p):
    """Lennard-Jones below x = 2, a quartic in x from there to zero at 2.5, of t = x^2.

    A constant shift below 2 keeps the energy continuous.
    """
    start, width = 2.0, 0.5
    value = 4 * (start**-12 - start**-6)
    c1 = 4 * (-12 * start**-13 + 6 * start**-7)
    c2 = 2 * (156 * start**-14 - 42 * start**-8)
    c4 = (c1 + c2 * width) / (2 * width**3)
    c3 = -c2 / (3 * width) - 2 * c4 * width
    c0 = -(((c4 * width + c3) * width + c2) * width + c1) * width
    y = jnp.sqrt(t) - start
    tail = (((c4 * y + c3) * y + c2) * y + c1) * y + c0
    return jnp.where(y < 0, lennard_jones(t, p) + (c0 - value), tail)
