"""Many glasses of as many particles each, moved as one system.

Particle p of sample s is s n + p, and every pair stays within its sample: what is done pair by pair
works on long arrays however small the samples are.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.samples import looped, one_by_one
from ..core.struct import Struct, static
from ..models.pair import kinds
from ..system.box import inverse
from .cells import Cells, cells_of


class Assembly(Struct):
    """What does not change while the particles move.

    Attributes:
        cell: (s, d, d), or (1, d, d) for all samples.
        cells: Cells of these.
        kind: (s n,), species or diameters.
        samples: s.
    """

    cell: Array
    cells: Cells
    kind: Array
    samples: int = static()

    @property
    def n(self):
        """Particles of a sample."""
        return len(self.kind) // self.samples

    def place(self, position):
        """Fractional coordinates (s n, d) of positions (s, n, d)."""
        return _mapped(inverse(self.cell), position).reshape(-1, position.shape[-1])

    def real(self, components):
        """Vectors (s, n, d) of fractional components (s n, d)."""
        dim = components.shape[-1]
        return _mapped(self.cell, components.reshape(self.samples, -1, dim))

    def total(self, per_pair, i):
        """Sums (s,) over the pairs of every sample, i their first particles."""
        if self.samples == 1:
            return jnp.sum(per_pair)[None]
        return jax.ops.segment_sum(per_pair, i // self.n, self.samples)


def _mapped(matrix, rows):
    """A row (s, n, d) by the matrix of its sample; written out, for XLA on CPUs does not fuse
    products of matrices this small: they took a tenth of the forces.
    """
    return sum(matrix[:, None, :, a] * rows[..., a, None] for a in range(rows.shape[-1]))


def assembly_of(model, glasses):
    """The Assembly of a stacked Glass; the box may be one for all."""
    samples = glasses.position.shape[0]
    cell = glasses.box.cell
    cell = cell if cell.ndim == 3 else cell[None]
    kind = kinds(model, glasses).reshape(-1)
    if model.sigma is not None:  # rows of tables are read without a look at their bounds
        kind = jnp.clip(kind, 0, len(model.sigma) - 1)
    return Assembly(cell, cells_of(cell, glasses.box.orthogonal), kind, samples)


def over_samples(function):
    """Makes a function of single glasses of one of stacked ones: under vmap samples join those that
    are there, as many times as vmap is applied; on CPUs one follows the other.

    Args:
        function: of (model, glasses, *rest) with a leading axis of samples on all but the model;
            the cell of the box may come without.
    """

    @jax.custom_batching.custom_vmap
    def stacked(model, glasses, *rest):
        return function(model, glasses, *rest)

    @stacked.def_vmap
    def rule(size, batched, model, *rest):
        if any(jax.tree.leaves(batched[0])) or one_by_one():
            result = looped(stacked, size, batched, (model, *rest))
            return result, jax.tree.map(lambda _: True, result)
        samples = rest[0].position.shape[1 if batched[1].position else 0]
        every = jax.tree.map(lambda a, b: a if b else _repeated(a, size), rest, tuple(batched[1:]))
        joined = jax.tree.map(lambda a: a.reshape(size * samples, *a.shape[2:]), every)
        result = stacked(model, *joined)
        parted = jax.tree.map(lambda a: a.reshape(size, samples, *a.shape[1:]), result)
        return parted, jax.tree.map(lambda _: True, parted)

    @functools.wraps(function)
    def single(model, *rest):
        result = stacked(model, *jax.tree.map(lambda a: a[None], rest))
        return jax.tree.map(lambda a: a[0], result)

    return single


def _repeated(a, size):
    return jnp.broadcast_to(a, (size, *jnp.shape(a)))
