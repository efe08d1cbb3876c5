"""Motion on lists of bonds: an outer loop builds lists, an inner loop moves until someone has moved half a skin.

Under vmap a sample that waits for its next list costs nothing but the wait, where a rebuild inside the step would run for
every sample at every step.
"""

import jax.numpy as jnp

from ..core.loop import bounded_loop
from ..models.neighbours import OVERFLOWS, find_bonds
from ..system.bonds import Bonds


def skin_of(model):
    """Extra radius of the lists: wide enough for ten steps or more between rebuilds, narrow enough to keep lists short."""
    return 0.14 * model.reach


def on_fresh_lists(model, glass, sizes, move, unfinished, state, limit):
    """Applies ``move(state, bonds, first)`` with lists rebuilt as particles move, while ``unfinished(state)``.

    Args:
        move: a pair of functions: context = prepare(state, bonds) after each rebuild, state = advance(state, bonds, context).
        unfinished: predicate of a state; it must hold at the start.
        limit: on state.steps.

    Returns:
        The last state, and the list of bonds it stands on, from which nobody has moved more than half a skin.
    """
    prepare, advance = move
    none = jnp.zeros(sizes.capacity, jnp.int32)

    def outer(carry):
        state, _, _ = carry
        begun = state.steps
        bonds, status = find_bonds(model, glass.replace(position=state.position), sizes)
        state = state.replace(status=state.status | status)
        context = prepare(state, bonds)
        origin = state.position

        def fresh(inner):
            return jnp.max(jnp.sum((inner.position - origin) ** 2, axis=-1)) < (sizes.skin / 2) ** 2

        going = lambda inner: unfinished(inner) & (inner.steps < limit)
        state, _ = bounded_loop(
            lambda s: going(s) & fresh(s), lambda s: advance(s, bonds, context), state, limit
        )
        usable = ((state.status & int(OVERFLOWS)) == 0) & (
            state.steps > begun
        )  # no step is made from NaN
        return state, bonds, usable & (going(state) | ~fresh(state))

    start = (state, Bonds(none, none, none.astype(bool)), jnp.bool_(True))
    (state, bonds, _), _ = bounded_loop(lambda carry: carry[2], outer, start, limit + 1)
    return state, bonds
