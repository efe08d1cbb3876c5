"""The expansion of a model with terms of more than two particles.

Pairs are the Expansion of the pairs alone; the terms come in groups. The Hessian has a block for
every two particles that share a term, which the direct engine factors. Where all terms are triples
the blocks are kept, and products need no terms; embedded atoms couple all that share a neighbour,
hundreds of particles each, and blocks are made only where they are asked for.
"""

import functools
import math
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import is_traced
from ..core.status import Status, flag
from ..core.struct import Struct, static
from ..models.manybody.terms import Triples
from ..models.pair import range_of, settled
from ..neighbours import search
from ..neighbours.many import within
from ..system.bonds import Bonds, contacts, padded
from ..system.box import fractional
from .expansion import Expansion, at_bonds, trimmed
from .groups import TripleTerms, sum_terms
from .listed import list_terms, plan_terms
from .shared import OfBlocks, OfBonds, OfGlass

LIKELY = 0.7  # of the room for pairs that is filled; 0.63 in sw


class TermExpansion(OfGlass, OfBonds, Struct):
    """A glass's pairs and terms of more particles with the derivatives of their energies.

    Attributes:
        two: Expansion of the pairs.
        groups: Terms of every kind.
        pairs: Bonds, all that share a term; the bonds come first.
        status: bits.
        likely: how many pairs the direct engine should expect: too many would make separators wide
            and leave no room in the leaves.
    """

    has = frozenset({"bonds", "groups", "higher", "glass", "blocks"})
    kind = "an expansion of a model of many bodies"

    two: Expansion
    groups: tuple
    pairs: Bonds
    status: Array
    likely: int = static()

    @property
    def glass(self):  # type: ignore[override]
        return self.two.glass

    @property
    def bonds(self) -> Bonds:  # type: ignore[override]
        """The pairs that interact."""
        return self.two.bonds

    @property
    def terms(self) -> tuple:
        """All terms: pairs first, then every group."""
        return (self.two, *self.groups)

    @property
    def energy(self) -> tuple:
        """Energies of the terms, an array for each of ``terms``."""
        return tuple(group.energy for group in self.terms)

    @property
    def place(self) -> Array:
        """Coordinates (n, d), fractional, by which the direct engine orders particles."""
        return fractional(self.glass.box, self.position)

    @property
    def blocks(self) -> tuple[Array, Array]:
        """Blocks of the Hessian: M_ii of every particle, M_ij of every pair."""
        own, coupling = self.two.blocks
        more = self.pairs.capacity - len(coupling)
        both = own, jnp.pad(coupling, ((0, more), (0, 0), (0, 0)))
        for group in self.groups:
            both = group.add_blocks(*both, self.pairs)
        return both

    def gradient(self) -> Array:
        """dU/dx, (n, d)."""
        return self._sum(self.two.gradient(), [group.force for group in self.groups])

    def second(self, z: Array) -> Array:
        """M z."""
        rows = [group.second(group.difference(z)) for group in self.groups]
        return self._sum(self.two.second(z), rows)

    def third(self, a: Array, b: Array) -> Array:
        """U''' : a b."""
        rows = [group.third(group.difference(a), group.difference(b)) for group in self.groups]
        return self._sum(self.two.third(a, b), rows)

    def fourth(self, z: Array) -> Array:
        """U'''' : z z z."""
        rows = [group.fourth(group.difference(z)) for group in self.groups]
        return self._sum(self.two.fourth(z), rows)

    @property
    def sizes(self) -> tuple[int, ...]:
        """What ``padded`` takes: rooms for bonds, for other pairs, and of every group."""
        bonds = self.bonds.capacity
        return (bonds, self.pairs.capacity - bonds, *(group.size for group in self.groups))

    def padded(self, bonds: int, others: int, *groups: int) -> Self:
        """The same expansion with more room."""
        at = self.bonds.capacity
        more = bonds - at, others - (self.pairs.capacity - at)
        pairs = self.pairs.padded(more[0], at).padded(more[1])
        grown = [
            group.padded(size, at, more[0]) for group, size in zip(self.groups, groups, strict=True)
        ]
        likely = bonds + others
        return self.replace(
            two=self.two.padded(bonds), groups=tuple(grown), pairs=pairs, likely=likely
        )

    def trimmed(self) -> Self:
        """The same expansion, concrete, without padding beyond the next step."""
        two, at = trimmed(self.two), self.bonds.capacity
        moved = at - two.bonds.capacity
        more = _step(int(np.sum(self.pairs.valid[at:])), self.count)
        pairs = jax.tree.map(lambda a: _cut(a, at, moved, more), self.pairs)
        groups = tuple(_trimmed_group(group, self.count, at, moved) for group in self.groups)
        return self.replace(two=two, groups=groups, pairs=pairs, likely=pairs.capacity)

    def with_box(self, box):
        """The same, its glass in a box of another kind or with other bounds."""
        return self.replace(two=self.two.with_box(box))

    def _sum(self, total, rows):
        for group, row in zip(self.groups, rows, strict=True):
            total = total + group.scatter(row, self.count)
        return total


