"""LAPACK that is safe under vmap on CPUs, see core/samples.py."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from ..core.samples import loop_on_cpu

eigh = loop_on_cpu(lambda a: tuple(jnp.linalg.eigh(a)))
orthonormal = loop_on_cpu(lambda a: jnp.linalg.qr(a)[0])


@loop_on_cpu
def cholesky(a):
    """The lower Cholesky factor of a symmetric matrix; NaN if it is not positive."""
    return jax.lax.linalg.cholesky(a, symmetrize_input=False)


@loop_on_cpu
def cholesky_solve(lower, b):
    """A^-1 b of columns, by the lower Cholesky factor of A."""
    return solve_triangular(lower, solve_triangular(lower, b, lower=True), lower=True, trans=1)


@loop_on_cpu
def _cholesky(a):
    lower = jax.lax.linalg.cholesky(a, symmetrize_input=False)
    half = jnp.sum(jnp.log(jnp.diagonal(lower)))
    return solve_triangular(lower, jnp.eye(a.shape[0]), lower=True), half


@jax.custom_jvp
def inverse_cholesky(a):
    """Inverse X of the lower Cholesky factor of a symmetric matrix, and half its log-determinant.

    NaN if the matrix is not positive. The derivative is made of products only, with S = X dA X^T:
    dX = -(lower triangle of S, half its diagonal) X.
    """
    return _cholesky(a)


@inverse_cholesky.defjvp
def _inverse_cholesky_jvp(primals, tangents):
    inverse, half = inverse_cholesky(*primals)
    change = inverse @ tangents[0] @ inverse.T
    lower = jnp.tril(change) - 0.5 * jnp.diag(jnp.diagonal(change))
    return (inverse, half), (-lower @ inverse, 0.5 * jnp.trace(change))
