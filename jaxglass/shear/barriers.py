"""Saddles around a minimum: barriers, the minima behind them, and the strain that opens each.

Starts are soft modes of the minimum, in both senses, or random displacements. From each saddle the
glass is let go on both sides: one that comes back is linked.

With Q the energy of a barrier and tau the stress, dQ / dgamma = V (tau_saddle - tau_minimum) and
Q ~ (1 - gamma / gamma_c)^(3/2) near its end, so that

    gamma_c = (3/2) Q / [V (tau_minimum - tau_saddle)].
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer
from ..core.samples import loop_on_cpu
from ..core.status import Status
from ..core.struct import Struct
from ..landscape.dissection import plan_of
from ..landscape.expand import expand
from ..landscape.strain import shear_direction, stress
from ..landscape.total import energy
from ..linalg.nested_tree import ROOMY
from ..minimise.quench import quench
from ..modes.stationary import SoftMode
from ..neighbours import search
from ..system.glass import Glass
from . import climb, march, near

MAX_STEPS = 200  # factorisations of a climb; some tens are usual
PUSH = 0.02  # mean distances along the mode, off a saddle
SAME = 1e-3  # mean distances within which two configurations are one
RADIUS = 2.0  # of random pushes, in mean distances: that of the comparison of indicators
SIZE = 0.1  # of the displacements to begin with, in mean distances


class Saddles(Struct):
    """Saddles of index one, one for each start.

    Attributes:
        position: (k, n, d).
        barrier: (k,), energy above the minimum.
        mode: (k, n, d), of negative curvature, away from the minimum where the saddle is linked.
        curvature: (k,).
        max_force: (k,), largest component of the gradient.
        other: (k, n, d), the minimum on the other side.
        linked: (k,), whether one side leads back to the minimum.
        label: (k,), index of the first start that found the same saddle, -1 where none was found.
        particle: (k,), that moves most from the minimum to the saddle.
        stress: (k, d, d), of the saddle less that of the minimum.
        factorisations: (k,), of Hessians on the way up.
        evaluations: (k,), of gradients on the ways down.
        status: (k,), bits; NOT_CONVERGED where the climb found no saddle.
    """

    position: Array
    barrier: Array
    mode: Array
    curvature: Array
    max_force: Array
    other: Array
    linked: Array
    label: Array
    particle: Array
    stress: Array
    factorisations: Array
    evaluations: Array
    status: Array


class _Settings(NamedTuple):
    sizes: march.Sizes
    max_steps: int


def saddles(
    model: Any,
    glass: Glass,
    starts: Any,
    *,
    max_steps: int = MAX_STEPS,
) -> Saddles:
    """Saddles of index one around a minimum, by following modes uphill.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass at a minimum.
        starts: (k, n, d) displacements to begin from, from ``jg.plasticity.barrier_starts`` or
            ``random_starts``.
        max_steps: limit of factorisations of each.

    Returns:
        Saddles. Works under jit and vmap. Barriers are differentiable in the model and the box:
        positions are stationary, so that only energies at fixed ones count.

    Example:
        >>> modes = jg.cubic_mode(e, jg.modes.dipole_seeds(e, jnp.arange(2)))
        >>> found = jg.saddles(model, glass, jg.plasticity.barrier_starts(glass, modes))
        >>> found.barrier.shape, jg.plasticity.trigger_strain(found, glass).shape
        ((4,), (4,))
    """
    search.check(model, glass, many=True)
    search.check_forces(model)
    integer("max_steps", max_steps, at_least=1)
    starts = jnp.asarray(starts, jnp.float64)
    if starts.ndim != 3 or starts.shape[1:] != glass.position.shape or not len(starts):
        raise ValueError(
            f"starts must have shape (k, {', '.join(map(str, glass.position.shape))}), "
            f"found {starts.shape}"
        )

    of = jax.lax.stop_gradient((model, glass, starts))

    def attempt(room):
        plan = near.plan_near(model, glass, 0.0, room)
        tree = plan_of(glass, near.room_for_coupled(plan), ROOMY)
        return _saddles(*of, _Settings(march.Sizes(plan, tree), max_steps))

    overflows = search.OVERFLOWS | Status.SEPARATOR_OVERFLOW
    found = search.with_room(attempt, *of, overflows=overflows)
    return found.replace(barrier=_barriers(model, glass, found))


def barrier_starts(glass: Glass, modes: SoftMode, *, size: float = SIZE) -> Array:
    """Displacements along modes in both senses, (2 k, n, d).

    Args:
        glass: Glass at the minimum.
        modes: SoftMode of a batch, cubic modes by preference.
        size: of the displacement of the particle that moves most, in mean distances.

    Example:
        >>> modes = jg.cubic_mode(e, jg.modes.dipole_seeds(e, jnp.arange(2)))
        >>> jg.plasticity.barrier_starts(glass, modes).shape
        (4, 64, 2)
    """
    if modes.vector.ndim != 3:
        raise ValueError(f"modes must be a batch, found vectors of shape {modes.vector.shape}")
    most = jnp.max(jnp.linalg.norm(modes.vector, axis=2), axis=1)
    there = (size * glass.spacing / most)[:, None, None] * modes.vector
    return jnp.concatenate([there, -there])


def random_starts(
    key: Array, glass: Glass, count: int, *, radius: float = RADIUS, size: float = SIZE
) -> Array:
    """Random displacements of all particles around one, (count, n, d).

    Args:
        key: JAX random key.
        glass: Glass.
        count: number of starts.
        radius: of the particles moved around one chosen at random, in mean distances.
        size: of the displacement of the particle that moves most, in mean distances.

    Example:
        >>> jg.plasticity.random_starts(jax.random.key(0), glass, 3).shape
        (3, 64, 2)
    """
    count = integer("count", count, at_least=1)
    centres, kicks = jax.random.split(key)
    chosen = jax.random.randint(centres, (count,), 0, glass.count)
    r = glass.box.minimum_image(glass.position - glass.position[chosen][:, None])
    near_one = jnp.sum(r * r, axis=-1) < (radius * glass.spacing) ** 2
    kick = jnp.where(near_one[..., None], jax.random.normal(kicks, r.shape), 0.0)
    most = jnp.max(jnp.linalg.norm(kick, axis=2), axis=1)
    return kick * (size * glass.spacing / most)[:, None, None]


def trigger_strain(found: Saddles, glass: Glass, *, plane: tuple[int, int] = (0, 1)) -> Array:
    """The strain at which each barrier vanishes under simple shear, (k,); infinite where shear
    raises it.

    Args:
        found: Saddles.
        glass: Glass at the minimum.
        plane: (p, q), x_p moves with x_q.

    Example:
        See ``jg.saddles``.
    """
    direction = shear_direction(plane, glass.dim)
    falls = -jnp.einsum("kij,ij->k", found.stress, direction) * glass.box.volume
    strain = 1.5 * found.barrier / jnp.where(falls > 0, falls, 1.0)
    return jnp.where(falls > 0, strain, jnp.where(jnp.isnan(falls), jnp.nan, jnp.inf))


@jax.jit
def _barriers(model, glass, found):
    """Energies above the minimum, NaN where no saddle was found."""
    above = lambda x: energy(model, glass.replace(position=x))
    rise = jax.lax.map(above, found.position) - above(glass.position)
    return jnp.where(found.label >= 0, rise, jnp.nan)


@functools.partial(jax.jit, static_argnames="settings")
def _saddles(model, glass, starts, settings):
    # one after the other on CPUs, as climbs differ in length
    run = loop_on_cpu(functools.partial(_one, settings))
    of = model, glass, stress(expand(model, glass))
    found = jax.vmap(run, (None, None, None, 0))(*of, starts)
    return found.replace(label=_labels(glass, found))


def _one(settings, model, glass, tension, start):
    top = climb.climb(model, glass, start, *settings)
    at = glass.replace(position=top.position)
    push = PUSH * glass.spacing * top.modes[..., 0]
    let_go = lambda sign: quench(model, at.replace(position=top.position + sign * push))
    ends = jax.lax.map(let_go, jnp.array([1.0, -1.0]))  # one quench to compile, and not two
    ahead, behind = ends.glass.position
    home = [_apart(glass, x, glass.position) < SAME for x in (ahead, behind)]
    other = jnp.where(home[0], behind, ahead)
    moved = _way(glass, top.position, glass.position)
    lost = ~top.there
    nothing = lambda a: jnp.where(lost, jnp.nan, a)
    status = top.status | ends.status[0] | ends.status[1]
    return Saddles(
        position=top.position,
        barrier=nothing(jnp.zeros(())),
        mode=jnp.where(home[0], -1.0, 1.0) * top.modes[..., 0],
        curvature=nothing(top.values[0]),
        max_force=top.force,
        other=other,
        linked=~lost & (home[0] | home[1]),
        label=jnp.int32(-1),
        particle=jnp.argmax(jnp.sum(moved * moved, axis=1)),
        stress=nothing(stress(expand(model, at)) - tension),
        factorisations=top.steps,
        evaluations=jnp.sum(ends.steps),
        status=status,
    )


def _way(glass, x, y):
    """Displacements from y to x without their mean."""
    r = glass.box.minimum_image(x - y)
    return r - jnp.mean(r, axis=0)


def _apart(glass, x, y):
    """The largest of them, in mean distances."""
    return jnp.max(jnp.linalg.norm(_way(glass, x, y), axis=1)) / glass.spacing


def _labels(glass, found):
    """The first start that found the same saddle."""
    good = jnp.isfinite(found.barrier)

    def one(k):
        near_k = jax.lax.map(lambda x: _apart(glass, x, found.position[k]) < SAME, found.position)
        return jnp.argmax(near_k & good)

    label = jax.lax.map(one, jnp.arange(len(good)))
    return jnp.where(good, label, -1).astype(jnp.int32)
