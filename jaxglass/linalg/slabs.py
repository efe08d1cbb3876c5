"""Direct solver for symmetric positive block matrices on a ring.

Factor once; then many solves, the selected inverse, the determinant.

A ring of S blocks of size m couples block k to k + 1 and the last to the first. The last block is
carried as a border, so that the others form a chain:

    A_1 = D_1,  L_k L_k^T = A_k,  W_k = L_k^-1 U_k,  F_k = E_k L_k^-T
    A_k+1 = D_k+1 - W_k^T W_k,    E_k+1 = C_k+1 - F_k W_k,    border <- border - F_k F_k^T

with U_k the coupling to the next block and C_k that of the border. Blocks of the inverse follow
backwards, with Y_k = [W_k^T; F_k] L_k^-1 and J = (k + 1, border):

    G_Jk = -G_JJ Y_k,   G_kk = L_k^-T L_k^-1 + Y_k^T G_JJ Y_k

Inverses of the triangles are kept, so everything but S Cholesky factors is a dense product. Cost
O(S m^3), memory O(S m^2). Carrying a border is 1.4 times cheaper than folding the ring, which
doubles the blocks.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from .lapack import inverse_cholesky


class Ring(Struct):
    """Blocks (S, m, m) of a symmetric ring matrix.

    Block k is diagonal[k]; upper[k] couples it to block k + 1 (mod S).
    """

    diagonal: Array
    upper: Array


class Factor(Struct):
    """Cholesky factor of a Ring; ``ok`` is False if the matrix is not positive.

    Attributes:
        inverse: (S, m, m), inverses of the lower triangles, the border's last.
        following: (S - 1, m, m), W_k.
        border: (S - 1, m, m), F_k.
        logdet: logarithm of the determinant.
        ok: bool.
    """

    inverse: Array
    following: Array
    border: Array
    logdet: Array
    ok: Array


def factor(ring):
    """Factors a Ring of one block, or of three or more."""
    size = ring.diagonal.shape[-1]
    chain = ring.diagonal.shape[0] - 1
    coupling = jnp.zeros_like(ring.upper[:chain])
    if chain:
        coupling = coupling.at[0].set(ring.upper[chain]).at[chain - 1].set(ring.upper[chain - 1].T)
    ahead = ring.upper[:chain].at[chain - 1].set(0.0) if chain else ring.upper[:0]

    def step(carry, blocks):
        matrix, edge, border = carry
        following, coupled, upper = blocks
        inverse, half = inverse_cholesky(matrix)
        w = inverse @ upper
        f = edge @ inverse.T
        carry = following - w.T @ w, coupled - f @ w, border - f @ f.T
        return carry, (inverse, w, f, half)

    last = ring.diagonal[chain]
    after = jnp.roll(coupling, -1, axis=0)
    start = (ring.diagonal[0], coupling[0], last) if chain else (last, last, last)
    (_, _, border), (inverses, ws, fs, halves) = jax.lax.scan(
        step, start, (ring.diagonal[1:], after, ahead)
    )
    end, half = inverse_cholesky(border)
    logdet = 2 * (jnp.sum(halves) + half) if chain else 2 * half
    inverses = jnp.concatenate([inverses, end[None]])
    ok = jnp.isfinite(logdet)
    clean = lambda a: jnp.where(ok, a, 0.0)
    return Factor(clean(inverses).reshape(chain + 1, size, size), clean(ws), clean(fs), logdet, ok)


def solve(factor, b):
    """Solution of the ring's system for right-hand sides b (S, m, c); zero if the factor failed."""
    return solve_upper(factor, solve_lower(factor, b))


def solve_lower(factor, b):
    """L^-1 b, L the block Cholesky factor of the ring, A = L L^T."""

    def forward(carry, step):
        before, border = carry
        rhs, inverse, w, f = step
        y = inverse @ (rhs - before)
        return (w.T @ y, border - f @ y), y

    chain = b.shape[0] - 1
    inverse = factor.inverse
    zero = jnp.zeros_like(b[0])
    (_, border), ys = jax.lax.scan(
        forward, (zero, b[chain]), (b[:chain], inverse[:chain], factor.following, factor.border)
    )
    return jnp.concatenate([ys, (inverse[chain] @ border)[None]])


def solve_upper(factor, y):
    """L^-T y, the other half of a solution; in the variables y, A is the identity."""
    chain = y.shape[0] - 1
    inverse = factor.inverse
    end = inverse[chain].T @ y[chain]

    def backward(after, step):
        y, inverse, w, f = step
        x = inverse.T @ (y - w @ after - f.T @ end)
        return x, x

    blocks = (y[:chain], inverse[:chain], factor.following, factor.border)
    _, xs = jax.lax.scan(backward, jnp.zeros_like(y[0]), blocks, reverse=True)
    return jnp.concatenate([xs, end[None]])


def selected_inverse(factor):
    """Blocks of the inverse where the ring has blocks: a Ring of the same shape."""
    chain = factor.following.shape[0]
    end = factor.inverse[chain].T @ factor.inverse[chain]
    if not chain:
        return Ring(end[None], jnp.zeros_like(end)[None])
    size = end.shape[0]

    def step(after, blocks):
        inverse, w, f = blocks
        down = jnp.concatenate([w.T, f]) @ inverse
        right = -after @ down
        own = inverse.T @ inverse - down.T @ right
        following, border = right[:size], right[size:]
        return jnp.block([[own, border.T], [border, end]]), (own, following.T, border)

    # Behind the end of the chain stands nothing: zero blocks leave the border alone.
    zero = jnp.zeros_like(end)
    start = jnp.block([[zero, zero], [zero, end]])
    blocks = (factor.inverse[:chain], factor.following, factor.border)
    _, (own, following, border) = jax.lax.scan(step, start, blocks, reverse=True)
    diagonal = jnp.concatenate([own, end[None]])
    upper = jnp.concatenate([following[: chain - 1], border[chain - 1].T[None], border[0][None]])
    return Ring(diagonal, upper)