class CoupledExpansion(OfBlocks, TermExpansion):
    """With the Hessian kept in blocks.

    Attributes:
        own: (n, d, d), blocks M_ii.
        coupling: (m, d, d), blocks M_ij of the pairs.
    """

    own: Array
    coupling: Array

    def padded(self, bonds: int, others: int, *groups: int) -> Self:
        """The same expansion with more room."""
        at, extra = self.bonds.capacity, bonds - self.bonds.capacity
        e = super().padded(bonds, others, *groups)
        coupling = padded(self.coupling, extra, at)
        more = e.pairs.capacity - len(coupling)
        return e.replace(coupling=padded(coupling, more, len(coupling)))

    def trimmed(self) -> Self:
        """The same expansion, concrete, without padding beyond the next step."""
        e, at = super().trimmed(), self.bonds.capacity
        moved, more = at - e.bonds.capacity, e.pairs.capacity - e.bonds.capacity
        return e.replace(coupling=_cut(self.coupling, at, moved, more))


def expand_terms(model, glass):
    """The expansion of a ManyBodyModel."""
    search.check(model, glass, many=True)
    attempt = lambda room: _expand(model, glass, plan_terms(model, glass, room=room))
    e = search.with_room(attempt, model, glass)
    return e if is_traced(e) else e.trimmed()


@functools.partial(jax.jit, static_argnums=2)
def _expand(model, glass, sizes):
    bonds, found = search.find_bonds(model, glass, sizes.bonds)
    listed, status = list_terms(model, glass, bonds, sizes)
    e = at_terms(model, glass, listed, order=4)
    alone = contacts(bonds, glass.count) == 0
    finite = jnp.all(jnp.isfinite(e.two.derivative)) & jnp.all(jnp.isfinite(glass.position))
    for group in e.groups:
        finite = finite & jnp.all(jnp.isfinite(group.force))
    status = status | found | flag(jnp.any(alone), Status.RATTLERS)
    return e.replace(status=status | flag(~finite, Status.NOT_FINITE))


def at_terms(model, glass, listed, order) -> TermExpansion:
    """The expansion on a TermList; derivatives of pairs up to a given order only."""
    two = at_bonds(model.pair, glass, listed.bonds, order)
    settled_model = settled(model)
    groups = tuple(
        _group(settled_model, two, term, members)
        for term, members in zip(model.terms, listed.members, strict=True)
    )
    likely = int(LIKELY * listed.pairs.capacity)
    e = TermExpansion(two, groups, listed.pairs, jnp.int32(0), likely)
    if not all(isinstance(term, Triples) for term in model.terms):
        return e
    own, coupling = e.blocks
    return CoupledExpansion(two, groups, e.pairs, e.status, likely, own, coupling)


def _group(model, two, term, members):
    """The Terms of one kind, at the separations of the bonds."""
    separation = two.separation[members.row]
    separation = jnp.where(members.back[..., None], -separation, separation)
    reach = range_of(model, members.species[:, :1], members.species[:, 1:])
    held, separation = within(reach, members.held, separation)
    of = model, members.particle, members.species, separation
    if isinstance(term, Triples):
        both = jnp.broadcast_to(jnp.all(held, axis=1, keepdims=True), held.shape)
        return TripleTerms(*of, both, term, members.place)
    return sum_terms(*of, held, term)


def _cut(rows, at, moved, more):
    """Rows of pairs with fewer of the bonds, which end at a row, and of the others."""
    return jnp.concatenate([rows[: at - moved], rows[at : at + more]])


def _trimmed_group(group, n, start, moved):
    if isinstance(group, TripleTerms):
        count = _step(int(np.sum(group.valid)), 8 * n)
        place = jnp.where(group.place < start, group.place, group.place - moved)
        return group.rows(slice(count)).replace(place=place[:count])
    return group.columns(8 * math.ceil(int(np.max(np.sum(group.held, axis=1))) / 8))


def _step(count, n):
    """Similar glasses share programs."""
    step = max(32, 2 ** round(math.log2(max(n / 8, 1))))
    return step * math.ceil((count + 1) / step)
