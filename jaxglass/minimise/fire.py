"""Fast inertial relaxation (FIRE) with a time step that fits the stiffness and a cap on moves.

    v <- (1 - a) v + a |v| F / |F|,        v <- v + dt F,        x <- x + dt v

The largest stable step of the integrator is 2 / omega_max, and a few products with the Hessian at
every new list give omega_max, so the step needs no units from the user. Overlaps are first pushed
apart by descent in which each particle moves by its force over its own stiffness.

Many samples move at once, each with its own time step; one that is done waits for the others.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.struct import Struct
from ..neighbours.listing import forces
from ..neighbours.moving import on_fresh_lists
from .each import against, largest, one_where_zero, size
from .snapshot import snapshot
from .tolerance import tolerance

# The values published with the method.
GROW, SHRINK, MIX, MIX_SHRINK, DELAY = 1.1, 0.5, 0.1, 0.99, 5
# Longest step times omega_max; 2 is the limit of stability. Steps of 16 random starts of ipl2d,
# n = 512: 16,000 at 0.8, 12,200 at 1.2, 10,200 at 1.4, 13,100 at 1.6, 77,000 at 1.8.
LONGEST = 1.4
# Shortest step in units of the longest: a guard, never met in those starts (0.002 and 0.1 alike).
SHORTEST = 0.02
# Largest stiffness of a particle over the median that needs no pushing: glasses have at most 2.1.
OVERLAP = 20.0
PUSHES = 600  # at most


class Descent(Struct):
    """State of a minimisation of many samples.

    Attributes:
        position, velocity: (s, n, d).
        force: (s,), largest component of the gradient, at this position once done.
        done: (s,), whether the goal is reached.
        pushing: (s,), whether overlaps are still pushed apart.
        step: (s,), time step in units of the largest.
        mix: (s,), weight of the force in the velocity.
        since: (s,), steps since the velocity last pointed uphill.
        evaluated: (s,), gradients evaluated so far.
        steps: the same of the sample that took most, a number.
        status: bits of the lists, a number.
    """

    position: Array
    velocity: Array
    force: Array
    done: Array
    pushing: Array
    step: Array
    mix: Array
    since: Array
    evaluated: Array
    steps: Array
    status: Array


def start(position, evaluated, pushing):
    """A Descent at rest at positions (s, n, d) after a number of evaluations (s,)."""
    samples = len(position)
    each = lambda value: jnp.full(samples, value)
    return Descent(
        position=position,
        velocity=jnp.zeros_like(position),
        force=each(jnp.inf),
        done=each(False),
        pushing=each(False) | pushing,
        step=each(0.5),
        mix=each(MIX),
        since=jnp.zeros(samples, jnp.int32),
        evaluated=evaluated,
        steps=jnp.max(evaluated),
        status=jnp.int32(0),
    )


def largest_stiffness(e, products=10):
    """Estimate (s,) from below of the largest |eigenvalue| of the Hessians of a Snapshot, within a
    tenth on glasses.

    Power iteration, z <- M z / |z|.
    """
    shape = e.position.shape
    z = jnp.cos(1.0 + jnp.arange(shape[1] * shape[2])).reshape(shape[1:])

    def product(z, _):
        return e.second(z / against(one_where_zero(size(z)))), None

    return size(jax.lax.scan(product, jnp.broadcast_to(z, shape), length=products)[0])


def descend(model, all, plan, state, force_tol, limit):
    """Pushes overlaps apart, then runs FIRE until no component of the gradient is above the
    tolerance, ``force_tol`` (s,) of the typical force; or until the limit of steps.

    The unit of force is that of the last list. The force of a sample that is done is that of its
    own position: the last evaluation makes no move.

    Returns:
        The last Descent, and a PairList of its positions.
    """
    until = state.steps + PUSHES

    def prepare(s, pairs):
        e = snapshot(model, all, pairs, s.position)
        longest_step = LONGEST / jnp.sqrt(one_where_zero(largest_stiffness(e)))
        return longest_step, tolerance(e, force_tol)

    def advance(s, pairs, context):
        push = lambda s: _push(model, all, pairs, plan, s, until)
        relax = lambda s: _relax(model, all, pairs, plan, s, *context)
        return jax.lax.cond(jnp.any(s.pushing), push, relax, s)

    going = lambda s: ~jnp.all(s.done)
    move = prepare, advance
    return on_fresh_lists(model, all, plan, move, going, state, limit, list_at_end=True)


def _push(model, all, pairs, plan, s, until):
    """Moves x_i <- x_i + F_i / k_i, at most a quarter skin, until no overlap stands out.

    k_i is the sum of the stiffness of the bonds of particle i, which an overlap lifts far above the
    median.
    """
    e = snapshot(model, all, pairs, s.position)
    stiffness = e.stiffness
    move = -e.gradient() / one_where_zero(stiffness)[..., None]
    move = move * _cap(move, plan.skin / 4)
    smooth = jnp.max(stiffness, axis=1) <= OVERLAP * jnp.median(stiffness, axis=1)
    return s.replace(
        position=jnp.where(against(s.pushing), s.position + move, s.position),
        pushing=s.pushing & ~smooth & (s.steps + 1 < until),
        evaluated=s.evaluated + s.pushing,
        steps=s.steps + 1,
    )


def _relax(model, all, pairs, plan, s, longest_step, enough):
    """A step of FIRE; samples that are done stay where they are."""
    force = forces(model, all, pairs, s.position)
    strongest = largest(force)
    done = s.done | ~(strongest > enough)  # also where it is NaN
    downhill = jnp.sum(force * s.velocity, axis=(1, 2)) > 0
    velocity = jnp.where(against(downhill), s.velocity, 0.0)
    since = jnp.where(downhill, s.since + 1, 0)
    settled = since > DELAY
    grown = jnp.where(settled, jnp.minimum(s.step * GROW, 1.0), s.step)
    step = jnp.maximum(jnp.where(downhill, grown, s.step * SHRINK), SHORTEST)
    mix = jnp.where(downhill, jnp.where(settled, s.mix * MIX_SHRINK, s.mix), MIX)
    dt = against(step * longest_step)
    velocity = velocity + dt * force
    ratio = size(velocity) / one_where_zero(size(force))
    velocity = against(1 - mix) * velocity + against(mix * ratio) * force
    velocity = velocity * _cap(dt * velocity, plan.skin / 4)
    return s.replace(
        position=jnp.where(against(done), s.position, s.position + dt * velocity),
        velocity=velocity,
        force=jnp.where(s.done, s.force, strongest),
        done=done,
        step=step,
        mix=mix,
        since=since,
        evaluated=s.evaluated + ~s.done,
        steps=s.steps + 1,
    )


def _cap(move, longest):
    """Factor (s, n, 1) that shortens moves to the longest allowed."""
    length = jnp.sqrt(dot(move, move))[..., None]
    return jnp.minimum(1.0, longest / jnp.where(length > 0, length, longest))
