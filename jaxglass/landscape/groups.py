"""Groups of terms of more than two particles, with their derivatives.

A term has a centre and m others and depends on the separations r_a (m, d) from the one to the
others. With (D z)_a = z_a - z_centre and derivatives of e by r,

    second   D^T (e'' : D z)         third   D^T (e''' : D a, D b)        fourth   likewise

which automatic differentiation gives term by term, whatever the energy.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct, static
from ..models.manybody.model import ManyBodyEnergy
from ..system.bonds import Bonds

COLUMNS = 16  # fields that are contracted together
BLOCK = 4_000_000  # numbers of the blocks of M^-1 that terms see at a time: 32 MB


class Terms(Struct):
    """Terms of one kind.

    Attributes:
        model: settled model.
        particle: (t, m + 1), the centre first.
        species: (t, m + 1).
        separation: (t, m, d), harmless where nothing is held.
        held: (t, m), which others are there; a triple holds both or none.
        term: the kind, Triples or Sums.
    """

    model: ManyBodyEnergy
    particle: Array
    species: Array
    separation: Array
    held: Array
    term: Any = static()

    def energies(self, r: Array) -> Array:
        """Energies (t,) at other separations."""
        raise NotImplementedError

    def contracted(self, r: Array, block: Array) -> Array:
        """e'' : block, (t,)."""
        raise NotImplementedError

    def add_blocks(self, own: Array, coupling: Array, pairs: Bonds) -> tuple[Array, Array]:
        """Blocks M_ii of particles and M_ij of pairs, with those of these terms."""
        raise NotImplementedError

    @property
    def valid(self) -> Array:
        """(t,)."""
        return jnp.any(self.held, axis=1)

    @property
    def energy(self) -> Array:
        """Energy of every term, (t,)."""
        return self.energies(self.separation)

    @property
    def force(self) -> Array:
        """d e / d r of every term, (t, m, d)."""
        return self.slopes(self.separation)

    @property
    def pull(self) -> Array:
        """The same, zero where nothing is held."""
        return jnp.where(self.held[..., None], self.force, 0.0)

    def slopes(self, r: Array) -> Array:
        """The same at other separations."""
        return jax.grad(lambda r: jnp.sum(self.energies(r)))(r)

    def difference(self, z: Array) -> Array:
        """z_a - z_centre, (t, m, d) or (t, m, d, c)."""
        return z[self.particle[:, 1:]] - z[self.particle[:, :1]]

    def scatter(self, rows: Array, count: int) -> Array:
        """Transpose of ``difference``."""
        shown = jnp.where(self.held.reshape(*self.held.shape, *[1] * (rows.ndim - 2)), rows, 0.0)
        zero = jnp.zeros((count, *rows.shape[2:]))
        total = zero.at[self.particle[:, 1:]].add(shown)
        return total.at[self.particle[:, 0]].add(-jnp.sum(shown, axis=1))

    def particle_sum(self, value: Array, count: int) -> Array:
        """Sum of a quantity of terms (t,) over those that each particle takes part in, (n,)."""
        value = jnp.where(self.valid, value, 0.0)
        shown = jnp.where(self.held, value[:, None], 0.0)
        total = jnp.zeros(count).at[self.particle[:, 0]].add(value)
        return total.at[self.particle[:, 1:]].add(shown)

    @property
    def middle(self) -> Array:
        """Of the particles of every term, seen from its centre, (t, d)."""
        shown = jnp.where(self.held[..., None], self.separation, 0.0)
        others = jnp.sum(self.held, axis=1, keepdims=True)
        return jnp.sum(shown, axis=1) / (1 + others)

    def second(self, w: Array) -> Array:
        """e'' : w."""
        return _by_columns(lambda w: self._along(w), w)

    def third(self, a: Array, b: Array) -> Array:
        """e''' : a b."""
        return _by_columns(lambda a, b: self._along(a, b), a, b)

    def fourth(self, w: Array) -> Array:
        """e'''' : w w w."""
        return _by_columns(lambda w: self._along(w, w, w), w)

    def _along(self, *fields):
        function = self.slopes
        for w in fields:
            function = functools.partial(_change, function, w)
        return function(self.separation)

    def seen(self, between) -> tuple[Array, Array]:
        """e'' : B of every term and e''' : B (t, m, d), with B = D M^-1 D^T the block of M^-1 that
        the term sees.

        Args:
            between: function of particles p, q, arrays of one shape, -> blocks of M^-1 (..., d, d).
        """
        size = self.separation.shape[1] * self.separation.shape[2]
        batch = max(1, min(len(self.particle), BLOCK // size**2))
        rows = self.particle, self.species, self.separation, self.held

        def one(row):
            names = "particle", "species", "separation", "held"
            part = self.replace(**{k: a[None] for k, a in zip(names, row, strict=True)})
            block = part.block(between)
            curvature = lambda r: jnp.sum(part.contracted(r, block))
            value, slope = jax.value_and_grad(curvature)(part.separation)
            return value, slope[0]

        return jax.lax.map(one, rows, batch_size=batch)

    def block(self, between) -> Array:
        """B of every term, (t, m, d, m, d), zero where nothing is held."""
        p = self.particle
        every = between(p[:, :, None], p[:, None, :])  # (t, m + 1, m + 1, d, d)
        seen = every[:, 1:, 1:] - every[:, 1:, :1] - every[:, :1, 1:] + every[:, :1, :1]
        both = self.held[:, :, None] & self.held[:, None, :]
        return jnp.moveaxis(jnp.where(both[..., None, None], seen, 0.0), 3, 2)


class TripleTerms(Terms):
    """Of a particle and two of its neighbours.

    Attributes:
        place: (t, 3), of the pairs centre-first, centre-second, first-second among all that share a
            term.
    """

    place: Array

    @property
    def size(self) -> int:
        """Room for terms."""
        return len(self.particle)

    def padded(self, size: int, at: int, extra: int) -> "TripleTerms":
        """With room for so many terms, where so many pairs have come in before one."""
        place = jnp.where(self.place < at, self.place, self.place + extra)
        more = size - self.size
        # rows that repeat the last term hold nothing
        wide = lambda a: jnp.pad(a, ((0, more), *[(0, 0)] * (a.ndim - 1)), mode="edge")
        e = self.replace(place=place).mapped(wide)
        return e.replace(held=e.held.at[self.size :].set(False))

    def mapped(self, function) -> "TripleTerms":
        """With a function of arrays applied to what there is for every term."""
        names = "particle", "species", "separation", "held", "place"
        return self.replace(**{name: function(getattr(self, name)) for name in names})

    def rows(self, kept) -> "TripleTerms":
        """Some of the terms."""
        return self.mapped(lambda a: a[kept])

    @property
    def stiffness(self) -> Array:
        """e'' of every term, (t, 2, d, 2, d)."""
        m, d = self.separation.shape[1:]
        unit = jnp.eye(m * d).reshape(m, d, m, d)
        columns = [
            self._along(jnp.broadcast_to(unit[:, :, a, x], self.separation.shape))
            for a in range(m)
            for x in range(d)
        ]
        return jnp.stack(columns, axis=-1).reshape(-1, m, d, m, d)

    def add_blocks(self, own: Array, coupling: Array, pairs: Bonds) -> tuple[Array, Array]:
        """Blocks M_ii of particles and M_ij of pairs, with those of these terms."""
        h = jnp.where(self.valid[:, None, None, None, None], self.stiffness, 0.0)
        p = self.particle
        own = own.at[p[:, 0]].add(jnp.sum(h, axis=(1, 3)))
        for a in (1, 2):
            own = own.at[p[:, a]].add(h[:, a - 1, :, a - 1])
        cross = -jnp.sum(h[:, :, :, 0], axis=1), -jnp.sum(h[:, :, :, 1], axis=1), h[:, 0, :, 1]
        for k, (a, block) in enumerate(zip((0, 0, 1), cross, strict=True)):
            turned = (p[:, a] != pairs.i[self.place[:, k]])[:, None, None]
            block = jnp.where(turned, jnp.swapaxes(block, 1, 2), block)
            coupling = coupling.at[self.place[:, k]].add(block)
        return own, coupling

    def energies(self, r: Array) -> Array:
        """Energies (t,) at other separations."""
        kinds = self.species
        energy = self.term.at(self.model, r[:, 0], r[:, 1], kinds[:, 0], kinds[:, 1], kinds[:, 2])
        return jnp.where(self.valid, energy, 0.0)

    def contracted(self, r: Array, block: Array) -> Array:
        """e'' : block, (t,)."""
        m, d = r.shape[1:]
        total = jnp.zeros(len(r))
        for a in range(m):
            for x in range(d):
                total += _change(self.slopes, block[:, :, :, a, x], r)[:, a, x]
        return total


class SumTerms(Terms):
    """Of a particle and all of its neighbours: F(sum_a f(r_a)), with q sums.

    Attributes:
        slope: (t, m, d, q), f'.
        bend: (t, m, d, d), F' f''.
        curvature: (t, q, q), F''.
    """

    slope: Array
    bend: Array
    curvature: Array

    @property
    def size(self) -> int:
        """Room for neighbours."""
        return self.held.shape[1]

    def padded(self, size: int, at: int, extra: int) -> "SumTerms":
        """With room for so many neighbours."""
        more = size - self.size
        # columns that repeat the last neighbour hold nothing
        wide = lambda a: jnp.pad(a, ((0, 0), (0, more), *[(0, 0)] * (a.ndim - 2)), mode="edge")
        zero = lambda a: jnp.pad(a, ((0, 0), (0, more), *[(0, 0)] * (a.ndim - 2)))
        return self.replace(
            **{k: wide(getattr(self, k)) for k in ("particle", "species", "separation")},
            **{k: zero(getattr(self, k)) for k in ("held", "slope", "bend")},
        )

    def columns(self, most: int) -> "SumTerms":
        """With room for fewer neighbours."""
        return self.replace(
            particle=self.particle[:, : most + 1],
            species=self.species[:, : most + 1],
            **{k: getattr(self, k)[:, :most] for k in ("separation", "held", "slope", "bend")},
        )

    def second(self, w: Array) -> Array:
        """e'' : w = F' f'' w + f' F'' (f' w)."""
        bent = jnp.einsum("taxy,tay...->tax...", self.bend, w)
        sums = jnp.einsum("taxq,tax...->tq...", self.slope, w)
        change = jnp.einsum("tpq,tq...->tp...", self.curvature, sums)
        return bent + jnp.einsum("taxp,tp...->tax...", self.slope, change)

    def add_blocks(self, own: Array, coupling: Array, pairs: Bonds) -> tuple[Array, Array]:
        """Blocks M_ii of particles and M_ij of pairs, with those of these terms.

        By way of the whole matrix, which is nearly full: each particle is coupled to hundreds.
        """
        (t, _, d, q), n = self.slope.shape, len(own)
        term, p = jnp.arange(t), self.particle
        # D^T f' of every term, (n, t, d, q)
        seen = jnp.zeros((n, t, d, q)).at[p[:, 1:], term[:, None]].add(self.slope)
        seen = seen.at[p[:, 0], term].add(-jnp.sum(self.slope, axis=1))
        curved = jnp.einsum("itxp,tpq->itxq", seen, self.curvature)
        whole = jnp.einsum("itxq,jtyq->ijxy", curved, seen)
        whole = whole.at[p[:, :1], p[:, 1:]].add(-self.bend).at[p[:, 1:], p[:, :1]].add(-self.bend)
        own = own + jnp.einsum("iixy->ixy", whole)
        own = own.at[p[:, 1:]].add(self.bend).at[p[:, 0]].add(jnp.sum(self.bend, axis=1))
        valid = pairs.valid[:, None, None]
        return own, coupling + jnp.where(valid, whole[pairs.i, pairs.j], 0.0)

    def energies(self, r: Array) -> Array:
        """Energies (t,) at other separations."""
        return self._of(jnp.sum(self._given(r), axis=1))

    def contracted(self, r: Array, block: Array) -> Array:
        """e'' : block, (t,): with v = df/dr and one-neighbour curvatures f'',

        F'' : (v.B.v) + F' sum_a f''_a : B_aa.
        """
        own = jnp.einsum("taxay->taxy", block)
        bend = jnp.zeros(())
        for x in range(r.shape[2]):
            once = functools.partial(_change, self._given, own[:, :, x])
            bend += jnp.sum(_change(once, _axis(r, x), r), axis=1)
        slope, (first, curvature) = self.slopes_of_sums(r), self.curvatures(r)
        spread = jnp.einsum("taxp,taxby,tbyq->tpq", slope, block, slope)
        return jnp.sum(first * bend, axis=1) + jnp.einsum("tpq,tpq->t", curvature, spread)

    def slopes_of_sums(self, r):
        """f', (t, m, d, q)."""
        return jnp.stack([_change(self._given, _axis(r, x), r) for x in range(r.shape[2])], axis=2)

    def curvatures(self, r):
        """F' and F'', (t, q) and (t, q, q)."""
        sums = jnp.sum(self._given(r), axis=1)
        first = jax.grad(lambda s: jnp.sum(self._of(s)))
        units = jnp.eye(sums.shape[1])
        second = [_change(first, jnp.broadcast_to(u, sums.shape), sums) for u in units]
        return first(sums), jnp.stack(second, axis=-1)

    def bends(self, r, first):
        """F' f'', (t, m, d, d)."""
        d = r.shape[2]
        rows = []
        for x in range(d):
            once = functools.partial(_change, self._given, _axis(r, x))
            second = [_change(once, _axis(r, y), r) for y in range(d)]
            rows.append(jnp.stack([jnp.einsum("taq,tq->ta", f, first) for f in second], axis=-1))
        return jnp.stack(rows, axis=2)

    def _given(self, r):
        """What every neighbour gives, in one row: (t, m, q), zero where none is held."""
        t, m, d = r.shape
        centre = jnp.broadcast_to(self.species[:, :1], (t, m)).reshape(-1)
        given = self.term.at(self.model, r.reshape(-1, d), centre, self.species[:, 1:].reshape(-1))
        flat = [leaf.reshape(t, m, -1) for leaf in jax.tree.leaves(given)]
        return jnp.where(self.held[..., None], jnp.concatenate(flat, axis=-1), 0.0)

    def _of(self, sums):
        """Energies of rows of sums (t, q)."""
        entry = jax.eval_shape(
            self.term.at,
            self.model,
            self.separation[:1, 0],
            self.species[:1, 0],
            self.species[:1, 0],
        )
        leaves, tree = jax.tree.flatten(entry)
        cuts = [math.prod(leaf.shape[1:]) for leaf in leaves]
        parts = jnp.split(sums, [sum(cuts[: k + 1]) for k in range(len(cuts) - 1)], axis=1)
        shaped = [
            part.reshape(-1, *leaf.shape[1:]) for part, leaf in zip(parts, leaves, strict=True)
        ]
        return self.term.of(self.model, jax.tree.unflatten(tree, shaped), self.species[:, 0])


def sum_terms(model, particle, species, separation, held, term) -> SumTerms:
    """The SumTerms with these neighbours."""
    nothing = jnp.zeros(())
    e = SumTerms(model, particle, species, separation, held, term, nothing, nothing, nothing)
    first, curvature = e.curvatures(separation)
    slope, bend = e.slopes_of_sums(separation), e.bends(separation, first)
    return e.replace(slope=slope, bend=bend, curvature=curvature)


def _axis(r, x):
    """The unit vector along an axis for every separation."""
    return jnp.broadcast_to(jnp.eye(r.shape[-1])[x], r.shape)


def _change(function, w, r):
    """The derivative of a function of r along w."""
    return jax.jvp(function, (r,), (w,))[1]


def _by_columns(contraction, *fields):
    """A contraction of (t, m, d), or of each of the columns (t, m, d, c)."""
    if fields[0].ndim == 3:
        return contraction(*fields)
    columns = tuple(jnp.moveaxis(w, -1, 0) for w in fields)
    found = jax.lax.map(lambda w: contraction(*w), columns, batch_size=COLUMNS)
    return jnp.moveaxis(found, 0, -1)
