"""Dense matrices of operators, for small systems and as the tests' second opinion."""

import math

import jax
import jax.numpy as jnp


def as_matrix(matvec, shape):
    """The (size, size) matrix of an operator on arrays of a shape."""
    size = math.prod(shape)
    columns = jax.vmap(lambda column: matvec(column.reshape(shape)).ravel())(jnp.eye(size))
    return 0.5 * (columns + columns.T)


def deflated(matrix, null):
    """The matrix with its null vectors (size, k) moved to an eigenvalue above all others."""
    top = jnp.max(jnp.sum(jnp.abs(matrix), axis=1)) + 1.0
    return matrix + top * null @ null.T
