"""A list of bonds of fixed capacity: which particles each joins, differences along bonds, sums over bonds.

Padding: the last rows join particle 0 to itself and are marked not valid; whatever a padded bond carries must be zero.
"""

import jax
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
    """The transpose of ``difference``: adds to j and subtracts from i, (b, ...) -> (n, ...).

    Rows of three numbers are padded to four: on CPU a row-wise sum is then 1.8 times faster.
    """
    width = per_bond.shape[1] if per_bond.ndim == 2 else 0
    if width == 3:
        per_bond = jnp.pad(per_bond, ((0, 0), (0, 1)))
    total = jax.ops.segment_sum(per_bond, bonds.j, count) - jax.ops.segment_sum(per_bond, bonds.i, count)
    return total[:, :3] if width == 3 else total


def contacts(bonds, count):
    """Number of bonds of each particle, (n,)."""
    ones = bonds.valid.astype(jnp.int32)
    return jnp.zeros(count, jnp.int32).at[bonds.i].add(ones).at[bonds.j].add(ones)


def pack(mask, capacity):
    """Where a (rows, columns) mask is true, in order, in arrays of fixed length.

    For each output its row follows from the running count of rows, and its column from a binary search in the running
    count along the row: cheaper than a scatter of the whole mask.

    Returns:
        row, column, valid: (capacity,); the number of true entries, larger than the capacity if some were left out.
    """
    rows, columns = mask.shape
    along = jnp.cumsum(mask, axis=1, dtype=jnp.int32)
    ends = jnp.cumsum(along[:, -1])
    slot = jnp.arange(capacity, dtype=jnp.int32)
    row = jnp.minimum(jnp.searchsorted(ends, slot, side="right").astype(jnp.int32), rows - 1)
    rank = slot - jnp.where(row > 0, ends[row - 1], 0)

    def halve(bounds, _):
        low, high = bounds
        middle = (low + high) // 2
        before = along[row, middle] <= rank
        return (jnp.where(before, middle + 1, low), jnp.where(before, high, middle)), None

    start = (jnp.zeros_like(slot), jnp.full_like(slot, columns - 1))
    (column, _), _ = jax.lax.scan(halve, start, length=max(1, (columns - 1).bit_length()))
    return row, column, slot < ends[-1], ends[-1]


def compress(i, j, keep, capacity):
    """The pairs marked keep, packed into a list of the given capacity.

    Returns:
        Bonds, and the number of pairs marked keep (larger than the capacity if some were left out).
    """
    width = 256
    short = -keep.shape[0] % width
    row, column, valid, found = pack(jnp.pad(keep, (0, short)).reshape(-1, width), capacity)
    at = row * width + column
    return Bonds(jnp.where(valid, i[at], 0), jnp.where(valid, j[at], 0), valid), found
