"""Indicators of the angles between neighbours: bond order and steric order, in the plane.

Neighbours of i are all j nearer than a cutoff times sigma_ij. D. Richard et al., Phys. Rev.
Materials 4, 113609 (2020), appendix B; steric order: H. Tong and H. Tanaka, Phys. Rev. X 8, 011041
(2018).
"""

import functools
import math

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.checks import integer, is_traced, positive
from ..core.status import Status, flag, or_nan
from ..models.pair import PairModel, kinds, length
from ..neighbours import search
from ..system.glass import Glass
from .surroundings import (
    Values,
    longest,
    longest_bound,
    over,
    plan_list,
    refuse_narrow,
    root,
    surroundings,
)
from .voronoi import only_planar

# Cutoffs as published, in sigma_ij: the first minimum of g(r) of binary Lennard-Jones particles and
# of polydisperse repulsive ones. The binary inverse power law has its minimum at 1.2-1.4, and 1.5
# already takes in its second shell. What tells them apart is that attraction reaches to 2.5.
ATTRACTIVE, REPULSIVE, FAR = 1.5, 1.33, 2.0
# Places for neighbours: there are at most 11 in the reference glasses.
PLACES = 16


def bond_order(
    model: PairModel, glass: Glass, *, order: int = 6, cutoff: float | None = None
) -> Array:
    """Order of the directions to the neighbours of each particle, |mean_j exp(i m theta_ij)|, (n,).

    1 in a perfect triangular crystal, for m = 6. NaN for a particle without neighbours.

    Args:
        model: PairModel, for the sizes of the particles.
        glass: Glass in the plane.
        order: m.
        cutoff: neighbours are nearer than this times sigma_ij; by default 1.5 for models that reach
            to 2 sigma or more, 1.33 for others.

    Example:
        >>> psi = jg.indicators.bond_order(model, glass)
        >>> bool(((psi >= 0) & (psi <= 1)).all())
        True
    """
    integer("order", order, at_least=1)
    return _by_angles("bond_order", model, glass, cutoff, order)


def steric_order(model: PairModel, glass: Glass, *, cutoff: float | None = None) -> Array:
    """How far the angles between neighbours are from those of particles in contact, (n,).

    The mean over pairs k, l of neighbours of j that follow each other in direction of
    |theta_1 - theta_2|, where theta_1 is the angle k j l and theta_2 what it would be if all three
    touched: cos theta_2 = (s_jk^2 + s_jl^2 - s_kl^2) / (2 s_jk s_jl), s the sigma of the pairs.
    NaN for a particle without neighbours.

    Args:
        model, glass, cutoff: as for ``bond_order``.

    Example:
        >>> bool((jg.indicators.steric_order(model, glass) > 0).all())
        True
    """
    return _by_angles("steric_order", model, glass, cutoff, None)


def _by_angles(name, model, glass, cutoff, order):
    only_planar(name, glass)
    search.check(model, glass)
    if cutoff is not None:
        positive("cutoff", cutoff)
    refuse_narrow(glass, _cutoff(model, cutoff) * longest(model, glass), f"the cutoff of {name}")

    def attempt(room):
        listing = plan_list(glass, _range_bound(model, cutoff), room)
        return _measured(model, glass, cutoff, order, listing, math.ceil(PLACES * room))

    found = search.with_room(attempt, model, glass, cutoff)
    return found.value


def _cutoff(model, cutoff):
    usual = jnp.where(jnp.max(model.cutoff) >= FAR, ATTRACTIVE, REPULSIVE)
    return usual if cutoff is None else cutoff


def _range_bound(model, cutoff):
    """About the largest distance of neighbours, as a plain number."""
    if is_traced(model.cutoff, cutoff):
        return REPULSIVE * longest_bound(model)
    with jax.ensure_compile_time_eval():
        return float(_cutoff(model, cutoff)) * longest_bound(model)


@functools.partial(jax.jit, static_argnums=(3, 4, 5))
def _measured(model, glass, cutoff, order, listing, size):
    kind = kinds(model, glass)
    cutoff = _cutoff(model, cutoff)
    range_of = lambda i, j: jax.lax.stop_gradient(cutoff * length(model, kind[i], kind[j]))
    near = lambda i, j, square: square < range_of(i, j) ** 2
    radius = cutoff * longest(model, glass)
    around = surroundings(glass, radius, listing, min(size, max(1, glass.count - 1)), near)
    own = jnp.broadcast_to(jnp.arange(glass.count)[:, None], around.other.shape)
    farthest = jnp.max(jnp.where(around.held, range_of(own, around.other), 0.0))
    status = around.status | flag(farthest > radius * (1 + 1e-12), Status.BEYOND_REACH)
    direction = jnp.arctan2(around.separation[..., 1], around.separation[..., 0])
    if order is None:
        value = _steric(model, kind, around, direction)
    else:
        mean = lambda f: over(
            jnp.sum(jnp.where(around.held, f(order * direction), 0.0), axis=1),
            jnp.sum(around.held, axis=1),
        )
        real, imaginary = mean(jnp.cos), mean(jnp.sin)
        square = real**2 + imaginary**2
        value = jnp.where(jnp.isnan(square), jnp.nan, root(square))
    return Values(or_nan(status, value), status)


def _steric(model, kind, around, direction):
    """Of the next neighbour in direction: the least positive turn, a whole one to itself."""
    turn = (direction[:, None, :] - direction[:, :, None]) % (2 * jnp.pi)
    same = jnp.eye(direction.shape[1], dtype=bool)
    turn = jnp.where(same, 2 * jnp.pi, jnp.where(around.held[:, None, :], turn, jnp.inf))
    following = jnp.argmin(turn, axis=2)
    r, k = around.separation, kind[around.other]
    q, l = jnp.take_along_axis(r, following[..., None], 1), jnp.take_along_axis(k, following, 1)
    cross = r[..., 0] * q[..., 1] - r[..., 1] * q[..., 0]
    angle = jnp.arctan2(jnp.abs(cross), dot(r, q))
    own = jnp.broadcast_to(kind[:, None], k.shape)
    jk, jl, kl = (length(model, a, b) for a, b in ((own, k), (own, l), (k, l)))
    cosine = jnp.clip((jk**2 + jl**2 - kl**2) / (2 * jk * jl), -1.0, 1.0)
    touching = jnp.arctan2(root(1 - cosine**2), cosine)  # arccos has no derivative at its ends
    apart = jnp.where(around.held, jnp.abs(angle - touching), 0.0)
    return over(jnp.sum(apart, axis=1), jnp.sum(around.held, axis=1))
