"""A Hessian by itself: expansions made of a matrix, and matrices made of an expansion.

A pseudo-harmonic mode needs only the Hessian and the pairs that interact, so a matrix from any
program will do.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import finite, float64, integer
from ..core.struct import Struct
from ..system.bonds import Bonds
from .contract import need
from .ordering import graph_coordinates
from .shared import OfBlocks, OfBonds

# Of entries over the largest one: matrices come from other programs and through files, and single
# precision is refused.
ROUNDING = 1e-8


class HessianExpansion(OfBlocks, OfBonds, Struct):
    """Second derivatives only: blocks of a symmetric matrix and the pairs that count as bonds.

    Attributes:
        own: (n, d, d), blocks M_ii.
        coupling: (m, d, d), blocks M_ij of the pairs.
        pairs: Bonds, all pairs of the matrix; those that count as bonds come first.
        bonds: Bonds.
        place: (n, d), coordinates between 0 and 1 by which the direct engine orders particles.
        position: (n, d), zeros: a matrix does not know where its particles are.
        status: bits.
    """

    has = frozenset({"bonds", "blocks"})
    kind = "a Hessian without its energy, from from_hessian"

    own: Array
    coupling: Array
    pairs: Bonds
    bonds: Bonds
    place: Array
    position: Array
    status: Array

    @property
    def likely(self) -> int:
        """How many pairs the direct engine should expect."""
        return self.pairs.capacity


def from_hessian(matrix, dim: int, *, pairs=None, position=None) -> HessianExpansion:
    """An expansion that holds nothing but a Hessian.

    It serves ``pseudo_harmonic_mode``, ``lowest_modes``, ``solve``, ``factorise`` and
    ``log_determinant``.

    Args:
        matrix: symmetric (n d, n d), SciPy sparse or dense, coordinates of a particle next to each
            other.
        dim: d.
        pairs: (b, 2) interacting particles; by default those whose block of the matrix is not zero.
        position: (n, d), where the particles are, by which the direct engine orders them; by
            default steps along the graph of the matrix serve.

    Returns:
        HessianExpansion.

    Example:
        >>> chain = np.array([[1.0, -1, 0], [-1, 2, -1], [0, -1, 1]])
        >>> e = jg.from_hessian(np.kron(chain, np.eye(2)), 2)
        >>> round(float(jg.lowest_modes(e, 1).frequency[0]), 12)
        1.0
    """
    dim = integer("dim", dim, at_least=1)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] % dim:
        raise ValueError(
            f"matrix must be square with a multiple of dim = {dim} rows, found shape {matrix.shape}"
        )
    n = matrix.shape[0] // dim
    row, column, block = _blocks(matrix, n, dim)
    if not np.isfinite(block).all():
        raise ValueError("matrix must be finite, found entries that are not")
    _refuse_asymmetric(row, column, block, n)
    _refuse_pinned(row, block, n, dim)
    above = (row < column) & np.any(block != 0, axis=(1, 2))
    i, j, coupling = row[above], column[above], block[above]
    own = np.zeros((n, dim, dim))
    own[row[row == column]] = block[row == column]
    if pairs is None:
        bonds = len(i)
    else:
        pairs = _checked(pairs, n)
        bonds = len(pairs)
        i, j, coupling = _bonds_first(pairs, i, j, coupling, n)
    place = graph_coordinates(n, i, j, dim) if position is None else position
    every = Bonds(jnp.asarray(i), jnp.asarray(j), jnp.ones(len(i), bool))
    return HessianExpansion(
        float64("matrix", own),
        float64("matrix", coupling),
        every,
        jax.tree.map(lambda a: a[:bonds], every),
        jnp.asarray(_between_0_and_1(place, (n, dim))),
        jnp.zeros((n, dim)),
        jnp.int32(0),
    )


def _between_0_and_1(position, shape):
    finite("position", position)
    place = np.asarray(position, float)
    if place.shape != shape:
        raise ValueError(f"position must have shape {shape}, found {place.shape}")
    extent = place.max(axis=0) - place.min(axis=0)
    return (place - place.min(axis=0)) / np.where(extent > 0, extent, 1.0)


def _checked(pairs, n):
    pairs = np.asarray(pairs)
    if (
        pairs.ndim != 2
        or pairs.shape[1] != 2
        or pairs.size == 0
        or pairs.min() < 0
        or pairs.max() >= n
    ):
        raise ValueError(
            f"pairs must be (b, 2) particle numbers below {n}, found shape {pairs.shape}"
        )
    apart = np.sort(pairs, axis=1)
    if np.any(apart[:, 0] == apart[:, 1]) or len(np.unique(apart, axis=0)) < len(apart):
        raise ValueError("pairs must be of two particles each, none twice, found others")
    return pairs


def _bonds_first(pairs, i, j, coupling, n):
    """All pairs of the matrix, those given first and in their own direction."""
    key = np.minimum(*pairs.T) * n + np.maximum(*pairs.T)
    rest = ~np.isin(i * n + j, key)
    at = np.minimum(np.searchsorted(i * n + j, key), max(len(i) - 1, 0))
    known = (i * n + j)[at] == key if len(i) else np.zeros(len(key), bool)
    first = np.where(known[:, None, None], coupling[at], 0.0)
    turned = pairs[:, 0] > pairs[:, 1]
    first = np.where(turned[:, None, None], np.swapaxes(first, 1, 2), first)
    join = lambda a, b: np.concatenate([a, b[rest]])
    return join(pairs[:, 0], i), join(pairs[:, 1], j), join(first, coupling)


def _refuse_asymmetric(row, column, block, n):
    """Blocks come sorted by (row, column): the mirror image of each is looked up there."""
    here, there = row * n + column, column * n + row
    mirror = np.minimum(np.searchsorted(here, there), len(here) - 1)
    image = np.where((here[mirror] == there)[:, None, None], block[mirror], 0.0)
    gap = np.abs(block - np.swapaxes(image, 1, 2)).max()
    if gap > ROUNDING * np.abs(block).max():
        raise ValueError(
            f"matrix must be symmetric, found entries that differ by {gap:.3g} "
            "from their mirror images"
        )


def _refuse_pinned(row, block, n, dim):
    """A Hessian of particles that only see each other does not feel a translation."""
    pull = np.zeros((n, dim, dim))
    np.add.at(pull, row, block)
    worst = np.abs(pull).max()
    if worst > ROUNDING * np.abs(block).max():
        raise ValueError(
            f"matrix must not feel a translation, but its rows sum to as much as {worst:.3g} over "
            f"the particles; is dim = {dim} right, and does nothing hold the particles in place?"
        )


def _blocks(matrix, n, dim):
    """Rows, columns and values of the blocks that hold anything."""
    if hasattr(matrix, "tocoo"):
        entries = matrix.tocoo()
        i, j, value = np.asarray(entries.row), np.asarray(entries.col), np.asarray(entries.data)
    else:
        matrix = np.asarray(matrix)
        i, j = np.nonzero(matrix)
        value = matrix[i, j]
    place, inverse = np.unique((i // dim).astype(np.int64) * n + j // dim, return_inverse=True)
    block = np.zeros((len(place), dim, dim))
    np.add.at(block, (inverse, i % dim, j % dim), value)
    return place // n, place % n, block


def to_scipy(e) -> Any:
    """The Hessian of an expansion that holds it in blocks, as a SciPy CSR matrix (n d, n d).

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> jg.to_scipy(e).shape
        (4, 4)
    """
    import scipy.sparse

    need("to_scipy", e, "blocks")
    valid = np.asarray(e.pairs.valid)
    own, coupling = map(np.asarray, e.blocks)
    i, j, k = (np.asarray(a)[valid] for a in (e.pairs.i, e.pairs.j, coupling))
    n, d = e.position.shape
    axis, every = np.arange(d), np.arange(n)
    entries = []
    for p, q, block in ((every, every, own), (i, j, k), (j, i, np.swapaxes(k, 1, 2))):
        rows = np.broadcast_to(p[:, None, None] * d + axis[:, None], block.shape)
        columns = np.broadcast_to(q[:, None, None] * d + axis, block.shape)
        entries.append((rows.ravel(), columns.ravel(), block.ravel()))
    rows, columns, values = map(np.concatenate, zip(*entries, strict=True))
    return scipy.sparse.csr_matrix((values, (rows, columns)), shape=(n * d, n * d))
