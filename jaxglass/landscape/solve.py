"""Linear systems with the Hessian, M x = b on translation-free fields, differentiable in M and b.

The derivative is that of the solution, not of the iteration: dx = M^-1 (db - dM x), forward and
reverse.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer, positive
from ..core.status import Status, flag
from ..core.vectors import generic
from ..linalg import nested
from ..linalg.cg import Solution, cg
from . import engine
from .contract import need
from .engine import Factor

METHODS = ("auto", "cg", "direct")
GOOD = 1e-8  # residual of a direct solution below which no tighter tolerance is asked for


def remove_translation(z):
    """A field without its mean: the projector onto translation-free fields."""
    return z - jnp.mean(z, axis=0)


def check_positive(e, max_steps=None):
    """NOT_A_MINIMUM if conjugate gradients of a generic system meet negative curvature, else zero.

    The right-hand side is M w with w a fixed field without symmetry: it has a part along every mode
    but those of zero frequency, so that rattlers do no harm.
    """
    w = generic(e.position.shape)
    s = cg(e.second, e.second(w), tol=1e-6, max_steps=max_steps, project=remove_translation)
    return s.status & int(Status.NOT_A_MINIMUM)


class _Settings(NamedTuple):
    tol: float
    max_steps: int | None


def solve(
    e,
    b: Array,
    *,
    method: str = "auto",
    tol: float = 1e-10,
    max_steps: int | None = None,
    factor: Factor | None = None,
) -> Solution:
    """Solves M x = b, with x and b free of translations.

    Args:
        e: expansion.
        b: (n, d) right-hand side; its mean is removed.
        method: "cg", matrix-free; "direct", which factors the Hessian and refines once. "auto":
            direct with a factor, cg without, as one solution is cheaper so.
        tol: relative residual to reach; "direct" reaches what rounding allows, and has a status
            above 1e-8 or tol.
        max_steps: limit of steps of "cg".
        factor: Factor of e, from ``factorise``, to solve many systems with.

    Returns:
        Solution: x (n, d) with zero mean, residual, steps, status.

    Example:
        >>> spring = lambda x: jnp.sum((x[1] - x[0]) ** 2) / 2
        >>> pair = jg.expand(spring, jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> s = jg.solve(pair, jnp.array([[-1.0, 0.0], [1.0, 0.0]]))
        >>> float(s.x[1, 0]), int(s.status)
        (0.5, 0)
    """
    need("solve", e)
    if method == "auto" and factor is None:
        method = "cg"
    method, factor = engine.choose("solve", e, method, METHODS, factor, otherwise="cg")
    if b.shape != e.position.shape:
        raise ValueError(f"b must be a field of shape {e.position.shape}, found {b.shape}")
    positive("tol", tol)
    if max_steps is not None:
        integer("max_steps", max_steps, at_least=1)
    return _solve(e, b, factor, _Settings(tol, max_steps))


@functools.partial(jax.jit, static_argnames="settings")
def _solve(e, b, factor, settings):
    factor = jax.lax.stop_gradient(factor)

    def solver(matvec, rhs):
        if factor is not None:
            return _refined(factor, matvec, rhs, settings.tol)
        s = cg(
            matvec, rhs, tol=settings.tol, max_steps=settings.max_steps, project=remove_translation
        )
        return s.x, (s.residual, s.steps, s.status)

    x, (residual, steps, status) = jax.lax.custom_linear_solve(
        lambda z: remove_translation(e.second(z)),
        remove_translation(b),
        solver,
        symmetric=True,
        has_aux=True,
    )
    return Solution(x, residual, steps, status | e.status)


def _refined(factor, matvec, b, tol):
    """x = G b and one correction G (b - M x); zero, with residual 1, if there is no factor."""
    inverse = lambda r: remove_translation(nested.solve(factor.inside, r))
    b = remove_translation(b)  # in reverse mode b is a cotangent, which may have a mean
    x = jax.lax.fori_loop(0, 2, lambda _, x: x + inverse(b - matvec(x)), jnp.zeros_like(b))
    norm = jnp.linalg.norm(b)
    residual = jnp.linalg.norm(matvec(x) - b) / jnp.where(norm > 0, norm, 1.0)
    status = factor.status | flag(~(residual <= jnp.maximum(tol, GOOD)), Status.NOT_CONVERGED)
    return x, (residual, jnp.int32(2), status)
