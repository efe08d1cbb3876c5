"""Linear systems with the Hessian, M x = b on translation-free fields, differentiable in M and b.

The derivative is that of the solution, not of the iteration: dx = M^-1 (db - dM x), forward and reverse.
"""

import functools

import jax
import jax.numpy as jnp

from ..core.checks import choice
from ..core.status import Status, flag
from ..linalg.cg import Solution, cg
from .direct import apply_inverse, check_factor, factorise, plan_layout
from .expansion import check_expansion


def remove_translation(z):
    """A field without its mean: the projector onto translation-free fields."""
    return z - jnp.mean(z, axis=0)


def solve(e, b, *, method="cg", tol=1e-10, max_steps=None, factor=None):
    """Solves M x = b, with x and b free of translations.

    Args:
        e: expansion.
        b: (n, d) right-hand side; its mean is removed.
        method: "cg", matrix-free; or "direct", which factors the Hessian and refines once.
        tol: relative residual to reach; "direct" reaches what rounding allows, and has a status above 1e-8 or tol.
        max_steps: limit of steps of "cg".
        factor: Direct from ``factorise``, to solve many systems with one factor.

    Returns:
        x (n, d) with zero mean, residual, steps, status.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> spring = lambda x: jnp.sum((x[1] - x[0]) ** 2) / 2
        >>> e = jg.expand(spring, jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> s = jg.solve(e, jnp.array([[-1.0, 0.0], [1.0, 0.0]]))
        >>> float(s.x[1, 0]), int(s.status)
        (0.5, 0)
    """
    choice("method", method, ("cg", "direct"))
    check_expansion(e)
    if factor is not None and method != "direct":
        raise ValueError(f"factor is used by method='direct' only, found method={method!r}")
    if factor is not None:
        check_factor(e, factor)
    if b.shape != e.position.shape:
        raise ValueError(f"b must be a field of shape {e.position.shape}, found {b.shape}")

    layout = plan_layout(e) if method == "direct" and factor is None else None
    return _solve(e, b, factor, tol, method, max_steps, layout)


@functools.partial(jax.jit, static_argnums=(4, 5, 6))
def _solve(e, b, factor, tol, method, max_steps, layout):
    if method == "direct":
        factor = jax.lax.stop_gradient(factorise(e, layout=layout) if factor is None else factor)

    def solver(matvec, rhs):
        if method == "direct":
            return _direct(factor, matvec, rhs, tol)
        s = cg(matvec, rhs, tol=tol, max_steps=max_steps, project=remove_translation)
        return s.x, (s.residual, s.steps, s.status)

    x, (residual, steps, status) = jax.lax.custom_linear_solve(
        lambda z: remove_translation(e.second(z)),
        remove_translation(b),
        solver,
        symmetric=True,
        has_aux=True,
    )
    return Solution(x, residual, steps, status | e.status)


def _direct(factor, matvec, b, tol):
    """Solution with a factor and one step of refinement; zero, with residual 1, if there is no factor."""
    inverse = lambda r: remove_translation(apply_inverse(factor, r))
    b = remove_translation(b)  # in reverse mode b is a cotangent, which may have a mean
    x = inverse(b)
    x = x + inverse(b - matvec(x))
    norm = jnp.linalg.norm(b)
    residual = jnp.linalg.norm(matvec(x) - b) / jnp.where(norm > 0, norm, 1.0)
    status = factor.status | flag(~(residual <= jnp.maximum(tol, 1e-8)), Status.NOT_CONVERGED)
    return x, (residual, jnp.int32(2), status)
