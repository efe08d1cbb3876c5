"""Lowest eigenpairs from solves: block Lanczos on the inverse, with restarts.

From p vectors V the blocks V, G V, G^2 V, ... (G the inverse) span a space of p times their number
of dimensions. Made orthonormal one after the other they obey

    G V_l = V_(l-1) b_(l-1)^T + V_l a_l + V_(l+1) b_l,

so that G is block tridiagonal there, and of a Ritz pair (theta, y) the residual is |b_l y_l| of the
last block. The pairs with the largest theta are those of M with the lowest lambda = 1/theta. A
direct solver treats two dozen columns for the price of two, hence blocks; fewer columns than pairs
and a long chain beat the reverse (32 pairs, n = 10,000: 24 columns and 10 levels reach 3e-5 where
40 columns and 6 levels reach 4e-3 in the same time; 512 pairs take 12 s with 32 columns, 51 s with
384). Of a degenerate eigenvalue p columns find at
most p copies: where a result holds that many, others may be missing.
"""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.struct import Struct
from .lapack import eigh, orthonormal

GROUP = 2  # blocks that are taken out of a new one at once; products of wider ones are faster
# Blocks after which the pairs are looked at: so many, or some and two for each time that the pairs
# outnumber the columns; then this much later again. For a third more pairs than columns glasses in
# the plane need 10 to 12, those in space 12 to 14; for 16 times as many 40. A look costs what half
# a block costs.
FEWEST, SOME, LATER = 10, 8, (1.0, 1.2, 1.4)


class Eigenpairs(Struct):
    """Lowest eigenpairs.

    Attributes:
        value: (k,), ascending.
        vector: (size, k), orthonormal columns.
        residual: (k,), |M v - lambda v| / |lambda|.
        rounds: restarts used.
    """

    value: Array
    vector: Array
    residual: Array
    rounds: Array


class Chain(NamedTuple):
    """Orthonormal blocks, as many as there is room for, zero from the present one on.

    Attributes:
        groups: (ceil(room / GROUP), size, GROUP p), the blocks side by side, GROUP of them each.
        small: (room p, room p), the operator between the blocks.
        block: (size, p), the next block.
        before: (size, p), the last block.
        link: (p, p), b between the two.
    """

    groups: Array
    small: Array
    block: Array
    before: Array
    link: Array


