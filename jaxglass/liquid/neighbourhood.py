"""Neighbours of particles within a distance: means over them, and who is extreme among them."""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.status import Status, flag, or_nan, require
from ..core.struct import Struct
from ..neighbours import jaxmd, search
from ..system.box import within_half


class _Listed(Struct):
    """Pairs i, j (p,), which of them are there, and whether there was room for all."""

    i: Array
    j: Array
    there: Array
    status: Array


def mean_of_neighbours(glass, fields, cutoff):
    """Mean over neighbours of fields (..., n, d); NaN where there are none."""
    pairs = _pairs_within(glass, cutoff)
    return or_nan(pairs.status, _means(pairs, fields))


def highest_nearby(glass, value, alike, cutoff):
    """Particles, (n,), whose value no other within a distance exceeds that has the same ``alike``.

    Args:
        glass: Glass.
        value: (n,).
        alike: (n,) integers.
        cutoff: distance.

    Returns:
        (n,) booleans.
    """
    pairs = require(_pairs_within(glass, cutoff))
    return _highest(pairs, jnp.asarray(value, float), jnp.asarray(alike))


def _pairs_within(glass, cutoff):
    within_half("cutoff", cutoff, glass.box)
    attempt = lambda room: _listed(
        glass, plan=jaxmd.plan_list(glass.count, glass.box, float(cutoff), room)
    )
    return search.with_room(attempt, glass)


@functools.partial(jax.jit, static_argnames="plan")
def _listed(glass, *, plan):
    i, j, there, overflow = jaxmd.pairs_in(plan, glass)
    return _Listed(i, j, there, flag(overflow, Status.NEIGHBOUR_OVERFLOW))


@jax.jit
def _means(pairs, fields):
    rows = jnp.moveaxis(fields, -2, 0)
    weight = pairs.there.reshape(-1, *(1,) * (rows.ndim - 1))
    total = jnp.zeros_like(rows).at[pairs.i].add(weight * rows[pairs.j])
    total = total.at[pairs.j].add(weight * rows[pairs.i])
    ones = pairs.there.astype(float)
    count = jnp.zeros(len(rows)).at[pairs.i].add(ones).at[pairs.j].add(ones)
    return jnp.moveaxis(total / count.reshape(-1, *weight.shape[1:]), 0, -2)


@jax.jit
def _highest(pairs, value, alike):
    i, j = pairs.i, pairs.j
    counts = pairs.there & (alike[i] == alike[j])
    beaten = jnp.zeros(len(value), bool).at[i].max(counts & (value[j] > value[i]))
    return ~beaten.at[j].max(counts & (value[i] > value[j]))
