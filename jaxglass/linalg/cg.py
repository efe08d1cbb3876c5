"""Conjugate gradients for symmetric positive operators, possibly singular on a known subspace.

    x_{k+1} = x_k + a p_k,  a = r.y / p.A p,  y = P r,     P the preconditioner, A the operator

Every vector stays in the range of ``project``, so that a null space that ``project`` removes does
no harm. A direction with p.A p <= 0 ends the iteration and is reported: the operator is not
positive.
"""

import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct


class Solution(Struct):
    """Solution of a linear system.

    Attributes:
        x: the solution.
        residual: |A x - b| / |b|.
        steps: products with the operator.
        status: bits.
    """

    x: Array
    residual: Array
    steps: Array
    status: Array


def cg(matvec, b, *, tol=1e-10, max_steps=None, project=lambda v: v, precondition=lambda v: v):
    """Solves A x = b for a symmetric positive A.

    Args:
        matvec: function v -> A v on arrays shaped like b.
        b: right-hand side; its part outside the range of ``project`` is ignored.
        tol: stop when |A x - b| <= tol |b|.
        max_steps: default ten times the size of b.
        project: orthogonal projector onto the space where A is invertible.
        precondition: symmetric positive approximation of the inverse.

    Returns:
        Solution.
    """
    b = project(b)
    norm_b = jnp.linalg.norm(b)
    scale = jnp.where(norm_b > 0, norm_b, 1.0)
    max_steps = 10 * b.size if max_steps is None else max_steps
    y = project(precondition(b))
    start = (jnp.zeros_like(b), b, y, jnp.sum(b * y), jnp.bool_(True))

    def keep_going(state):
        _, r, _, _, positive = state
        return positive & (jnp.linalg.norm(r) > tol * scale)

    def step(state):
        x, r, p, ry, _ = state
        q = project(matvec(p))
        curvature = jnp.sum(p * q)
        positive = curvature > 0
        a = jnp.where(positive, ry / jnp.where(positive, curvature, 1.0), 0.0)
        x, r = x + a * p, r - a * q
        y = project(precondition(r))
        new = jnp.sum(r * y)
        return x, r, y + new / ry * p, new, positive

    (x, r, _, _, positive), steps = bounded_loop(keep_going, step, start, max_steps)
    residual = jnp.linalg.norm(project(matvec(x)) - b) / scale
    finite = jnp.isfinite(residual)
    status = (
        flag(~positive, Status.NOT_A_MINIMUM)
        | flag(
            finite & ~((jnp.linalg.norm(r) <= tol * scale) & (residual <= 2 * tol)),
            Status.NOT_CONVERGED,
        )
        | flag(~finite, Status.NOT_FINITE)
    )
    return Solution(x, residual, steps, status)
