"""A list of bonds of fixed capacity: which particles each joins, differences along bonds, sums over bonds.

Padding: the last rows join particle 0 to itself and are marked not valid; whatever a padded bond carries must be zero.
"""

import jax.numpy as jnp

from ..core.struct import struct


@struct
class Bonds:
    """Bond b joins i[b] to j[b], i < j; valid[b] is False for padding. All (b,)."""

    i: object
    j: object
    valid: object

    @property
    def capacity(self):
        return self.i.shape[-1]

    @property
    def count(self):
        return jnp.sum(self.valid, axis=-1)


def difference(bonds, z):
    """z_j - z_i on every bond: (n, ...) -> (b, ...)."""
    return z[bonds.j] - z[bonds.i]


def scatter(bonds, per_bond, count):
    """The transpose of ``difference``: adds to j and subtracts from i, (b, ...) -> (n, ...)."""
    out = jnp.zeros((count, *per_bond.shape[1:]), per_bond.dtype)
    return out.at[bonds.j].add(per_bond).at[bonds.i].add(-per_bond)


def contacts(bonds, count):
    """Number of bonds of each particle, (n,)."""
    ones = bonds.valid.astype(jnp.int32)
    return jnp.zeros(count, jnp.int32).at[bonds.i].add(ones).at[bonds.j].add(ones)


def compress(i, j, keep, capacity):
    """The pairs marked keep, packed into a list of the given capacity.

    Returns:
        Bonds, and the number of pairs marked keep (larger than the capacity if some were left out).
    """
    found = jnp.sum(keep)
    (rows,) = jnp.nonzero(keep, size=capacity, fill_value=0)
    valid = jnp.arange(capacity) < found
    return Bonds(jnp.where(valid, i[rows], 0), jnp.where(valid, j[rows], 0), valid), found
