"""Fast inertial relaxation (FIRE) in float64, with a time step that fits the stiffness and a cap on every move.

The largest stable step of the integrator is 2 / omega_max, and omega_max^2 <= 2 max_i sum_b |K_b| over the bonds of a
particle, so the step needs no units from the user. Overlaps are first pushed apart by descent in which each particle
moves by its force over its own stiffness. Both run on a list of bonds with a skin: the outer loop builds lists, the
inner loop moves until someone has moved half a skin. Under vmap a sample that waits for a new list costs nothing but
the wait.
"""

import jax.numpy as jnp

from ..core.loop import bounded_loop
from ..core.struct import struct
from ..landscape.expansion import at_bonds
from ..models.neighbours import OVERFLOWS, find_bonds

GROW, SHRINK, MIX, MIX_SHRINK, DELAY = 1.1, 0.5, 0.1, 0.99, 5


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
    per_bond = jnp.abs(e.derivative[1]) + jnp.abs(e.derivative[2]) * jnp.sum(e.separation**2, axis=-1)
    zero = jnp.zeros(e.count)
    return zero.at[e.bonds.i].add(per_bond).at[e.bonds.j].add(per_bond)


def on_fresh_lists(model, glass, sizes, move, unfinished, state, limit):
    """Applies ``move(state, bonds, first)`` with lists rebuilt as particles move, while ``unfinished(state)``.

    Args:
        move: function (state, bonds, context) -> state; context is ``prepare(state, bonds)`` of the pair (prepare, move).
        unfinished: predicate of a state.
        limit: on state.steps.
    """
    prepare, advance = move

    def outer(state):
        bonds, status = find_bonds(model, glass.replace(position=state.position), sizes)
        state = state.replace(status=state.status | status)
        context = prepare(state, bonds)
        origin = state.position

        def near(inner):
            moved = jnp.sum((inner.position - origin) ** 2, axis=-1)
            return unfinished(inner) & (jnp.max(moved) < (sizes.skin / 2) ** 2) & (inner.steps < limit)

        state, _ = bounded_loop(near, lambda s: advance(s, bonds, context), state, limit)
        return state

    going = lambda s: unfinished(s) & (s.steps < limit) & ((s.status & int(OVERFLOWS)) == 0)  # noqa: E731
    return bounded_loop(going, outer, state, limit)[0]


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

    found = on_fresh_lists(model, glass, sizes, (prepare, advance), lambda s: s.force > 20.0, state, limit)
    return found.replace(force=jnp.inf)


def _overlap(stiffness):
    return jnp.max(stiffness) / jnp.maximum(jnp.median(stiffness), 1e-300)


def _cap(move, longest):
    """Factor (n, 1) that shortens moves to the longest allowed."""
    length = jnp.sqrt(jnp.sum(move * move, axis=-1, keepdims=True))
    return jnp.minimum(1.0, longest / jnp.where(length > 0, length, longest))


def fire(model, glass, sizes, state, force_tol, limit):
    """Runs FIRE from a Descent until the largest force component is below force_tol, or the limit of steps."""

    def prepare(s, bonds):
        e = at_bonds(model, glass.replace(position=s.position), bonds, order=2)
        return 1.2 / jnp.sqrt(2 * jnp.maximum(jnp.max(particle_stiffness(e)), 1e-300))

    def advance(s, bonds, longest_step):
        force = -at_bonds(model, glass.replace(position=s.position), bonds, order=1).gradient()
        downhill = jnp.sum(force * s.velocity) > 0
        velocity = jnp.where(downhill, s.velocity, 0.0)
        since = jnp.where(downhill, s.since + 1, 0)
        settled = since > DELAY
        step = jnp.where(downhill, jnp.where(settled, jnp.minimum(s.step * GROW, 1.0), s.step), s.step * SHRINK)
        step = jnp.maximum(step, 0.02)
        mix = jnp.where(downhill, jnp.where(settled, s.mix * MIX_SHRINK, s.mix), MIX)
        dt = step * longest_step
        velocity = velocity + dt * force
        ratio = jnp.linalg.norm(velocity) / jnp.maximum(jnp.linalg.norm(force), 1e-300)
        velocity = (1 - mix) * velocity + mix * ratio * force
        velocity = velocity * _cap(dt * velocity, sizes.skin / 4)
        return Descent(
            s.position + dt * velocity, velocity, jnp.max(jnp.abs(force)), step, mix, since, s.steps + 1, s.status
        )

    return on_fresh_lists(model, glass, sizes, (prepare, advance), lambda s: ~(s.force <= force_tol), state, limit)
