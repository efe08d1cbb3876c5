"""Solves inside derivatives: on a subspace, differentiable again, and never silently wrong."""

import jax
import jax.numpy as jnp

from .cg import cg

# Relative residual to reach, and the one above which a tangent is NaN: soft modes with a condition
# number of 1e6 end at about 1e-10, where rounding stops them.
TOL = 1e-11
GOOD = 1e-6


def projected_solution(matvec, b, project, precondition=lambda v: v):
    """x in the range of ``project`` with project(A x) = project(b); NaN where that fails.

    Args:
        matvec: A, on arrays shaped like b; A may be singular or indefinite off the range of
            ``project`` only.
        b: right-hand side.
        project: orthogonal projector.
        precondition: symmetric positive approximation of the inverse.
    """

    def solver(matvec, b):
        s = cg(matvec, b, tol=TOL, project=project, precondition=precondition)
        return jnp.where(s.residual <= GOOD, s.x, jnp.nan)

    within = lambda v: project(matvec(project(v)))
    return project(jax.lax.custom_linear_solve(within, project(b), solver, symmetric=True))
