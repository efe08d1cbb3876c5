"""Sums and means of a bond quantity over the bonds of each particle."""

import jax.numpy as jnp
from jax import Array

from .contract import need


def particle_sum(e, value: Array) -> Array:
    """Sum of a bond quantity (b,) over the bonds of each particle, (n,).

    Example:
        >>> bool(jg.particle_sum(e, e.bonds.valid * 1.0).sum() == 2 * e.bonds.count)
        True
    """
    need("particle_sum", e, "bonds")
    return _sum(e, value)


def particle_mean(e, value: Array) -> Array:
    """Mean of a bond quantity (b,) over the bonds of each particle, (n,); zero without bonds.

    Example:
        >>> set(jg.particle_mean(e, 3.0 * e.bonds.valid).tolist())
        {3.0}
    """
    need("particle_mean", e, "bonds")
    return _sum(e, value) / jnp.maximum(_sum(e, jnp.ones(e.bonds.capacity)), 1.0)


def _sum(e, value):
    value = jnp.where(e.bonds.valid, value, 0.0)
    return jnp.zeros(e.count).at[e.bonds.i].add(value).at[e.bonds.j].add(value)
