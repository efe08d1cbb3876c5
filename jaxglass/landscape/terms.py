"""The expansion of a model with terms of more than two particles.

Pairs are the Expansion of the pairs alone; the terms come in groups. Where all terms are triples,
the Hessian is kept in blocks too, one for every two particles that share a term: the direct engine
factors them, and products need no terms. Embedded atoms couple all that share a neighbour, hundreds
of particles each, and are left to methods that need only products.
"""

import functools
import math
from typing import NamedTuple

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
from ..neighbours.many import around, couples, room_for, within
from ..system.bonds import Bonds, contacts, pack
from ..system.box import fractional
from .contract import provides
from .coupled import blocks_of
from .expansion import Expansion, at_bonds, trimmed
from .groups import SumTerms, TripleTerms
from .shared import OfBlocks, OfBonds, OfGlass

SECOND = 5.0  # room for second neighbours, pairs over the room for bonds; sw has 3.9
LIKELY = 0.7  # of the room for pairs that is filled; 0.63 in sw


class TermExpansion(OfGlass, OfBonds, Struct):
    """A glass's pairs and terms of more particles with the derivatives of their energies.

    Attributes:
        two: Expansion of the pairs.
        groups: Terms of every kind.
        status: bits.
    """

    has = frozenset({"bonds", "groups", "higher", "glass"})
    kind = "an expansion of a model of many bodies"

    two: Expansion
    groups: tuple
    status: Array

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

    def _sum(self, total, rows):
        for group, row in zip(self.groups, rows, strict=True):
            total = total + group.scatter(row, self.count)
        return total


class CoupledExpansion(OfBlocks, TermExpansion):
    """With the Hessian in blocks.

    Attributes:
        own: (n, d, d), blocks M_ii.
        coupling: (m, d, d), blocks M_ij of the pairs.
        pairs: Bonds, all that share a term; the bonds come first.
        likely: how many pairs the direct engine should expect: too many would make separators wide
            and leave no room in the leaves.
    """

    has = TermExpansion.has | {"blocks"}

    own: Array
    coupling: Array
    pairs: Bonds
    likely: int = static()

    @property
    def place(self) -> Array:
        """Coordinates (n, d), fractional, by which the direct engine orders particles."""
        return fractional(self.glass.box, self.position)


class _Sizes(NamedTuple):
    """Rooms: for bonds, neighbours of a particle, triples, second neighbours."""

    bonds: search.Plan
    neighbours: int
    triples: int
    second: int


def expand_terms(model, glass):
    """The expansion of a ManyBodyModel."""
    search.check(model, glass, many=True)

    def attempt(room):
        bonds = search.plan(model, glass, room=room)
        n, mean = glass.count, 2 * bonds.capacity / glass.count
        sizes = (
            bonds,
            room_for(bonds.capacity, n),
            int(0.5 * n * mean**2),
            int(SECOND * bonds.capacity),
        )
        return _expand(model, glass, _Sizes(*sizes))

    e = search.with_room(attempt, model, glass)
    return e if is_traced(e) else _trimmed(e)


@functools.partial(jax.jit, static_argnums=2)
def _expand(model, glass, sizes):
    bonds, status = search.find_bonds(model, glass, sizes.bonds)
    alone = contacts(bonds, glass.count) == 0
    two = at_bonds(model.pair, glass, bonds, order=4)
    groups, full = _groups(model, glass, two, sizes)
    finite = jnp.all(jnp.isfinite(two.derivative)) & jnp.all(jnp.isfinite(glass.position))
    for group in groups:
        finite = finite & jnp.all(jnp.isfinite(group.force))
    status = status | full | flag(jnp.any(alone), Status.RATTLERS)
    status = status | flag(~finite, Status.NOT_FINITE)
    if not all(isinstance(term, Triples) for term in model.terms):
        return TermExpansion(two, groups, status)
    own, coupling, pairs, full = blocks_of(two, groups, sizes.second)
    likely = int(LIKELY * pairs.capacity)
    return CoupledExpansion(two, groups, status | full, own, coupling, pairs, likely)


def _groups(model, glass, two, sizes):
    """The groups of terms of a glass and its bonds."""
    bonds, n = two.bonds, glass.count
    settled_model = settled(model)
    entry, held, most = around(bonds.i, bonds.j, bonds.valid, n, sizes.neighbours)
    row, back = entry % bonds.capacity, entry >= bonds.capacity
    other = jnp.where(back, bonds.i[row], bonds.j[row])
    separation = jnp.where(back[..., None], -two.separation[row], two.separation[row])
    reach = range_of(model, glass.species[:, None], glass.species[other])
    held, separation = within(reach, held, separation)
    other = jnp.where(held, other, jnp.arange(n)[:, None])
    table = jnp.concatenate([jnp.arange(n)[:, None], other], axis=1).astype(jnp.int32)
    full = most > sizes.neighbours
    groups: list = []
    for term in model.terms:
        if not isinstance(term, Triples):
            group = SumTerms(settled_model, table, glass.species[table], separation, held, term)
            groups.append(group)
            continue
        first, second = couples(sizes.neighbours)
        both = (held[:, first] & held[:, second]).reshape(-1)
        at, valid, found = pack(both, sizes.triples)
        full = full | (found > sizes.triples)
        centre, couple = at // len(first), at % len(first)
        arms = jnp.stack([first[couple], second[couple]], axis=1)
        particle = jnp.concatenate(
            [table[centre, :1], jnp.take_along_axis(other[centre], arms, axis=1)], axis=1
        ).astype(jnp.int32)
        arm = jnp.take_along_axis(separation[centre], arms[..., None], axis=1)
        arm = jnp.where(valid[:, None, None], arm, _harmless(arm, model))
        group_of_triples = TripleTerms(
            settled_model,
            jnp.where(valid[:, None], particle, 0),
            glass.species[particle],
            arm,
            jnp.broadcast_to(valid[:, None], arms.shape),
            term,
        )
        groups.append(group_of_triples)
    return tuple(groups), flag(full, Status.BOND_OVERFLOW)


def _harmless(arm, model):
    """Separations that no term finds singular."""
    nowhere = jnp.zeros(arm.shape[:2], bool)
    return within(jnp.max(model.cutoff) * jnp.ones(arm.shape[:2]), nowhere, arm)[1]


def _trimmed(e):
    """Drops padding beyond the next step."""
    start, two = e.bonds.capacity, trimmed(e.two)
    bonds = two.bonds.capacity
    e = e.replace(two=two, groups=tuple(_trimmed_group(group, e.count) for group in e.groups))
    if not provides(e, "blocks"):
        return e
    more = _step(int(np.sum(e.pairs.valid[start:])), e.count)
    cut = lambda a: jnp.concatenate([a[:bonds], a[start : start + more]])
    pairs = jax.tree.map(cut, e.pairs)
    return e.replace(pairs=pairs, coupling=cut(e.coupling), likely=pairs.capacity)


def _trimmed_group(group, n):
    if isinstance(group.term, Triples):
        count = _step(int(np.sum(group.valid)), 8 * n)
        cut = lambda a, _: a[:count]
    else:
        count = 8 * math.ceil(int(np.max(np.sum(group.held, axis=1))) / 8)
        cut = lambda a, more: a[:, : count + more]
    return group.replace(
        particle=cut(group.particle, 1),
        species=cut(group.species, 1),
        separation=cut(group.separation, 0),
        held=cut(group.held, 0),
    )


def _step(count, n):
    """Similar glasses share programs."""
    step = max(32, 2 ** round(math.log2(max(n / 8, 1))))
    return step * math.ceil((count + 1) / step)
