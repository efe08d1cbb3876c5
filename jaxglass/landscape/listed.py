"""Who may share a term of a model of many bodies, as long as a list of pairs holds: what expansions
at many positions have in common.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.status import Status, flag
from ..core.struct import Struct
from ..models.manybody.terms import Triples
from ..models.pair import kinds
from ..neighbours import jaxmd, search
from ..neighbours.many import around, couples, room_for
from ..system.bonds import Bonds, pack
from .coupled import coupled_pairs, finder

SECOND = 5.0  # room for second neighbours, pairs over the room for bonds; sw has 3.9


class TermPlan(NamedTuple):
    """Rooms.

    Attributes:
        bonds: for pairs.
        neighbours: for those of a particle.
        triples: for triples.
        second: for pairs that share a term and no bond.
        wide: for all pairs within two cutoffs, which sums over neighbours couple; None without.
    """

    bonds: search.Plan
    neighbours: int
    triples: int
    second: int
    wide: jaxmd.ListPlan | None

    @property
    def skin(self) -> float:
        """Pairs up to skin beyond the cutoff are kept."""
        return self.bonds.skin


class Members(Struct):
    """The particles of all terms of one kind.

    Attributes:
        particle: (t, m + 1), the centre first.
        species: (t, m + 1).
        row: (t, m), in the list of bonds, of the one to each other particle.
        back: (t, m), whether that bond begins there.
        held: (t, m), which others there may be.
        place: (t, 3) for triples: of the pairs centre-first, centre-second, first-second among all
            that share a term; else None.
    """

    particle: Array
    species: Array
    row: Array
    back: Array
    held: Array
    place: Array | None = None


class TermList(Struct):
    """Who may share a term.

    Attributes:
        bonds: Bonds.
        members: Members of every kind of term.
        pairs: Bonds, all that may share a term; ``bonds`` come first.
    """

    bonds: Bonds
    members: tuple
    pairs: Bonds


def plan_terms(model, glass, *, skin=0.0, room=1.0) -> TermPlan:
    """The TermPlan for glasses like this one, from plain numbers only."""
    bonds = search.plan(model, glass, skin=skin, room=room)
    n, capacity = glass.count, bonds.capacity
    triples = int(0.5 * n * (2 * capacity / n) ** 2)
    neighbours = room_for(capacity, n)
    if all(isinstance(term, Triples) for term in model.terms):
        return TermPlan(bonds, neighbours, triples, int(SECOND * capacity), None)
    wide = jaxmd.plan_list(n, glass.box, 2 * (model.reach + skin), room)
    return TermPlan(bonds, neighbours, triples, wide.capacity, wide)


def list_terms(model, glass, bonds, plan):
    """The TermList of a glass on its bonds, and a status."""
    n = glass.count
    entry, held, most = around(bonds.i, bonds.j, bonds.valid, n, plan.neighbours)
    row, back = entry % bonds.capacity, entry >= bonds.capacity
    alone = jnp.arange(n, dtype=jnp.int32)[:, None]
    other = jnp.where(held, jnp.where(back, bonds.i[row], bonds.j[row]), alone)
    table = jnp.concatenate([alone, other], axis=1).astype(jnp.int32)
    around_each = Members(table, kinds(model, glass)[table], row, back, held)
    full = most > plan.neighbours
    members, shared = [], []
    for term in model.terms:
        if isinstance(term, Triples):
            triples, found = _triples(around_each, plan)
            full = full | (found > plan.triples)
            members.append(triples)
            shared.append((*triples.particle[:, 1:].T, triples.held[:, 0]))
        else:
            members.append(around_each)
    status = flag(full, Status.BOND_OVERFLOW)
    if plan.wide is not None:
        i, j, overflow = jaxmd.list_pairs(plan.wide, glass)
        shared.append((i, j, i < n))
        status = status | flag(overflow, Status.NEIGHBOUR_OVERFLOW)
    pairs, count = coupled_pairs(bonds, n, shared, plan.second)
    find = finder(pairs, n)
    placed = [
        _placed(m, find) if isinstance(term, Triples) else m
        for term, m in zip(model.terms, members, strict=True)
    ]
    status = status | flag(count > plan.second, Status.BOND_OVERFLOW)
    return TermList(bonds, tuple(placed), pairs), status


def _triples(around_each, plan):
    """The Members of triples, and their number."""
    first, second = couples(plan.neighbours)
    held = around_each.held
    at, valid, found = pack((held[:, first] & held[:, second]).reshape(-1), plan.triples)
    centre, couple = at // len(first), at % len(first)
    arms = jnp.stack([first[couple], second[couple]], axis=1)
    of_arms = lambda a: jnp.take_along_axis(a[centre], arms, axis=1)
    joined = lambda a: jnp.concatenate([a[centre, :1], of_arms(a[:, 1:])], axis=1)
    both = jnp.broadcast_to(valid[:, None], arms.shape)
    particle = jnp.where(valid[:, None], joined(around_each.particle), 0)
    row, back = (jnp.where(both, of_arms(a), 0) for a in (around_each.row, around_each.back))
    species = joined(around_each.species)
    return Members(particle, species, row, back.astype(bool), both), found


def _placed(members, find):
    centre, first, second = members.particle.T
    both = ((centre, first), (centre, second), (first, second))
    places = jnp.stack([find(p, q)[1] for p, q in both], axis=1)
    return members.replace(place=jax.lax.stop_gradient(places))
