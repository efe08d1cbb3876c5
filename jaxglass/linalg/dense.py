"""Dense matrices of operators, for small systems and as the tests' second opinion."""

import math

import jax
import jax.numpy as jnp

from .lapack import eigh


def as_matrix(matvec, shape):
    """The (size, size) matrix of an operator on arrays of a shape."""
    size = math.prod(shape)
    columns = jax.vmap(lambda column: matvec(column.reshape(shape)).ravel())(jnp.eye(size))
    return 0.5 * (columns + columns.T)


def deflated(matrix, null):
    """The matrix with its null vectors (size, k) moved to an eigenvalue above all others."""
    top = jnp.max(jnp.sum(jnp.abs(matrix), axis=1)) + 1.0
    return matrix + top * null @ null.T


@jax.custom_jvp
def pseudo_inverse(matrix, null):
    """Inverse of a symmetric matrix off its null vectors (size, k), by full diagonalisation.

    The lowest eigenvalue there comes with it.

    The derivative is that of the inverse, -G dM G, which stays finite where eigenvalues coincide.
    """
    size, k = null.shape
    value, vector = eigh(deflated(matrix, null))
    kept = jnp.arange(size) < size - k
    weight = jnp.where(kept, 1.0 / jnp.where(kept & (value != 0), value, 1.0), 0.0)
    return (vector * weight) @ vector.T, value[0]


@pseudo_inverse.defjvp
def _pseudo_inverse_jvp(primals, tangents):
    matrix, null = primals
    inverse, lowest = pseudo_inverse(matrix, null)
    return (inverse, lowest), (-inverse @ tangents[0] @ inverse, jnp.zeros_like(lowest))
