"""A periodic box: cell vectors as the columns of a matrix, minimum image, wrapping.

With r = x_j - x_i, fractional coordinates s = cell^-1 r and s - round(s) the nearest periodic image; this is the true
minimum image for every pair closer than half the smallest distance between opposite faces. It is plain arithmetic, so
derivatives of every order are right, also with respect to the cell.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import finite, float64, is_traced
from ..core.struct import static, struct


@struct
class Box:
    """A periodic cell.

    Attributes:
        cell: (d, d), cell vectors as columns.
        orthogonal: whether the cell is diagonal.
        width: distances between opposite faces, rounded down, as plain numbers; they size neighbour lists while
            tracing. None if they were unknown when the box was made: neighbour lists then compare all pairs.
    """

    cell: object
    orthogonal: bool = static()
    width: tuple = static(None)

    @property
    def dim(self):
        return self.cell.shape[-1]

    @property
    def volume(self):
        if self.orthogonal:
            return jnp.prod(jnp.diagonal(self.cell, axis1=-2, axis2=-1), axis=-1)
        return jnp.abs(determinant(self.cell))


def make_box(box, dim):
    """A Box from an edge, d edges, or a (d, d) cell with cell vectors as columns; a Box is returned as it is."""
    if isinstance(box, Box):
        return box
    array = float64("box", box)
    finite("box", array)
    if array.shape not in ((), (dim,), (dim, dim)):
        raise ValueError(
            f"box must be one edge, {dim} edges or a ({dim}, {dim}) cell with cell vectors as columns, "
            f"found an array of shape {array.shape}"
        )
    if array.ndim < 2:
        cell = array * jnp.eye(dim) if array.ndim == 0 else jnp.diag(array)
        orthogonal = True
    else:
        cell = array
        orthogonal = not is_traced(array) and bool(
            np.all(np.asarray(array) == np.diag(np.diagonal(array)))
        )
    if is_traced(cell):
        return Box(cell, orthogonal, None)
    if orthogonal and np.any(np.diagonal(cell) <= 0):
        raise ValueError(f"box must have positive edges, found {np.diagonal(cell).tolist()}")
    if np.linalg.det(cell) <= 0:
        raise ValueError(
            f"box must be a cell of positive volume, found determinant {np.linalg.det(cell):.3g}"
        )
    return Box(cell, orthogonal, static_width(cell))


def static_width(cell):
    """Face distances of a concrete cell rounded down to steps of two per cent, so that similar boxes share programs."""
    return tuple(
        float(1.02 ** np.floor(np.log(w * (1 + 1e-9)) / np.log(1.02)))
        for w in np.asarray(face_distance(cell))
    )


@jax.jit
def face_distance(cell):
    """Distances between opposite faces of the cell, (d,)."""
    return 1 / jnp.linalg.norm(inverse(cell), axis=-1)


def determinant(cell):
    """By its first row; plain arithmetic, which no batch can block."""
    d = cell.shape[-1]
    if d == 1:
        return cell[..., 0, 0]
    return sum((-1) ** k * cell[..., 0, k] * determinant(_minor(cell, 0, k)) for k in range(d))


def inverse(cell):
    """By cofactors, exact enough for the at most four dimensions of a cell."""
    d = cell.shape[-1]
    cofactor = [
        [(-1) ** (i + k) * determinant(_minor(cell, i, k)) for i in range(d)] for k in range(d)
    ]
    rows = [jnp.stack(row, axis=-1) for row in cofactor]
    return jnp.stack(rows, axis=-2) / determinant(cell)[..., None, None]


def _minor(cell, row, column):
    """The cell without a row and a column."""
    d = cell.shape[-1]
    rows, columns = (np.delete(np.arange(d), k) for k in (row, column))
    return cell[..., rows[:, None], columns]


def fractional(box, x):
    """Coordinates in units of the cell vectors, (..., d)."""
    if box.orthogonal:
        return x / jnp.diagonal(box.cell)
    return x @ inverse(box.cell).T


def cartesian(box, s):
    """Positions of fractional coordinates, (..., d)."""
    if box.orthogonal:
        return s * jnp.diagonal(box.cell)
    return s @ box.cell.T


def minimum_image(box, r):
    """The nearest periodic image of separations r, (..., d)."""
    return r - cartesian(box, jnp.round(fractional(box, r)))


def wrap(box, x):
    """Positions moved into the cell by whole cell vectors, fractional coordinates in [0, 1); those inside stay as they are."""
    for _ in range(
        2
    ):  # rounding may put a small negative coordinate on the far face: once more moves it back
        x = x - cartesian(box, jnp.floor(fractional(box, x)))
    return x


def deform(box, gradient):
    """The box after the affine map x -> gradient x.

    Neighbour grids keep the widths of the box before, so the map may shrink a width by the two per cent of rounding at
    most under tracing; a concrete box gets its own widths.
    """
    cell = gradient @ box.cell
    if is_traced(cell):
        return Box(cell, False, box.width)
    return Box(cell, False, static_width(cell))
