"""A model whose energy has terms of more than two particles.

    U = sum over pairs phi(r_ij)  +  sum over particles of the terms that they are the centre of

A term depends on the separations from its centre to neighbours, and neighbours are those within the
cutoff of the pairs: one list serves all. The kinds of terms are static; every continuous parameter
of pairs and terms is in one dict of the model: numbers, arrays with one number a species, or what
else a shape knows how to read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from ...core.struct import Struct, static
from ..pair import PairEnergy, PairModel, settled

FEW = 4  # species


class ManyBodyModel(Struct):
    """Build one with ``jg.models.three_body``, ``stillinger_weber``, ``embedded_atom`` or
    ``read_eam``.

    Attributes:
        parameters: dict of leaves that pairs and terms read.
        cutoff: distance at which all ends, a number or a symmetric (k, k) table.
        shape: function (t, p) -> energy of a pair, t = r^2. p has the parameters, of arrays with
            one number a species those of both particles, ``name_1`` and ``name_2``, the lower
            species first, and "cutoff", "kind_1", "kind_2".
        terms: kinds of terms, Triples or Sums.
        species: k.
        reach: bound on the cutoff; sizes neighbour lists.
        contacts: expected pairs per particle, sizes lists while tracing.
        name: for messages and files.
    """

    parameters: dict
    cutoff: Array
    shape: Callable = static()
    terms: tuple = static()
    species: int = static()
    reach: float = static()
    contacts: float | None = static()
    name: str = static()

    @property
    def sigma(self) -> Array:
        """Lengths are not scaled."""
        return jnp.ones((self.species, self.species))

    nonadditivity = None

    @property
    def pair(self) -> PairModel:
        """The pairs alone."""
        low, high = np.sort(np.indices((self.species,) * 2), axis=0)
        kinds = {"kind_1": jnp.asarray(low, float), "kind_2": jnp.asarray(high, float)}
        return PairModel(
            parameters=self.parameters | kinds,
            sigma=self.sigma,
            epsilon=jnp.ones_like(self.sigma),
            nonadditivity=None,
            cutoff=self.cutoff,
            shape=OfBoth(self.shape, self.species),
            smoothing=None,
            reach=self.reach,
            contacts=self.contacts,
            name=self.name,
        )

    def settled(self) -> "ManyBodyEnergy":
        """What loops over steps evaluate."""
        pair = settled(self.pair)
        own = {name: getattr(pair, name) for name in PairEnergy.__dataclass_fields__}
        return ManyBodyEnergy(**own, own=self.parameters, end=self.cutoff, terms=self.terms)


class ManyBodyEnergy(PairEnergy):
    """A settled model: that of its pairs, and what its terms need.

    Attributes:
        own: the parameters as the terms read them.
        end: the cutoff.
        terms: kinds of terms.
    """

    own: dict
    end: Array
    terms: tuple = static()


def is_many(model: Any) -> bool:
    """Whether a model, settled or not, has terms of more than two particles."""
    return isinstance(model, ManyBodyModel | ManyBodyEnergy)


@dataclass(frozen=True)
class OfBoth:
    """The shape of pairs that finds the parameters of both species."""

    shape: Callable
    species: int

    def __call__(self, t, p):
        own = dict(p)
        for name, leaf in p.items():
            if jnp.shape(leaf) == (self.species,):
                own |= {f"{name}_{k}": of_kind(leaf, p[f"kind_{k}"]) for k in (1, 2)}
        return self.shape(t, own)


def of_kind(leaf, kind):
    """The number of a species in an array with one for each. A choice between a few is worked out
    anew wherever it is needed; what is looked up would be stored for every pair.
    """
    if len(leaf) > FEW:
        return leaf[jnp.asarray(kind, jnp.int32)]
    value = leaf[0]
    for k in range(1, len(leaf)):
        value = jnp.where(kind == k, leaf[k], value)
    return value


def of_species(parameters, kind, count):
    """The parameters, with the number of one particle's species where there is one for each."""
    own = lambda leaf: of_kind(leaf, kind) if jnp.shape(leaf) == (count,) else leaf
    return {name: own(leaf) for name, leaf in parameters.items()}
