"""How far apart pairs of particles are listed: their cutoff and a skin."""

import jax.numpy as jnp
from jax import Array

from ..core.arrays import take
from ..core.struct import Struct, static
from ..models.pair import range_of


class Ranges(Struct):
    """Squared ranges of pairs, worked out from a few numbers of each particle: a table looked up
    for every pair would take longer than the comparison.

    Attributes:
        mine, theirs: (k, particles): the squared ranges with each of k species, and 1 for the own
            one; or both the diameter, k = 1.
        model: whose ranges these are.
        skin: added to the cutoff.
        by_diameter: whether particles have diameters.
    """

    mine: Array
    theirs: Array
    model: object
    skin: Array
    by_diameter: bool = static()

    def rows(self, who):
        return take(self.mine, who, axis=1)

    def columns(self, who):
        return take(self.theirs, who, axis=1)

    def squared(self, mine, theirs):
        """Squared ranges of pairs of particles: their rows, lists of k."""
        if self.by_diameter:
            return (range_of(self.model, mine[0], theirs[0]) + self.skin) ** 2
        return sum(a * b for a, b in zip(mine, theirs, strict=True))


def ranges_of(model, kind, skin):
    """The Ranges of particles of kinds (m,)."""
    if model.sigma is None:
        return Ranges(kind[None], kind[None], model, skin, True)
    species = jnp.arange(len(model.sigma))
    table = (range_of(model, species[:, None], species) + skin) ** 2
    own = (kind == species[:, None]).astype(jnp.float64)
    return Ranges(take(table, kind, axis=1), own, model, skin, False)
