"""Costs whose minima on the unit sphere are soft modes: quartic, cubic and pseudo-harmonic.

With a(z) = M:zz and a form s(z) of degree m with gradient m g(z),

    kind      s                    g                                    m   cost = a^p / |s|^q
    quartic   U'''':zzzz           U'''':zzz                            4   a^2 / s       (E4 = kappa^2 / chi)
    cubic     U''':zzz             U''':zz                              3   a^3 / s^2     (E3 = kappa^3 / tau^2)
    pseudo    sum_b (z_b.z_b)^2    sum_b (+/-) (z_b.z_b) z_b            4   a^2 / s       (C)

Because 2 p = q m every cost is free of the norm of z, and all obey one equation: the slope of log(cost) / 2p is
G = M z / a - g / s, which vanishes where M z = (a / s) g.

Fields may carry trailing columns, (n, d) or (n, d, c); results then have shape (c,).
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ..core.arrays import dot
from ..landscape.expansion import Expansion


class Kind(NamedTuple):
    """A cost: its name, the degree m of its form, and the powers p and q."""

    name: str
    degree: int
    p: int
    q: int


KINDS = {
    kind.name: kind
    for kind in (Kind("quartic", 4, 2, 1), Kind("cubic", 3, 3, 2), Kind("pseudo", 4, 2, 1))
}


def slope(kind, e, z):
    """a, s and G for a field (n, d) of any expansion that has what the kind needs."""
    mz, g = e.second(z), drive(kind, e, z)
    a, s = jnp.sum(z * mz), jnp.sum(z * g)
    return a, s, mz / a - g / s


def drive(kind, e, z):
    """g(z) for a field (n, d)."""
    if kind.name == "quartic":
        return e.fourth(z)
    if kind.name == "cubic":
        return e.third(z, z)
    return e.scatter(_bond_drive(kind, e, e.difference(z)[:, :, None])[:, :, 0])


def cost(kind, a, s):
    """a^p / |s|^q."""
    return a**kind.p / jnp.abs(s) ** kind.q


def columns(kind, e, z):
    """M z and g(z) for columns (n, d, c), with one pass over the bonds."""
    return second_columns(e, z), e.scatter(_bond_drive(kind, e, e.difference(z)))


def second_columns(e, z):
    """M z for columns (n, d, c)."""
    if isinstance(e, Expansion):
        return e.scatter(_bond_second(e, e.difference(z)))
    return jax.vmap(e.second, 2, 2)(z)


def along(kind, e, z, d):
    """Coefficients in t of a(z + t d) and s(z + t d) for columns (n, d, c): tuples of (c,)."""
    z, d = e.difference(z), e.difference(d)
    square = (_dot(z, z), 2 * _dot(z, d), _dot(d, d))
    if kind.name == "pseudo":
        weight = e.bonds.valid[:, None]
        form = _times(square, square)
    else:
        weight = 1.0
        r, f = e.separation[:, :, None], e.derivative[:, :, None]
        ray = (_dot(r, z), _dot(r, d))
        if kind.name == "cubic":
            form = _plus((3 * f[2], _times(ray, square)), (f[3], _times(ray, _times(ray, ray))))
        else:
            rays = _times(ray, ray)
            form = _plus(
                (3 * f[2], _times(square, square)),
                (6 * f[3], _times(rays, square)),
                (f[4], _times(rays, rays)),
            )
    return tuple(jnp.sum(weight * c, axis=0) for c in form)


def _bond_second(e, z):
    r, f = e.separation[:, :, None], e.derivative[:, :, None, None]
    return f[1] * z + f[2] * _dot(r, z)[:, None] * r


def _bond_drive(kind, e, z):
    """g before its sum over bonds, (b, d, c)."""
    square = _dot(z, z)[:, None]
    if kind.name == "pseudo":
        return jnp.where(e.bonds.valid[:, None, None], square * z, 0.0)
    r, f = e.separation[:, :, None], e.derivative[:, :, None, None]
    ray = _dot(r, z)[:, None]
    if kind.name == "cubic":
        return 2 * f[2] * ray * z + (f[2] * square + f[3] * ray * ray) * r
    return (
        3 * (f[2] * square + f[3] * ray * ray) * z + (3 * f[3] * ray * square + f[4] * ray**3) * r
    )


_dot = functools.partial(dot, axis=1)


def _times(a, b):
    """Product of two polynomials, coefficients ascending."""
    product = [0.0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] = product[i + j] + x * y
    return tuple(product)


def _plus(*terms):
    """Sum of polynomials, each with a factor."""
    return tuple(
        sum(factor * polynomial[k] for factor, polynomial in terms) for k in range(len(terms[0][1]))
    )
