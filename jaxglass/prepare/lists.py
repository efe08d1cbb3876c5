"""Motion on lists of bonds: an outer loop builds lists, an inner loop moves until someone has moved half a skin.

Under vmap a sample that waits for its next list costs nothing but the wait, where a rebuild inside the step would run for
every sample at every step.
"""

import jax.numpy as jnp

from ..core.loop import bounded_loop
from ..models.neighbours import OVERFLOWS, find_bonds


def skin_of(model):
    """Extra radius of the lists: wide enough for ten steps or more between rebuilds, narrow enough to keep lists short."""
    return 0.14 * model.reach


def on_fresh_lists(model, glass, sizes, move, unfinished, state, limit):
    """Applies ``move(state, bonds, first)`` with lists rebuilt as particles move, while ``unfinished(state)``.

    Args:
        move: a pair of functions: context = prepare(state, bonds) after each rebuild, state = advance(state, bonds, context).
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

    going = lambda s: unfinished(s) & (s.steps < limit) & ((s.status & int(OVERFLOWS)) == 0)
    return bounded_loop(going, outer, state, limit)[0]
