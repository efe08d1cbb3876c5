"""Trace and diagonal of an operator from random probes, with standard errors and exact deflation.

With signs z (entries +-1 with equal chance) E[z.A z] = tr A and E[z * A z] = diag A. A part of A
that is known exactly, sum_k a_k v_k v_k^T, is taken out of the probes and added back, which removes
its share of the noise.
"""

import math

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct


class Estimate(Struct):
    """A random estimate: value and standard error."""

    value: Array
    error: Array


def mean_and_error(samples):
    """Mean and standard error over the first axis of independent samples."""
    count = samples.shape[0]
    return Estimate(jnp.mean(samples, axis=0), jnp.std(samples, axis=0, ddof=1) / jnp.sqrt(count))


def probes(key, count, shape):
    """Random signs, (count, *shape); probe k depends on k and the key only, not on the count."""
    return jax.vmap(
        lambda k: jax.random.rademacher(jax.random.fold_in(key, k), shape, jnp.float64)
    )(jnp.arange(count))


def trace(key, apply, shape, count, *, known=None):
    """tr A.

    Args:
        key: JAX random key.
        apply: function on arrays of ``shape``, the operator A.
        shape: of the arrays.
        count: number of probes.
        known: (a, v), eigenvalues (k,) and orthonormal eigenvectors (k, *shape) of A.

    Returns:
        Estimate.
    """
    a, v = _flat(known, shape)

    def sample(z):
        rest = z.ravel() - v.T @ (v @ z.ravel())
        return rest @ apply(rest.reshape(shape)).ravel()

    found = mean_and_error(jax.lax.map(sample, probes(key, count, shape)))
    return Estimate(found.value + jnp.sum(a), found.error)


def diagonal(key, apply, shape, count, *, known=None):
    """The diagonal of A, shaped like the arrays; arguments as in ``trace``."""
    a, v = _flat(known, shape)

    def sample(z):
        rest = z.ravel() - v.T @ (v @ z.ravel())
        return z * apply(rest.reshape(shape))

    found = mean_and_error(jax.lax.map(sample, probes(key, count, shape)))
    return Estimate(found.value + (a @ v**2).reshape(shape), found.error)


def _flat(known, shape):
    size = math.prod(shape)
    if known is None:
        return jnp.zeros(0), jnp.zeros((0, size))
    a, v = known
    return a, v.reshape(-1, size)
