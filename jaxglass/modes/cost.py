"""Costs whose minima on the unit sphere are soft modes, as values.

With a(z) = M:zz and a form s(z) of degree m with gradient m g(z), a cost is a^p / |s|^q with 2 p =
q m, so that it does not depend on the norm of z. All obey one equation: the slope of log(cost) / 2p
is

    G = M z / a - g / s,

which vanishes where M z = (a / s) g. A cost is one file with its g and with the coefficients of s
along a line.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp

from ..core.arrays import dot
from ..core.status import Status


class Cost(NamedTuple):
    """A cost a^p / |s|^q.

    Attributes:
        name: for messages.
        p, q: its powers.
        needs: parts of an expansion that ``drive`` uses, of landscape/contract.py.
        drive: (e, z) -> g, for fields (n, d) and columns (n, d, c).
        along: (e, z, d) -> coefficients in t, ascending, of every bond's share of s(z + t d); z and
            d are differences along bonds (b, d, c), the coefficients (b, c).
        negative: bit to set where s is negative.
    """

    name: str
    p: int
    q: int
    needs: tuple[str, ...]
    drive: Callable
    along: Callable
    negative: Status = Status.OK


def value(cost, a, s):
    """a^p / |s|^q."""
    return a**cost.p / jnp.abs(s) ** cost.q


def stationarity(cost, e, z):
    """a, s and G for a field (n, d)."""
    mz, g = e.second(z), cost.drive(e, z)
    a, s = jnp.sum(z * mz), jnp.sum(z * g)
    return a, s, mz / a - g / s


def form_along(cost, e, z, d):
    """Coefficients in t of s(z + t d) for columns (n, d, c): a tuple of (c,)."""
    if "higher" in cost.needs and e.groups:
        return _by_slopes(cost, e, z, d)
    return tuple(jnp.sum(c, axis=0) for c in cost.along(e, e.difference(z), e.difference(d)))


def _by_slopes(cost, e, z, d):
    """The same from g alone, where energies of terms are whatever they are.

    For a form of degree m these are z.g(z), m d.g(z), ..., m z.g(d), d.g(d); the one in the middle
    of a form of degree four follows from s(z + d) and s(z - d), with d of the size of z.
    """
    total = lambda a, b: jnp.sum(a * b, axis=(0, 1))
    size = jnp.sqrt(total(z, z) / jnp.maximum(total(d, d), 1e-300))
    d, m = size * d, 2 * cost.p // cost.q
    here, there = cost.drive(e, z), cost.drive(e, d)
    first, last = (total(z, here), m * total(d, here)), (m * total(z, there), total(d, there))
    middle = []
    if m == 4:
        both = [total(z + x, cost.drive(e, z + x)) for x in (d, -d)]
        middle = [0.5 * (both[0] + both[1]) - first[0] - last[1]]
    return tuple(c / size**k for k, c in enumerate((*first, *middle, *last)))


# Polynomials in t: tuples of coefficients, ascending. Components of vectors on bonds (b, d, c) lie
# on axis 1.
bond_dot = functools.partial(dot, axis=1)


def square_along(z, d):
    """(z + t d).(z + t d) of every bond."""
    return bond_dot(z, z), 2 * bond_dot(z, d), bond_dot(d, d)


def ray_along(e, z, d):
    """r_b.(z + t d) of every bond."""
    r = e.separation[:, :, None]
    return bond_dot(r, z), bond_dot(r, d)


def times(a, b):
    """Product of two polynomials."""
    product = [0.0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            product[i + j] = product[i + j] + x * y
    return tuple(product)


def plus(*terms):
    """Sum of polynomials of one degree, each with a factor."""
    count = len(terms[0][1])
    return tuple(sum(factor * polynomial[k] for factor, polynomial in terms) for k in range(count))
