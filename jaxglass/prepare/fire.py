"""Fast inertial relaxation (FIRE) in float64, with a time step that fits the stiffness and a cap on every move.

The largest stable step of the integrator is 2 / omega_max, and a few products with the Hessian at every rebuild of the
list give omega_max, so the step needs no units from the user. Overlaps are first pushed apart by descent in which each particle
moves by its force over its own stiffness. Both run on a list of bonds with a skin: the outer loop builds lists, the
inner loop moves until someone has moved half a skin. Under vmap a sample that waits for a new list costs nothing but
the wait.
"""

import jax
import jax.numpy as jnp

from ..core.struct import struct
from ..landscape.expansion import at_bonds
from ..models.pair import mixed
from .lists import on_fresh_lists

GROW, SHRINK, MIX, MIX_SHRINK, DELAY = 1.1, 0.5, 0.1, 0.99, 5
LONGEST = 1.2  # longest step times omega_max; 2 is the limit of stability


@struct
class Descent:
    """State of a minimisation.

    Attributes:
        position, velocity: (n, d).
        force: largest component of the gradient.
        step: time step in units of the largest.
        mix: weight of the force in the velocity.
        since: steps since the velocity last pointed uphill.
        steps: gradients evaluated so far.
        status: bits of the neighbour lists.
    """

    position: object
    velocity: object
    force: object
    step: object
    mix: object
    since: object
    steps: object
    status: object


def start(position):
    """A Descent at rest."""
    zero = jnp.int32(0)
    return Descent(position, jnp.zeros_like(position), jnp.inf, 0.5, MIX, zero, zero, zero)


def particle_stiffness(e):
    """Bound on the stiffness each particle feels, sum over its bonds of |F_1| + |F_2| r^2, (n,)."""
    per_bond = jnp.abs(e.derivative[1]) + jnp.abs(e.derivative[2]) * jnp.sum(
        e.separation**2, axis=-1
    )
    zero = jnp.zeros(e.count)
    return zero.at[e.bonds.i].add(per_bond).at[e.bonds.j].add(per_bond)


def largest_stiffness(e, products=10):
    """Estimate from below of the largest |eigenvalue| of the Hessian, by power iteration; within a tenth on glasses."""
    n, d = e.position.shape
    z = jnp.cos(1.0 + jnp.arange(n * d)).reshape(n, d)

    def product(z, _):
        z = e.second(z / jnp.maximum(jnp.linalg.norm(z), 1e-300))
        return z, None

    return jnp.linalg.norm(jax.lax.scan(product, z, length=products)[0])


def push_apart(model, glass, sizes, state, limit=600):
    """Moves every particle by its force over its own stiffness, at most a quarter skin, until no overlap stands out."""

    def expansion(s, bonds):
        return at_bonds(model, glass.replace(position=s.position), bonds, order=2)

    def advance(s, bonds, _):
        e = expansion(s, bonds)
        stiffness = particle_stiffness(e)[:, None]
        gradient = e.gradient()
        move = -gradient / jnp.where(stiffness > 0, stiffness, 1.0)
        move = move * _cap(move, sizes.skin / 4)
        return s.replace(position=s.position + move, force=_overlap(stiffness), steps=s.steps + 1)

    def prepare(s, bonds):
        return None

    found, bonds = on_fresh_lists(
        model, glass, sizes, (prepare, advance), lambda s: s.force > 20.0, state, limit
    )
    return found.replace(force=jnp.inf), bonds


def _overlap(stiffness):
    return jnp.max(stiffness) / jnp.maximum(jnp.median(stiffness), 1e-300)


def _cap(move, longest):
    """Factor (n, 1) that shortens moves to the longest allowed."""
    length = jnp.sqrt(jnp.sum(move * move, axis=-1, keepdims=True))
    return jnp.minimum(1.0, longest / jnp.where(length > 0, length, longest))


def fire(model, glass, sizes, state, force_tol, limit):
    """Runs FIRE from a Descent until the largest force component is below force_tol, or the limit of steps."""

    def prepare(s, bonds):
        scales = mixed(model, glass, bonds.i, bonds.j)
        e = at_bonds(model, glass.replace(position=s.position), bonds, 2, scales)
        return LONGEST / jnp.sqrt(jnp.maximum(largest_stiffness(e), 1e-300)), scales

    def advance(s, bonds, context):
        longest_step, scales = context
        force = -at_bonds(model, glass.replace(position=s.position), bonds, 1, scales).gradient()
        downhill = jnp.sum(force * s.velocity) > 0
        velocity = jnp.where(downhill, s.velocity, 0.0)
        since = jnp.where(downhill, s.since + 1, 0)
        settled = since > DELAY
        step = jnp.where(
            downhill, jnp.where(settled, jnp.minimum(s.step * GROW, 1.0), s.step), s.step * SHRINK
        )
        step = jnp.maximum(step, 0.02)
        mix = jnp.where(downhill, jnp.where(settled, s.mix * MIX_SHRINK, s.mix), MIX)
        dt = step * longest_step
        velocity = velocity + dt * force
        ratio = jnp.linalg.norm(velocity) / jnp.maximum(jnp.linalg.norm(force), 1e-300)
        velocity = (1 - mix) * velocity + mix * ratio * force
        velocity = velocity * _cap(dt * velocity, sizes.skin / 4)
        return Descent(
            s.position + dt * velocity,
            velocity,
            jnp.max(jnp.abs(force)),
            step,
            mix,
            since,
            s.steps + 1,
            s.status,
        )

    state = state.replace(force=jnp.full_like(state.force, jnp.inf))
    return on_fresh_lists(
        model, glass, sizes, (prepare, advance), lambda s: ~(s.force <= force_tol), state, limit
    )
