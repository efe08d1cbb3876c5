"""Terms of many particles along a list of pairs: energies and what they pull.

A pair makes either of its particles a neighbour of the other. Sums over neighbours are worked out
pair by pair; triples without such sums take a table of the neighbours of every particle.
"""

import math

import jax
import jax.numpy as jnp

from ..core.arrays import add_rows, dot, take
from ..models.manybody.terms import OfDistance, Sums
from ..models.pair import HARMLESS, range_of
from .cells import nearest

CROWD = 1.25  # room for neighbours of a particle over their mean, beside a few more
FEW = 4


def separations(all, pairs, position):
    """Of the pairs of an Assembly at positions (s, n, d): (c, d)."""
    place = all.place(position)
    r = nearest(take(place, pairs.j) - take(place, pairs.i))
    cell = all.cell[0] if len(all.cell) == 1 else take(all.cell, pairs.i // all.n)
    return jnp.sum(cell * r[:, None, :], axis=-1)


def term_energies(model, all, pairs, r):
    """Energies (s n,) of the terms that particles are the centre of, at separations (c, d)."""
    return sum(_energies(model, term, all, pairs, r) for term in model.terms)


def _energies(model, term, all, pairs, r):
    a, b, near, r = _ends(model, all, pairs, r)
    sums = term if isinstance(term, Sums) else term.sums
    if sums is None:
        return _of_triples(model, term, all, pairs, near, r)
    return _of_sums(model, sums, all, pairs, near, r, a, b)


def _ends(model, all, pairs, r):
    """Species of both ends, which pairs are near, and their separations."""
    a, b = take(all.kind, pairs.i), take(all.kind, pairs.j)
    return a, b, *within(range_of(model, a, b), pairs.i != pairs.j, r)


def within(reach, valid, r):
    """Which separations (..., d) are valid and within reach, and these with the others replaced by
    harmless ones.
    """
    near = valid & (dot(r, r) < reach * reach)
    unit = jnp.zeros(r.shape[-1]).at[0].set(1.0)
    harmless = HARMLESS * jax.lax.stop_gradient(jnp.asarray(reach))[..., None] * unit
    return near, jnp.where(near[..., None], r, harmless)


def pull(model, all, pairs, position):
    """d U / d r of the terms with the separations of the pairs (c, d), and these separations."""
    r = separations(all, pairs, position)
    return pull_at(model, all, pairs, r), r


def pull_at(model, all, pairs, r):
    """The same at separations r (c, d)."""
    total = jnp.zeros_like(r)
    for term in model.terms:
        if isinstance(term, Sums) and isinstance(term.of_neighbour, OfDistance):
            total = total + _radial_pull(model, term, all, pairs, r)
        else:
            energy = lambda r, term=term: jnp.sum(_energies(model, term, all, pairs, r))
            total = total + jax.grad(energy)(r)
    return total


def _radial_pull(model, term, all, pairs, r):
    """Of sums over distances, (F'_i f'_j + F'_j f'_i) r / |r|: half the time of the general way."""
    a, b, near, r = _ends(model, all, pairs, r)
    length = jnp.sqrt(dot(r, r))
    slope = lambda centre, kind: jax.jvp(
        lambda x: term.at_distance(model, x, centre, kind), (length,), (jnp.ones_like(length),)
    )
    shown = lambda x: jnp.where(near, x, 0.0)
    found = jax.tree.map(shown, (slope(a, b), slope(b, a)))
    (forth, forth_slope), (back, back_slope) = found
    zero = jnp.zeros(len(all.kind))
    sums = add_rows(add_rows(zero, pairs.i, forth), pairs.j, back)
    first = jax.grad(lambda s: jnp.sum(term.of(model, s, all.kind)))(sums)
    # A sum into rows is stored. Else XLA works F' out anew for every pair: four times as long.
    first = add_rows(zero, jnp.arange(len(zero)), first)
    along = take(first, pairs.i) * forth_slope + take(first, pairs.j) * back_slope
    return (along / length)[:, None] * r


def _of_sums(model, sums, all, pairs, near, r, a, b):
    forth, back = sums.at(model, r, a, b), sums.at(model, -r, b, a)
    shown = lambda x: jnp.where(near.reshape(-1, *[1] * (x.ndim - 1)), x, 0.0)

    def gathered(forth, back):
        zero = jnp.zeros((len(all.kind), *forth.shape[1:]))
        return add_rows(add_rows(zero, pairs.i, shown(forth)), pairs.j, shown(back))

    return sums.of(model, jax.tree.map(gathered, forth, back), all.kind)


def room_for(pairs, particles):
    """Neighbours of a particle to make room for where there is room for so many pairs."""
    return math.ceil(CROWD * 2 * pairs / particles) + FEW


def crowded(model, i, j, particles):
    """Whether a list has more pairs of a particle than a table of its neighbours has room for,
    where terms need one: NaN would be their energy.
    """
    if all(isinstance(term, Sums) or term.sums is not None for term in model.terms):
        return jnp.bool_(False)
    one = (i != j).astype(jnp.int32)
    count = add_rows(add_rows(jnp.zeros(particles, jnp.int32), i, one), j, one)
    return jnp.max(count) > room_for(len(i), particles)


def around(i, j, valid, particles, room):
    """The pairs of every particle, (particles, room): the row of the list, plus the length of the
    list where the particle is the second of the pair; and which entries hold one.

    Returns:
        entry, held, and the largest number of pairs of a particle, more than the room if some were
        left out.
    """
    count = len(i)
    centre = jnp.where(jnp.concatenate([valid, valid]), jnp.concatenate([i, j]), particles)
    bits = max(1, (2 * count - 1).bit_length())
    key = jnp.sort((centre.astype(jnp.int64) << bits) | jnp.arange(2 * count))
    centre, entry = (key >> bits).astype(jnp.int32), (key & ((1 << bits) - 1)).astype(jnp.int32)
    first = jnp.searchsorted(centre, jnp.arange(particles + 1, dtype=jnp.int32))
    slot = first[:-1, None] + jnp.arange(room)
    held = slot < first[1:, None]
    return (
        jnp.where(held, entry[jnp.minimum(slot, 2 * count - 1)], 0),
        held,
        jnp.max(jnp.diff(first)),
    )


def couples(room):
    """Every two of so many neighbours, two static index tables."""
    pairs = [(a, b) for a in range(room) for b in range(a + 1, room)]
    return tuple(jnp.asarray(k, jnp.int32) for k in zip(*pairs, strict=True))


def _of_triples(model, term, all, pairs, near, r):
    """NaN where a particle has more neighbours than there is room for."""
    n, size = len(all.kind), len(pairs.i)
    room = room_for(size, n)
    entry, held, most = around(pairs.i, pairs.j, near, n, room)
    row, back = entry % size, entry >= size
    other = jnp.where(back, take(pairs.i, row), take(pairs.j, row))
    turned = jnp.where(back[..., None], -r[row], r[row])
    turned = within(jnp.max(model.end), held, turned)[1]
    first, second = couples(room)
    kind = lambda k: take(all.kind, other[:, k])
    centre = jnp.broadcast_to(all.kind[:, None], (n, len(first)))
    arms = (turned[:, first], turned[:, second])
    flat = lambda a: a.reshape(-1, *a.shape[2:])
    energy = term.at(model, *map(flat, (*arms, centre, kind(first), kind(second))))
    shown = held[:, first] & held[:, second]
    total = jnp.sum(jnp.where(shown, energy.reshape(n, -1), 0.0), axis=1)
    return jnp.where(most > room, jnp.nan, total)
