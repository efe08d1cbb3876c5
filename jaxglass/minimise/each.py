"""Numbers of every sample from fields (s, n, d), and back against them."""

import jax.numpy as jnp

from ..core.arrays import dot


def against(a):
    """(s,) against fields (s, n, d)."""
    return a[:, None, None]


def largest(field):
    """The largest component of each field."""
    return jnp.max(jnp.abs(field), axis=(1, 2))


def longest(field):
    """The longest vector of each field."""
    return jnp.sqrt(jnp.max(dot(field, field), axis=1))


def size(field):
    """The norm of each field."""
    return jnp.sqrt(jnp.sum(field * field, axis=(1, 2)))


def one_where_zero(a):
    """The numbers, safe to divide by."""
    return jnp.where(a > 0, a, 1.0)
