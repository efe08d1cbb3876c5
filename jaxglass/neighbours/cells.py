"""Comparison of fractional coordinates: nearest images and lengths in the cells of many samples."""

import itertools

import jax.numpy as jnp
from jax import Array

from ..core.arrays import take
from ..core.struct import Struct, static
from ..system.box import face_distance


class Cells(Struct):
    """Cells of samples.

    Attributes:
        width: (samples, d), distances between opposite faces.
        metric: (samples, m): squares of the cell vectors, and without ``orthogonal`` twice their
            products too.
        orthogonal: whether the cells are diagonal.
    """

    width: Array
    metric: Array
    orthogonal: bool = static()


def cells_of(cell, orthogonal):
    """The Cells of (samples, d, d) cell vectors as columns."""
    dim = cell.shape[-1]
    metric = [dot_columns(cell, a, a) for a in range(dim)]
    if not orthogonal:
        metric += [2 * dot_columns(cell, a, b) for a, b in itertools.combinations(range(dim), 2)]
    return Cells(face_distance(cell), jnp.stack(metric, axis=-1), orthogonal)


def dot_columns(cell, a, b):
    """Product of two cell vectors, (samples,)."""
    return jnp.sum(cell[..., a] * cell[..., b], axis=-1)


def of_sample(rows, sample):
    """Columns of rows (samples, m) for given samples: a list of m, numbers if there is but one."""
    if len(rows) == 1:
        return list(rows[0])
    return [take(column, sample) for column in rows.T]


def nearest(r):
    """Fractional separation of the nearest image."""
    return r - jnp.round(r)


def square(r, metric):
    """Squared length of a separation, a list of fractional components."""
    dim = len(r)
    total = sum(metric[a] * r[a] * r[a] for a in range(dim))
    mixed = itertools.combinations(range(dim), 2) if len(metric) > dim else ()
    return total + sum(metric[dim + k] * r[a] * r[b] for k, (a, b) in enumerate(mixed))
