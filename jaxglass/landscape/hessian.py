"""A Hessian by itself: expansions made of a matrix, and matrices made of an expansion.

A pseudo-harmonic mode needs only the Hessian and the pairs that interact, so a matrix from any program will do.
"""

import jax.numpy as jnp
import numpy as np

from ..core.checks import float64, integer
from ..core.struct import struct
from ..system.bonds import Bonds, difference, scatter
from .contractions import Coefficients, participation, stiffness
from .expansion import Expansion


@struct
class HessianExpansion:
    """Second derivatives only: blocks of a symmetric matrix and the pairs that count as bonds.

    Attributes:
        row, column: (m,), particles of each block.
        block: (m, d, d).
        bonds: Bonds.
        reference: (n, d), zeros: there are no positions.
        status: bits.
    """

    row: object
    column: object
    block: object
    bonds: Bonds
    reference: object
    status: object

    @property
    def position(self):
        return self.reference

    @property
    def count(self):
        return self.reference.shape[-2]

    def difference(self, z):
        return difference(self.bonds, z)

    def scatter(self, per_bond):
        return scatter(self.bonds, per_bond, self.count)

    def second(self, z):
        """M z."""
        return (
            jnp.zeros_like(z).at[self.row].add(jnp.einsum("bxy,by->bx", self.block, z[self.column]))
        )

    def coefficients(self, z):
        """Stiffness and participation; the third and fourth derivatives are unknown, NaN."""
        return Coefficients(stiffness(self, z), jnp.nan, jnp.nan, participation(z))


def from_hessian(matrix, dim, *, pairs=None):
    """An expansion that holds nothing but a Hessian, for ``pseudo_harmonic_mode``, ``lowest_modes`` and ``solve``.

    Args:
        matrix: symmetric (n d, n d), SciPy sparse or dense, coordinates of a particle next to each other.
        dim: d.
        pairs: (b, 2) interacting particles; by default those whose block of the matrix is not zero.

    Returns:
        HessianExpansion.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import numpy as np, jaxglass as jg
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
    _refuse_asymmetric(row, column, block)
    if pairs is None:
        above = (row < column) & np.any(block != 0, axis=(1, 2))
        pairs = np.stack([row[above], column[above]], axis=1)
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
    bonds = Bonds(jnp.asarray(pairs[:, 0]), jnp.asarray(pairs[:, 1]), jnp.ones(len(pairs), bool))
    return HessianExpansion(
        jnp.asarray(row),
        jnp.asarray(column),
        float64("matrix", block),
        bonds,
        jnp.zeros((n, dim)),
        jnp.int32(0),
    )


def _refuse_asymmetric(row, column, block):
    place = {pair: k for k, pair in enumerate(zip(row.tolist(), column.tolist(), strict=True))}
    mirror = np.array([place.get((j, i), -1) for i, j in place])
    zero = np.zeros((1, *block.shape[1:]))
    gap = np.abs(block - np.swapaxes(np.concatenate([block, zero])[mirror], 1, 2)).max()
    if gap > 1e-8 * np.abs(block).max():
        raise ValueError(
            f"matrix must be symmetric, found entries that differ by {gap:.3g} from their mirror images"
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


def to_scipy(e):
    """The Hessian of an expansion with bonds as a SciPy CSR matrix (n d, n d).

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> jg.to_scipy(e).shape
        (4, 4)
    """
    import scipy.sparse

    if not isinstance(e, Expansion):
        raise TypeError(f"e must be an Expansion with bonds, found {type(e).__name__}")
    valid = np.asarray(e.bonds.valid)
    i, j, k = (np.asarray(a)[valid] for a in (e.bonds.i, e.bonds.j, e.stiffness))
    n, d = e.position.shape
    axis = np.arange(d)
    entries = []
    for p, q, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
        rows = np.broadcast_to(p[:, None, None] * d + axis[:, None], k.shape)
        columns = np.broadcast_to(q[:, None, None] * d + axis, k.shape)
        entries.append((rows.ravel(), columns.ravel(), (sign * k).ravel()))
    rows, columns, values = map(np.concatenate, zip(*entries, strict=True))
    return scipy.sparse.csr_matrix((values, (rows, columns)), shape=(n * d, n * d))
