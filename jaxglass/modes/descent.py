"""Soft modes by descent: an optax optimiser on log(cost), over the normalised sphere.

The cost does not depend on the norm of z, so z = y / |y| up to the change of variables y -> A y
that makes the Hessian the identity when the direct engine is at hand (A A^T = M^-1): L-BFGS then
takes tens of steps instead of a thousand.
"""

import jax
import jax.numpy as jnp

from ..core.loop import bounded_loop
from ..landscape.solve import remove_translation
from .cost import stationarity, value


def descend(cost, e, start, *, variables, tol, max_steps, optimiser=None):
    """Minimises log(cost) from one start.

    Args:
        cost: Cost.
        e: expansion.
        start: (n, d).
        variables: (to, back): fields z = to(y), linear, and y = back(z) for the start.
        tol: |M z - (a/s) g| / |M z| to reach.
        max_steps: limit.
        optimiser: optax GradientTransformationExtraArgs; L-BFGS with its zoom line search by
            default.

    Returns:
        z (n, d), residual, steps.
    """
    import optax

    optimiser = optax.lbfgs(memory_size=20) if optimiser is None else optimiser
    to, back = variables

    @jax.custom_jvp
    def objective(y):
        a, s, _ = stationarity(cost, e, to(y))
        return jnp.log(value(cost, a, s))

    @objective.defjvp
    def objective_jvp(primals, tangents):
        (y,), (dy,) = primals, tangents
        a, s, slope = stationarity(cost, e, to(y))
        return jnp.log(value(cost, a, s)), 2 * cost.p * jnp.sum(slope * to(dy))

    value_and_grad = optax.value_and_grad_from_state(objective)

    def residual_of(y):
        z = to(y)
        mz = e.second(z)
        a, _, slope = stationarity(cost, e, z)
        return jnp.where(a > 0, jnp.abs(a) * jnp.linalg.norm(slope) / jnp.linalg.norm(mz), jnp.nan)

    def step(carry):
        y, state, _ = carry
        level, gradient = value_and_grad(y, state=state)
        updates, state = optimiser.update(
            gradient, state, y, value=level, grad=gradient, value_fn=objective
        )
        y = optax.apply_updates(y, updates)
        return y, state, residual_of(y)

    y = back(remove_translation(start))
    y = y / jnp.linalg.norm(y)
    begin = (y, optimiser.init(y), residual_of(y))
    (y, _, residual), steps = bounded_loop(lambda c: c[2] > tol, step, begin, max_steps)
    z = remove_translation(to(y))
    return z / jnp.linalg.norm(z), residual, steps
