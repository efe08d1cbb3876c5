"""Lowest eigenpairs without solves: subspace iteration with a Chebyshev filter and locking.

The Chebyshev polynomial of degree m that stays below 1 on [cut, top] grows like exp(2 m sqrt((cut -
lambda) / top)) below the cut. The cut is the largest Ritz value of the block, the degree a few
times sqrt(top / (cut - lowest)).
"""

import jax
import jax.numpy as jnp

from ..core.loop import bounded_loop
from .krylov import largest_eigenvalue, rayleigh_ritz

SHARPNESS = 5.0
LONGEST = 1500


def chebyshev_filter(matvec, v, degree, low, cut, top):
    """The filter applied to the columns of v, scaled to one at ``low``."""
    centre, half = 0.5 * (top + cut), 0.5 * (top - cut)
    sigma = half / (low - centre)
    tau = 2 / sigma

    def step(_, state):
        before, now, scale = state
        following = 1 / (tau - scale)
        after = (2 * following / half) * (matvec(now) - centre * now) - scale * following * before
        return now, after, following

    first = (matvec(v) - centre * v) * (sigma / half)
    return jax.lax.fori_loop(1, degree, step, (v, first, sigma))[1]


def lowest_by_filter(matvec, start, count, *, project=lambda v: v, tol=1e-8, max_rounds=40):
    """Lowest eigenpairs of a symmetric operator, matrix-free.

    Args:
        matvec: the operator on blocks (size, p).
        start: (size, p), p somewhat larger than count.
        count: pairs wanted.
        project: removes null vectors, which the filter would grow out of rounding errors.
        tol: residual |M v - lambda v| / |lambda| to reach.
        max_rounds: filters applied at most.

    Returns:
        Eigenpairs.
    """
    p = start.shape[1]
    top = largest_eigenvalue(matvec, start[:, :1])

    def one_round(state):
        v, value, residual = state
        locked = residual <= tol
        low, cut = value[0], value[-1]
        gap = jnp.maximum(cut - low, 1e-6 * top)
        degree = jnp.clip(jnp.ceil(SHARPNESS * jnp.sqrt(top / gap)), 8, LONGEST).astype(jnp.int32)
        filtered = project(chebyshev_filter(matvec, v, degree, low - 1e-3 * gap, cut, top))
        pairs = rayleigh_ritz(matvec, jnp.where(locked, v, filtered), p, 0)
        return pairs.vector, pairs.value, pairs.residual

    first = rayleigh_ritz(matvec, start, p, 0)
    unfinished = lambda state: ~(jnp.max(state[2][:count]) <= tol)
    (v, _, _), rounds = bounded_loop(
        unfinished, one_round, (first.vector, first.value, first.residual), max_rounds
    )
    return rayleigh_ritz(matvec, v, count, rounds)
