"""LAPACK that is safe under vmap.

On a CPU, XLA gives the parts of a batched LAPACK call to the pool of threads that the call itself
runs on, and waits for them. As many such calls at once as there are threads, two on a small
machine, then wait for ever. So a batch is a loop on CPUs and a batched call elsewhere.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular


def loop_on_cpu(function: Any) -> Any:
    """The function with a rule for vmap: a loop over samples on CPUs, a batch elsewhere."""
    # Compiled apart, for constants: custom_vmap refuses its own where a condition is mapped.
    safe = jax.custom_batching.custom_vmap(jax.jit(function))

    @safe.def_vmap
    def rule(size, batched, *arguments):
        if not any(jax.tree.leaves(batched)):  # derivatives may leave nothing to map
            result = function(*arguments)
            return result, jax.tree.map(lambda _: False, result)
        leaves, tree = jax.tree.flatten(arguments)
        batched = jax.tree.leaves(batched)
        mapped = [leaf for leaf, flag in zip(leaves, batched, strict=True) if flag]

        def of_one(function):
            def one(mapped):
                own = iter(mapped)
                known = zip(leaves, batched, strict=True)
                every = [next(own) if flag else leaf for leaf, flag in known]
                return function(*jax.tree.unflatten(tree, every))

            return one

        result = jax.lax.platform_dependent(
            mapped,
            cpu=lambda mapped: jax.lax.map(of_one(safe), mapped),
            default=jax.vmap(of_one(function)),
        )
        return result, jax.tree.map(lambda _: True, result)

    return safe


eigh = loop_on_cpu(lambda a: tuple(jnp.linalg.eigh(a)))
orthonormal = loop_on_cpu(lambda a: jnp.linalg.qr(a)[0])


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
