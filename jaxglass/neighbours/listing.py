"""A list of pairs for particles that move, and the forces along it."""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import add_rows, dot, take
from ..core.samples import one_by_one
from ..core.struct import Struct
from ..models.manybody.model import is_many
from ..models.pair import Scales, scales_of, slope_of, value_of
from ..system.bonds import Bonds
from .cells import nearest, of_sample, square
from .clusters import chunks_of
from .many import pull, separations, term_energies


class PairList(Struct):
    """Pairs of particles of one or many samples, with what forces depend on besides positions.

    Attributes:
        i, j: (c,), numbers over all samples, i = j where padded.
        metric: (c,) each, of the cell of the pair's sample; empty where all have one cell.
        inverse: (c,), 1 / sigma^2.
        strength: (c,), 2 epsilon / sigma^2.
        scales: Scales of the pairs.
        found: pairs in use, the first of the list.
    """

    i: Array
    j: Array
    metric: tuple
    inverse: Array
    strength: Array
    scales: Scales
    found: Array

    @property
    def bonds(self):
        """The same pairs as Bonds."""
        return Bonds(self.i, self.j, self.i != self.j)


def with_scales(model, all, i, j, found):
    """The PairList of pairs i, j of an Assembly."""
    scales = scales_of(model, take(all.kind, i), take(all.kind, j))
    inverse = 1 / (scales.sigma * scales.sigma)
    one = len(all.cell) == 1
    metric = () if one else tuple(of_sample(all.cells.metric, i // all.n))
    return PairList(i, j, metric, inverse, 2 * scales.epsilon * inverse, scales, found)


def pairs_of(model, all, bonds):
    """The PairList of Bonds (s, c) of the samples of an Assembly."""
    first = all.n * jnp.arange(all.samples, dtype=jnp.int32)[:, None]
    spread = jnp.arange(bonds.i.size, dtype=jnp.int32) % len(all.kind)
    ends = [jnp.where(bonds.valid, k + first, 0).reshape(-1) for k in (bonds.i, bonds.j)]
    i, j = (jnp.where(bonds.valid.reshape(-1), k, spread) for k in ends)
    return with_scales(model, all, i, j, jnp.int32(i.size))


def forces(model, all, pairs, position):
    """Forces (s, n, d) on the particles of an Assembly at positions (s, n, d)."""
    force = _pair_forces(model, all, pairs, position)
    if not is_many(model):
        return force
    pulled, _ = pull(model, all, pairs, position)
    dim = pulled.shape[1]
    rows = jax.lax.optimization_barrier(jnp.pad(pulled, ((0, 0), (0, dim % 2))))
    zero = jnp.zeros((len(all.kind), rows.shape[1]))
    of_terms = add_rows(zero, pairs.i, rows) - add_rows(zero, pairs.j, rows)
    return force + of_terms[:, :dim].reshape(force.shape)


def _pair_forces(model, all, pairs, position):
    """Forces (s, n, d) on the particles of an Assembly at positions (s, n, d).

    A pair pulls along its separation, so that fractional components serve until the end. CPUs go
    chunk by chunk, as far as there are pairs.

    Args:
        model: settled model.
        all: Assembly.
        pairs: PairList of a ``chunked`` capacity.
        position: (s, n, d).
    """
    place = all.place(position)
    dim = place.shape[1]
    if not one_by_one():
        pull = _pulls(model, all, pairs, take(place, pairs.j) - take(place, pairs.i))
        zero = jnp.zeros_like(place)
        return all.real(add_rows(zero, pairs.i, pull) - add_rows(zero, pairs.j, pull))
    rows = jnp.pad(place, ((0, 0), (0, dim % 2)))  # rows of three are read slowly
    capacity = len(pairs.i)
    chunks = chunks_of(capacity, dim)
    size = capacity // chunks
    cut = lambda leaf: leaf.reshape(chunks, size) if jnp.shape(leaf) == (capacity,) else leaf
    table = jax.tree.map(cut, pairs.replace(found=None))
    of = lambda part, r: _pulls(model, all, part, r)
    nothing = lambda part, r: jnp.zeros_like(r)

    def add(at, sums):
        piece = lambda leaf: leaf[at] if jnp.shape(leaf) == (chunks, size) else leaf
        part = jax.tree.map(piece, table)
        r = take(rows, part.j) - take(rows, part.i)
        # What enters a branch is stored once: rows are not read again for every use.
        pull = jax.lax.cond(at * size < pairs.found, of, nothing, part, r)
        return add_rows(sums[0], part.i, pull), add_rows(sums[1], part.j, pull)

    zero = jnp.zeros_like(rows)
    used = jnp.minimum(-(-pairs.found // size), chunks)
    here, there = jax.lax.fori_loop(0, used, add, (zero, zero))
    return all.real((here - there)[:, :dim])


def potential(model, all, pairs, position):
    """Potential energies (s,) of the samples of an Assembly at positions (s, n, d)."""
    t = _reduced(all, pairs, position)
    energy = all.total(value_of(model)(t, pairs.scales, pairs.i != pairs.j), pairs.i)
    if not is_many(model):
        return energy
    of_terms = term_energies(model, all, pairs, separations(all, pairs, position))
    return energy + jnp.sum(of_terms.reshape(all.samples, -1), axis=1)


def virial(model, all, pairs, position):
    """Sums over pairs of separation times force, (s,): d V times the pressure without motion."""
    t = _reduced(all, pairs, position)
    slope = slope_of(model)(t, pairs.scales, pairs.i != pairs.j)
    work = -2 * pairs.scales.epsilon * t * slope
    if is_many(model):
        pulled, r = pull(model, all, pairs, position)
        work = work - dot(pulled, r)
    return all.total(work, pairs.i)


def _reduced(all, pairs, position):
    """(r / sigma)^2 of the pairs."""
    place = all.place(position)
    r = nearest(take(place, pairs.j) - take(place, pairs.i))
    components = [r[:, a] for a in range(place.shape[1])]
    return square(components, pairs.metric or list(all.cells.metric[0])) * pairs.inverse


def _pulls(model, all, pairs, r):
    r = nearest(r)
    components = [r[:, a] for a in range(all.cell.shape[-1])]
    t = square(components, pairs.metric or list(all.cells.metric[0])) * pairs.inverse
    return (pairs.strength * slope_of(model)(t, pairs.scales, pairs.i != pairs.j))[:, None] * r
