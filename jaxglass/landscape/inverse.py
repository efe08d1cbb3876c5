"""The inverse Hessian as averages need it: its blocks on bonds, and its action on fields.

B_b = G_ii + G_jj - G_ij - G_ji,  G any generalised inverse of M;  f_b, K_b and U''' do not see
translations.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from ..core.status import Status, flag
from ..linalg.dense import as_matrix, pseudo_inverse
from .contract import provides
from .engine import apply_inverse, blocks_between, inverse_blocks
from .solve import remove_translation, solve

GOOD = 1e-8  # relative residual of M^-1 b: a refined direct solution reaches 1e-13


class Inverse(NamedTuple):
    """What is known of M^-1.

    Attributes:
        blocks: (b, d, d), B_b; None without bonds.
        between: function of particles p, q -> blocks of M^-1 (..., d, d), of those that share a
            term of more than two; None where there are no such terms.
        apply: function (n, d) -> (n, d) and status, M^-1 on a field.
        columns: function of indices k of coordinates -> (n, d, c), columns of M^-1; None if only
            modes are known.
        status: bits.
    """

    blocks: Array | None
    apply: Callable
    columns: Callable | None
    status: Array
    between: Callable | None = None


def exact(e, factor):
    """By the direct engine, or densely where there is no factor."""
    return dense(e) if factor is None else direct(e, factor)


def direct(e, factor):
    """Exact, from a factor."""

    def apply(b):
        b = remove_translation(b)
        x = solve(e, b, factor=factor).x
        # Not the solution's own status: vmap over tangents takes that for batched, and jacfwd
        # refuses.
        left = jnp.linalg.norm(e.second(x) - b)
        return x, flag(~(left <= GOOD * jnp.linalg.norm(b)), Status.NOT_CONVERGED)

    def columns(k):
        n, d = e.position.shape
        unit = jnp.zeros((n * d, k.size)).at[k, jnp.arange(k.size)].set(1.0).reshape(n, d, -1)
        return remove_translation(apply_inverse(e, factor, remove_translation(unit)))

    blocks, every = inverse_blocks(e, factor)[0], blocks_between(e, factor)
    return Inverse(blocks, apply, columns, factor.status, every)


def of_modes(e, modes):
    """The share of some modes, sum over them of psi psi / omega^2."""
    weight = modes.frequency**-2

    def apply(b):
        along = jnp.einsum("knd,nd->k", modes.vector, b)
        return jnp.einsum("k,k,knd->nd", weight, along, modes.vector), jnp.int32(0)

    return Inverse(blocks_of_modes(e, modes), apply, None, modes.status)


def blocks_of_modes(e, modes):
    """Sum over modes of psi_b psi_b / omega^2, the share of modes in B_b."""
    seen = modes.vector[:, e.bonds.j] - modes.vector[:, e.bonds.i]
    blocks = jnp.einsum("k,kbx,kby->bxy", modes.frequency**-2, seen, seen)
    return jnp.where(e.bonds.valid[:, None, None], blocks, 0.0)


def dense(e):
    """Exact, from the full spectrum; the matrix and its inverse are formed."""
    inverse, status = dense_inverse(e)
    shape = e.position.shape
    apply = lambda b: ((inverse @ b.ravel()).reshape(shape), jnp.int32(0))
    columns = lambda k: inverse[:, k].reshape(*shape, -1)
    if not provides(e, "bonds"):
        return Inverse(None, apply, columns, status)
    g = inverse.reshape(*shape, *shape)
    i, j = e.bonds.i, e.bonds.j
    mixed = g[i, :, j, :]
    blocks = g[i, :, i, :] + g[j, :, j, :] - mixed - jnp.swapaxes(mixed, -1, -2)
    blocks = jnp.where(e.bonds.valid[:, None, None], blocks, 0.0)
    return Inverse(blocks, apply, columns, status, lambda p, q: g[p, :, q, :])


def dense_inverse(e):
    """M^-1 as a matrix (n d, n d), and its status.

    The status tells whether M is positive on translation-free fields.
    """
    matrix = as_matrix(lambda z: remove_translation(e.second(z)), e.position.shape)
    inverse, lowest = pseudo_inverse(matrix, flat_translations(*e.position.shape))
    return inverse, e.status | flag(~(lowest > 0), Status.NOT_A_MINIMUM)


def translations(n, d):
    """The d unit translations as columns (n, d, d)."""
    return jnp.broadcast_to(jnp.eye(d), (n, d, d)) / jnp.sqrt(n)


def flat_translations(n, d):
    """The same as columns of a matrix, (n d, d)."""
    return translations(n, d).reshape(n * d, d)
