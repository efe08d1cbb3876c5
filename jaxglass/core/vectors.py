"""Batches of fields, and what their derivatives share.

Users hold a batch as fields (k, n, d). Inside, from the public door down to linalg, it is columns
(n, d, k): a gather or a scatter of particles then moves whole rows of memory, and linear algebra
sees (n d, k) without a copy.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np


def columns_of(fields):
    """Fields (k, n, d) as columns (n, d, k)."""
    return jnp.moveaxis(fields, 0, -1)


def fields_of(columns):
    """Columns (n, d, k) as fields (k, n, d)."""
    return jnp.moveaxis(columns, -1, 0)


def generic(shape):
    """A fixed array without symmetry, in place of noise: it has a part along every mode."""
    return jnp.cos(1.0 + jnp.arange(math.prod(shape), dtype=float) ** 1.5).reshape(shape)


def upright(fields):
    """Fields (k, n, d) with the sign that makes the largest component of each positive."""
    flat = fields.reshape(fields.shape[0], -1)
    largest = jnp.take_along_axis(flat, jnp.argmax(jnp.abs(flat), axis=1)[:, None], axis=1)
    return fields * jnp.where(largest < 0, -1.0, 1.0)[:, :, None]


def no_tangent(value):
    """The tangent of what counts as a constant, as rules for derivatives must return it."""
    if jnp.issubdtype(value.dtype, jnp.floating):
        return jnp.zeros_like(value)
    return np.zeros(value.shape, jax.dtypes.float0)
