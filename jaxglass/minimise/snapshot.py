"""An Assembly seen along a list of pairs, up to second derivatives."""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import add_rows, dot, take
from ..core.struct import Struct
from ..models.manybody.model import ManyBodyEnergy, is_many
from ..models.pair import derivatives
from ..neighbours.assembly import Assembly
from ..neighbours.listing import PairList
from ..neighbours.many import pull_at, separations


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


class SnapshotOfTerms(Snapshot):
    """With terms of more than two particles; derivatives and stiffness are those of the pairs,
    which hold particles apart.

    Attributes:
        model: settled model.
    """

    model: ManyBodyEnergy

    def gradient(self):
        """(s, n, d)."""
        pairs = self.derivative[1][:, None] * self.separation
        return self._scatter(pairs + self._pull(self.separation))

    def second(self, z):
        """M z of a field (s, n, d)."""
        rows = z.reshape(-1, z.shape[-1])
        along = take(rows, self.pairs.j) - take(rows, self.pairs.i)
        change = jax.jvp(self._pull, (self.separation,), (along,))[1]
        return super().second(z) + self._scatter(change)

    def _pull(self, r):
        return pull_at(self.model, self.all, self.pairs, r)


def snapshot(model, all, pairs, position):
    """The Snapshot of an Assembly at positions (s, n, d)."""
    r = separations(all, pairs, position)
    of_pairs = derivatives(model, pairs.scales, r, pairs.bonds.valid, 2)
    if is_many(model):
        return SnapshotOfTerms(all, pairs, position, r, of_pairs, model)
    return Snapshot(all, pairs, position, r, of_pairs)
