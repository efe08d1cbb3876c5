"""The one bounded loop."""

import jax
import jax.numpy as jnp


def bounded_loop(keep_going, step, state, limit):
    """Applies ``step`` while ``keep_going(state)`` holds, at most ``limit`` times.

    Returns:
        The last state and the number of steps taken.
    """

    def condition(carry):
        state, count = carry
        return (count < limit) & keep_going(state)

    def body(carry):
        state, count = carry
        return step(state), count + 1

    return jax.lax.while_loop(condition, body, (state, jnp.int32(0)))
