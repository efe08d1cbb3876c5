"""Fast inertial relaxation (FIRE) with a time step that fits the stiffness and a cap on moves.

    v <- (1 - a) v + a |v| F / |F|,        v <- v + dt F,        x <- x + dt v

The largest stable step of the integrator is 2 / omega_max, and a few products with the Hessian at
every rebuild of the list give omega_max, so the step needs no units from the user. Overlaps are
first pushed apart by descent in which each particle moves by its force over its own stiffness.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from ..landscape.expansion import at_bonds
from ..models.pair import mixed
from .lists import on_fresh_lists
from .tolerance import particle_stiffness, tolerance

# The values published with the method.
GROW, SHRINK, MIX, MIX_SHRINK, DELAY = 1.1, 0.5, 0.1, 0.99, 5
# Longest step times omega_max; 2 is the limit of stability. Steps of 16 random starts of ipl2d,
# n = 512: 16,000 at 0.8, 12,200 at 1.2, 10,200 at 1.4, 13,100 at 1.6, 77,000 at 1.8.
LONGEST = 1.4
# Shortest step in units of the longest: a guard, never met in those starts (0.002 and 0.1 alike).
SHORTEST = 0.02
# Largest stiffness of a particle over the median that needs no pushing: glasses have at most 2.1.
OVERLAP = 20.0


class Descent(Struct):
    """State of a minimisation.

    Attributes:
        position, velocity: (n, d).
        force: largest component of the gradient, at this position once done.
        done: whether the goal is reached.
        step: time step in units of the largest.
        mix: weight of the force in the velocity.
        since: steps since the velocity last pointed uphill.
        steps: gradients evaluated so far.
        status: bits of the neighbour lists.
    """

    position: Array
    velocity: Array
    force: Array
    done: Array
    step: Array
    mix: Array
    since: Array
    steps: Array
    status: Array


def start(position):
    """A Descent at rest."""
    zero = jnp.int32(0)
    still = jnp.zeros_like(position)
    infinite, half, mix = (jnp.float64(number) for number in (jnp.inf, 0.5, MIX))
    return Descent(position, still, infinite, jnp.bool_(False), half, mix, zero, zero, zero)


def largest_stiffness(e, products=10):
    """Estimate from below of the largest |eigenvalue| of the Hessian, within a tenth on glasses.

    Power iteration, z <- M z / |z|.
    """
    n, d = e.position.shape
    z = jnp.cos(1.0 + jnp.arange(n * d)).reshape(n, d)

    def product(z, _):
        size = jnp.linalg.norm(z)
        return e.second(z / jnp.where(size > 0, size, 1.0)), None

    return jnp.linalg.norm(jax.lax.scan(product, z, length=products)[0])


def push_apart(model, glass, sizes, state, limit=600):
    """Moves x_i <- x_i + F_i / k_i, at most a quarter skin, until no overlap stands out.

    k_i is the sum of the stiffness of the bonds of particle i, which an overlap lifts far above the
    median.
    """

    def advance(s, bonds, _):
        e = at_bonds(model, glass.replace(position=s.position), bonds, order=2)
        stiffness = particle_stiffness(e)
        gradient = e.gradient()
        move = -gradient / jnp.where(stiffness > 0, stiffness, 1.0)[:, None]
        move = move * _cap(move, sizes.skin / 4)
        return s.replace(
            position=s.position + move,
            force=jnp.max(jnp.abs(gradient)),
            done=jnp.max(stiffness) <= OVERLAP * jnp.median(stiffness),
            steps=s.steps + 1,
        )

    def prepare(s, bonds):
        return None

    return on_fresh_lists(model, glass, sizes, (prepare, advance), lambda s: ~s.done, state, limit)


def _cap(move, longest):
    """Factor (n, 1) that shortens moves to the longest allowed."""
    length = jnp.sqrt(jnp.sum(move * move, axis=-1, keepdims=True))
    return jnp.minimum(1.0, longest / jnp.where(length > 0, length, longest))


def fire(model, glass, sizes, state, force_tol, limit):
    """Runs FIRE until no component of the gradient is above ``tolerance(e, force_tol)``.

    Or the limit of steps. The unit of force is that of the last rebuild of the list. The force of a
    Descent that is done is that of its own position: the last evaluation makes no move.
    """

    def prepare(s, bonds):
        scales = mixed(model, glass, bonds.i, bonds.j)
        e = at_bonds(model, glass.replace(position=s.position), bonds, 2, scales)
        stiffest = largest_stiffness(e)
        longest_step = LONGEST / jnp.sqrt(jnp.where(stiffest > 0, stiffest, 1.0))
        return longest_step, tolerance(e, force_tol), scales

    def advance(s, bonds, context):
        longest_step, enough, scales = context
        force = -at_bonds(model, glass.replace(position=s.position), bonds, 1, scales).gradient()
        largest = jnp.max(jnp.abs(force))
        done = largest <= enough
        downhill = jnp.sum(force * s.velocity) > 0
        velocity = jnp.where(downhill, s.velocity, 0.0)
        since = jnp.where(downhill, s.since + 1, 0)
        settled = since > DELAY
        grown = jnp.where(settled, jnp.minimum(s.step * GROW, 1.0), s.step)
        step = jnp.maximum(jnp.where(downhill, grown, s.step * SHRINK), SHORTEST)
        mix = jnp.where(downhill, jnp.where(settled, s.mix * MIX_SHRINK, s.mix), MIX)
        dt = step * longest_step
        velocity = velocity + dt * force
        size = jnp.linalg.norm(force)
        ratio = jnp.linalg.norm(velocity) / jnp.where(size > 0, size, 1.0)
        velocity = (1 - mix) * velocity + mix * ratio * force
        velocity = velocity * _cap(dt * velocity, sizes.skin / 4)
        position = jnp.where(done, s.position, s.position + dt * velocity)
        return Descent(position, velocity, largest, done, step, mix, since, s.steps + 1, s.status)

    return on_fresh_lists(
        model,
        glass,
        sizes,
        (prepare, advance),
        lambda s: ~s.done,
        state.replace(done=jnp.zeros_like(state.done)),
        limit,
    )
