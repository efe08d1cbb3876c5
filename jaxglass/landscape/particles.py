"""Sums and means of a quantity of bonds, or of terms, over those of each particle."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from .contract import need


def particle_sum(e, value: Any) -> Array:
    """Sum of a bond quantity (b,) over the bonds of each particle, (n,).

    Of a tuple, with an array for each of ``e.terms``, the sum over the terms that it takes part in.

    Example:
        >>> bool(jg.particle_sum(e, e.bonds.valid * 1.0).sum() == 2 * e.bonds.count)
        True
    """
    need("particle_sum", e, "bonds")
    return _sum(e, value)


def particle_mean(e, value: Any) -> Array:
    """Mean of a bond quantity (b,) over the bonds of each particle, (n,); zero without bonds.

    Of a tuple, with an array for each of ``e.terms``, the mean over its terms.

    Example:
        >>> set(jg.particle_mean(e, 3.0 * e.bonds.valid).tolist())
        {3.0}
    """
    need("particle_mean", e, "bonds")
    return _sum(e, value) / jnp.maximum(_sum(e, jax.tree.map(jnp.ones_like, value)), 1.0)


def _sum(e, value):
    if isinstance(value, tuple):
        check_terms(e, value)
        pairs, *others = value
        return sum(
            (group.particle_sum(v, e.count) for group, v in zip(e.groups, others, strict=True)),
            _sum(e, pairs),
        )
    value = jnp.where(e.bonds.valid, value, 0.0)
    return jnp.zeros(e.count).at[e.bonds.i].add(value).at[e.bonds.j].add(value)


def check_terms(e, value):
    """Refuses a tuple that does not hold an array for each of ``e.terms``."""
    need("a value for each of e.terms", e, "groups")
    sizes = [e.bonds.capacity, *(len(group.particle) for group in e.groups)]
    found = [jnp.shape(v) for v in value]
    if found != [(size,) for size in sizes]:
        raise ValueError(
            f"value must hold one number per term, arrays of {sizes} numbers, found shapes {found}"
        )
