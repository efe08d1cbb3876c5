"""Coarse-grained fields at the particles, and their exact rates of change.

With the kernel phi(r) = [1 - 2 (r/R)^4 + (r/R)^8] / A, whose volume is one,

    u(x)     = sum_j u_j phi(x - x_j) / sum_j phi(x - x_j)
    sigma(x) = sum_b f_b r_b int_0^1 phi(x - x_i - t r_b) dt

so that tension is positive and the mean of sigma over the box is the stress. The field of a
particle is taken where it is, and moves with it: every separation r changes at the rate
E r + v_j - v_i, and neither an origin nor a translation of v enters.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import positive
from ..core.geometry import sphere
from ..core.status import Status, flag, or_nan
from ..landscape.contract import need
from ..landscape.engine import Factor
from ..landscape.expansion import bond_second
from ..landscape.strain import shear_direction
from ..neighbours import jaxmd, search
from ..response.elasticity import shear_modulus
from ..thermal.local_energy import thermal_displacement
from .surroundings import Values, places, plan_list, refuse_narrow, spacing_bound, surroundings

RADIUS = 5.0  # R of the comparison of structural indicators, in units of length of its models
POINTS = 5  # of Gauss on the part of a bond within R: exact, as phi has the degree eight
BATCH = 32  # particles at a time; each sees some thousands of bonds
LIKE_MEAN, FEW = 1.5, 8  # room for bonds that begin at a particle, over their mean, and more


def local_modulus(
    e,
    *,
    plane: tuple[int, int] = (0, 1),
    radius: float = RADIUS,
    factor: Factor | None = None,
) -> Array:
    """Local shear modulus d sigma_pq / (d_q u_p + d_p u_q) of coarse-grained fields, (n,).

    Exact by linear response to simple shear: affine and nonaffine motion together. It scatters
    about the modulus of the sample.

    Args:
        e: Expansion of pairs at a minimum.
        plane: (p, q), x_p moves with x_q.
        radius: R of the kernel; with the longest bond it must fit in half the box.
        factor: Factor of e, from ``factorise``.

    Returns:
        (n,); NaN if the configuration is not a minimum. Low where a glass is soft.

    Example:
        >>> jg.indicators.local_modulus(e, radius=2.0).shape
        (64,)
    """
    need("local_modulus", e, "terms", "glass")
    direction = shear_direction(plane, e.glass.dim)
    moved = shear_modulus(e, plane=plane, factor=factor)
    run = lambda sizes: _modulus(
        e, or_nan(moved.status, moved.nonaffine), direction, radius, plane=tuple(plane), sizes=sizes
    )
    return _with_room(e, radius, run, bonds=True)


def thermal_expansion(
    e, *, radius: float = RADIUS, displacement: Array | None = None, factor: Factor | None = None
) -> Array:
    """Coarse-grained volume change per temperature div u / (T rho), u = T X / 2 the mean thermal
    displacement, (n,).

    Args:
        e: expansion of a glass at a minimum.
        radius: R of the kernel, at most half the box.
        displacement: X, from ``jg.thermal_displacement(e)``.
        factor: Factor of e, from ``factorise``.

    Returns:
        (n,); NaN if the configuration is not a minimum.

    Example:
        >>> jg.indicators.thermal_expansion(e, radius=2.0).shape
        (64,)
    """
    need("thermal_expansion", e, "groups", "glass")
    x = thermal_displacement(e, factor=factor) if displacement is None else displacement
    return _with_room(e, radius, lambda sizes: _expansion(e, x, radius, sizes=sizes), bonds=False)


class _Sizes(NamedTuple):
    """Static: list of particles, places around one, places for bonds that begin at one."""

    listing: jaxmd.ListPlan
    around: int
    begins: int


def _with_room(e, radius, run, *, bonds):
    """The values by a function of sizes, with more room where they do not fit."""
    positive("radius", radius)
    reach = float(radius) + (e.reach if bonds else 0.0)
    refuse_narrow(e.glass, reach, f"coarse graining over a radius of {float(radius):g}")
    n, spacings = e.count, reach / spacing_bound(e.glass)

    def attempt(room):
        begins = min(n, math.ceil(LIKE_MEAN * room * e.bonds.capacity / n) + FEW)
        sizes = plan_list(e.glass, reach, room), places(e.glass, spacings, room), begins
        return run(_Sizes(*sizes))

    found = search.with_room(attempt, e)
    return or_nan(found.status, found.value)


def _seen(e, radius, listing, size):
    """Surroundings of every particle, itself included."""
    s = surroundings(e.glass, radius, listing, size)
    itself = jnp.arange(e.count)[:, None]
    join = lambda one, more: jnp.concatenate([one, more], axis=1)
    return s.replace(
        other=join(itself, s.other),
        held=join(jnp.ones_like(itself, bool), s.held),
        separation=join(jnp.zeros((e.count, 1, e.glass.dim)), s.separation),
    )


def _begins(bonds, n, room):
    """Rows of the bonds that begin at each particle, which there are, and the most of one."""
    where = jnp.where(bonds.valid, bonds.i, n)
    order = jnp.argsort(where)
    first = jnp.searchsorted(where[order], jnp.arange(n + 1))
    slot = first[:-1, None] + jnp.arange(room)
    held = slot < first[1:, None]
    return order[jnp.minimum(slot, len(order) - 1)], held, jnp.max(jnp.diff(first))


@functools.partial(jax.jit, static_argnames=("plane", "sizes"))
def _modulus(e, v, direction, radius, *, plane, sizes):
    near = _seen(e, radius + e.reach, sizes.listing, sizes.around)
    row, begins, many = _begins(e.bonds, e.count, sizes.begins)
    p, q = plane
    rate = lambda r, a, b: r @ direction.T + v[b] - v[a]
    r_rate = rate(e.separation, e.bonds.i, e.bonds.j)
    of_bonds = e.separation, r_rate, e.force, bond_second(e, r_rate)

    def one(k):
        other, held, start = near.other[k], near.held[k], near.separation[k]
        start_rate = rate(start, k, other)
        gradient = _gradient(start, held, start_rate, radius)
        rows, shown = row[other], held[:, None] & begins[other]
        near_bonds = [a[rows] for a in of_bonds]
        stress = _stress_rate(start, start_rate, near_bonds, shown, radius)
        return stress[p, q] / (gradient[p, q] + gradient[q, p])

    value = jax.lax.map(one, jnp.arange(e.count), batch_size=BATCH)
    full = flag(many > sizes.begins, Status.NEIGHBOUR_OVERFLOW)
    return Values(value, near.status | full)


@functools.partial(jax.jit, static_argnames="sizes")
def _expansion(e, moved, radius, *, sizes):
    near = _seen(e, radius, sizes.listing, sizes.around)

    def one(k):
        u = 0.5 * moved[near.other[k]]
        return jnp.trace(_gradient(near.separation[k], near.held[k], u, radius))

    value = jax.lax.map(one, jnp.arange(e.count), batch_size=BATCH) / e.glass.density
    return Values(value, near.status)


def _kernel(square, radius, dim):
    """phi as a function of r^2, and its derivative by r^2."""
    y = square / radius**2
    norm = sphere(dim) * radius**dim * 32 / (dim * (dim + 4) * (dim + 8))
    inside = y < 1
    return (
        jnp.where(inside, (1 - y * y) ** 2, 0.0) / norm,
        jnp.where(inside, -4 * y * (1 - y * y), 0.0) / norm / radius**2,
    )


def _gradient(r, held, u, radius):
    """du_a / dx_b where the particle is, of what its neighbours at r do."""
    value, slope = _kernel(jnp.sum(r * r, axis=1), radius, r.shape[1])
    value = jnp.where(held, value, 0.0)
    slope = jnp.where(held, slope, 0.0)[:, None] * -2 * r  # by x
    total = jnp.sum(value)
    weight = slope / total - value[:, None] * jnp.sum(slope, axis=0) / total**2
    return jnp.einsum("ja,jb->ab", u, weight)


def _stress_rate(start, start_rate, bonds, shown, radius):
    """d sigma of the bonds (k, m) that begin at places (k, d) seen from the particle.

    The ends of the part within R do not matter, as phi and its slope vanish there.
    """
    r, r_rate, force, force_rate = bonds
    t, weight = _chord(start[:, None], r, shown, radius)
    along = lambda a, b: a[:, None, None] + t[..., None] * b[:, :, None]
    y, y_rate = along(start, r), along(start_rate, r_rate)
    value, slope = _kernel(jnp.sum(y * y, axis=-1), radius, r.shape[-1])
    whole = jnp.sum(weight * value, axis=-1)
    change = jnp.sum(weight * slope * 2 * jnp.sum(y * y_rate, axis=-1), axis=-1)
    sum_of = functools.partial(jnp.einsum, "km,kmp,kmq->pq")
    return sum_of(change, force, r) + sum_of(whole, force_rate, r) + sum_of(whole, force, r_rate)


def _chord(start, r, shown, radius):
    """Points of Gauss on the part of start + t r within R, t and weights (k, m, POINTS)."""
    start, r = jax.lax.stop_gradient((start, r))
    a, b = jnp.sum(r * r, axis=-1), jnp.sum(start * r, axis=-1)
    square = b * b - a * (jnp.sum(start * start, axis=-1) - radius**2)
    root = jnp.sqrt(jnp.maximum(square, 0.0))
    low, high = (jnp.clip((-b + sign * root) / a, 0.0, 1.0) for sign in (-1, 1))
    nodes, weights = map(jnp.asarray, np.polynomial.legendre.leggauss(POINTS))
    half = jnp.where(shown, 0.5 * (high - low), 0.0)[..., None]
    return 0.5 * (high + low)[..., None] + half * nodes, half * weights