def blocks_to_look_at(count, width, size):
    """Numbers of blocks of so many columns, ascending, as many as a space has room for."""
    first = max(FEWEST, SOME + 2 * count // width)
    return tuple(sorted({min(round(first * late), size // width) for late in LATER}))


def begin(start, room):
    """A Chain of no blocks yet, from (size, p) vectors."""
    size, p = start.shape
    return Chain(
        groups=jnp.zeros((-(-room // GROUP), size, GROUP * p)),
        small=jnp.zeros((room * p, room * p)),
        block=orthonormal(start),
        before=jnp.zeros_like(start),
        link=jnp.zeros((p, p)),
    )


def extend(apply, chain, since, until):
    """The Chain of more blocks of a symmetric operator, (size, p) -> (size, p)."""
    p = chain.block.shape[1]

    def level(k, chain):
        block, link = chain.block, chain.link
        place = (k // GROUP, 0, (k % GROUP) * p)
        groups = jax.lax.dynamic_update_slice(chain.groups, block[None], place)
        image = apply(block)
        own = block.T @ image
        # What it has along older blocks is rounding, which the second pass removes.
        fresh = _orthogonal(image - block @ own - chain.before @ link.T)
        fresh = _orthogonal(_without(groups, k // GROUP + 1, fresh))
        onward = fresh.T @ image
        put = jax.lax.dynamic_update_slice
        small = put(chain.small, link.T, (jnp.maximum(k - 1, 0) * p, k * p))
        small = put(small, link, (k * p, jnp.maximum(k - 1, 0) * p))
        small = put(small, 0.5 * (own + own.T), (k * p, k * p))
        return Chain(groups, small, fresh, block, onward)

    return jax.lax.fori_loop(since, until, level, chain)


def _without(groups, count, fresh):
    """Columns without their parts along the blocks of so many groups."""

    def one(k, fresh):
        group = groups[k]
        return fresh - group @ (group.T @ fresh)

    return jax.lax.fori_loop(0, count, one, fresh)


def _orthogonal(block):
    """Orthonormal columns from products, far cheaper than QR; twice is enough.

    Directions that vanish stay small.
    """
    square, y = eigh(block.T @ block)
    return block @ (y / jnp.sqrt(jnp.maximum(square, 1e-14 * square[-1] + 1e-300)))


def ritz(chain, blocks):
    """Ritz values of the first blocks, descending, their coefficients, and |residual|."""
    p = chain.block.shape[1]
    small = chain.small[: blocks * p, : blocks * p]
    theta, y = eigh(small)
    theta, y = theta[::-1], y[:, ::-1]
    return theta, y, jnp.linalg.norm(chain.link @ y[-p:], axis=0)


def combined(chain, y):
    """The vectors with coefficients y, (blocks p, c)."""
    wide = chain.groups.shape[2]
    parts = jnp.pad(y, ((0, -len(y) % wide), (0, 0))).reshape(-1, wide, y.shape[1])
    return sum(group @ part for group, part in zip(chain.groups, parts, strict=False))


def lowest_by_inverse(inverse, matvec, start, count, *, looks=None, tol=1e-6, max_rounds=8):
    """Lowest eigenpairs of a positive operator from its inverse.

    Args:
        inverse: function (size, p) -> (size, p), the operator's inverse on the space of interest.
        matvec: the operator on blocks of vectors.
        start: (size, p), p times the blocks well above count.
        count: pairs wanted.
        looks: numbers of blocks after which a round may end, ascending; ``blocks_to_look_at`` by
            default.
        tol: relative residual |G v - theta v| / theta to reach; eigenvalues are then right to its
            square.
        max_rounds: restarts.

    Returns:
        Eigenpairs; their residuals tell whether they converged.
    """
    size, p = start.shape
    looks = blocks_to_look_at(count, p, size) if looks is None else looks
    # A restart begins from p combinations of all pairs.
    mix = jnp.cos(1.0 + jnp.arange(count * p) ** 2).reshape(count, p)

    def look(chain, blocks):
        theta, y, error = ritz(chain, blocks)
        y = jnp.pad(y[:, :count], ((0, (looks[-1] - blocks) * p), (0, 0)))
        return y, jnp.max(error[:count] / jnp.abs(theta[:count]))

    def one_round(state):
        chain = extend(inverse, begin(state[0], looks[-1]), 0, looks[0])
        y, error = look(chain, looks[0])
        for since, until in itertools.pairwise(looks):

            def more(chain, since=since, until=until):
                longer = extend(inverse, chain, since, until)
                return longer, *look(longer, until)

            chain, y, error = jax.lax.cond(
                error <= tol, lambda chain, y=y, error=error: (chain, y, error), more, chain
            )
        v = combined(chain, y)
        return v @ mix, v, error

    first = (start, jnp.zeros((size, count)), jnp.asarray(jnp.inf))
    (_, v, _), rounds = bounded_loop(lambda s: ~(s[2] <= tol), one_round, first, max_rounds)
    return rayleigh_ritz(matvec, inverse(v), count, rounds)


def rayleigh_ritz(matvec, v, count, rounds):
    """Best eigenpairs of an operator in the span of the columns of v."""
    v = orthonormal(v)
    image = matvec(v)
    small = v.T @ image
    value, y = eigh(0.5 * (small + small.T))
    value, y = value[:count], y[:, :count]
    v, image = v @ y, image @ y
    residual = jnp.linalg.norm(image - v * value, axis=0) / jnp.maximum(jnp.abs(value), 1e-300)
    return Eigenpairs(value, v, residual, rounds)


def largest_eigenvalue(matvec, start, steps=24):
    """An upper bound of the spectrum: the largest Lanczos value plus its residual."""
    theta, _, residual = ritz(extend(matvec, begin(start, steps), 0, steps), steps)
    return theta[0] + residual[0]
