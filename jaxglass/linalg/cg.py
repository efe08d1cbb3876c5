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


def cg(
    matvec,
    b,
    *,
    tol=1e-10,
    max_steps=None,
    project=lambda v: v,
    precondition=lambda v: v,
    many=False,
):
    """Solves A x = b for a symmetric positive A.

    Args:
        matvec: function v -> A v on arrays shaped like b.
        b: right-hand side; its part outside the range of ``project`` is ignored.
        tol: stop when |A x - b| <= tol |b|; with ``many`` a number for each.
        max_steps: default ten times the size of b.
        project: orthogonal projector onto the space where A is invertible.
        precondition: symmetric positive approximation of the inverse.
        many: whether the first axis counts systems of their own, which A does not mix; one that is
            done waits for the others.

    Returns:
        Solution; with ``many`` its residual, steps and status are arrays.
    """
    axes = tuple(range(int(many), b.ndim))
    inner = lambda u, v: jnp.sum(u * v, axis=axes, keepdims=True)
    size = lambda v: jnp.sqrt(inner(v, v))
    flat = lambda a: jnp.reshape(a, a.shape[:1] if many else ())
    b = project(b)
    norm_b = size(b)
    scale = jnp.where(norm_b > 0, norm_b, 1.0)
    tol = jnp.reshape(jnp.asarray(tol), (-1,) + (1,) * (b.ndim - 1)) if many else tol
    max_steps = 10 * (b[0] if many else b).size if max_steps is None else max_steps
    y = project(precondition(b))
    none = jnp.zeros(norm_b.shape, jnp.int32)
    start = (jnp.zeros_like(b), b, y, inner(b, y), none == 0, none)

    def unfinished(state):
        _, r, _, _, positive, _ = state
        return positive & (size(r) > tol * scale)

    def step(state):
        x, r, p, ry, positive, steps = state
        going = unfinished(state) if many else jnp.full_like(positive, True)
        q = project(matvec(p))
        curvature = inner(p, q)
        positive = positive & ((curvature > 0) | ~going)
        move = going & positive
        a = jnp.where(move, ry / jnp.where(move, curvature, 1.0), 0.0)
        x, r = x + a * p, r - a * q
        y = project(precondition(r))
        new = jnp.where(going, inner(r, y), ry)
        return x, r, y + new / jnp.where(ry != 0, ry, 1.0) * p, new, positive, steps + going

    last, _ = bounded_loop(lambda state: jnp.any(unfinished(state)), step, start, max_steps)
    x, r, _, _, positive, steps = last
    residual = size(project(matvec(x)) - b) / scale
    finite = jnp.isfinite(residual)
    status = (
        flag(~positive, Status.NOT_A_MINIMUM)
        | flag(
            finite & ~((size(r) <= tol * scale) & (residual <= 2 * tol)),
            Status.NOT_CONVERGED,
        )
        | flag(~finite, Status.NOT_FINITE)
    )
    return Solution(x, *map(flat, (residual, steps, status)))
