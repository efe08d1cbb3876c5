"""An Assembly seen along a list of pairs, up to second derivatives."""

import jax.numpy as jnp
from jax import Array

from ..core.arrays import add_rows, dot, take
from ..core.struct import Struct
from ..models.pair import derivatives
from ..neighbours.assembly import Assembly
from ..neighbours.cells import nearest
from ..neighbours.listing import PairList


class Snapshot(Struct):
    """Separations and derivatives of the pairs.

    Attributes:
        all: Assembly.
        pairs: PairList.
        position: (s, n, d).
        separation: (c, d).
        derivative: (3, c), F_0 to F_2, zero where padded.
    """

    all: Assembly
    pairs: PairList
    position: Array
    separation: Array
    derivative: Array

    def gradient(self):
        """(s, n, d)."""
        return self._scatter(self.derivative[1][:, None] * self.separation)

    def second(self, z):
        """M z of a field (s, n, d)."""
        z = z.reshape(-1, z.shape[-1])
        r, z = self.separation, take(z, self.pairs.j) - take(z, self.pairs.i)
        _, first, second = self.derivative
        return self._scatter(first[:, None] * z + (second * dot(r, z))[:, None] * r)

    def _scatter(self, rows):
        total = jnp.zeros((len(self.all.kind), rows.shape[1]))
        total = add_rows(total, self.pairs.j, rows) - add_rows(total, self.pairs.i, rows)
        return total.reshape(self.position.shape)

    @property
    def stiffness(self):
        """Bound (s, n) on the stiffness each particle feels: the sum over its pairs of
        |F_1| + |F_2| r^2.
        """
        _, first, second = self.derivative
        per_pair = jnp.abs(first) + jnp.abs(second) * dot(self.separation, self.separation)
        total = add_rows(jnp.zeros(len(self.all.kind)), self.pairs.i, per_pair)
        return add_rows(total, self.pairs.j, per_pair).reshape(self.position.shape[:2])


def snapshot(model, all, pairs, position):
    """The Snapshot of an Assembly at positions (s, n, d)."""
    place = all.place(position)
    r = nearest(take(place, pairs.j) - take(place, pairs.i))
    cell = all.cell[0] if len(all.cell) == 1 else take(all.cell, pairs.i // all.n)
    r = jnp.sum(cell * r[:, None, :], axis=-1)
    valid = pairs.bonds.valid
    return Snapshot(all, pairs, position, r, derivatives(model, pairs.scales, r, valid, 2))
