"""A periodic box: cell vectors as the columns of a matrix, minimum image, wrapping.

With r = x_j - x_i, fractional coordinates s = cell^-1 r and s - round(s) the nearest periodic
image; this is the true minimum image for every pair closer than half the smallest distance between
opposite faces. It is plain arithmetic, so derivatives of every order are right, also with respect
to the cell.

The distance between the faces that vector p joins is 1 / |g_p|, g_p the rows of cell^-1. A cell
with edges L on its diagonal becomes triangular under simple shear and keeps that diagonal. Flips
(deform.py) keep |(g_p)_q| <= 1 / (2 L_q), or make g_p shorter still, so that no distance falls
below

    width_p = [1 / L_p^2 + sum_{q != p} 1 / (2 L_q)^2]^(-1/2)

Such bounds are plain numbers, part of a Box's structure: they size neighbour lists for every
strain.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import finite, float64, is_traced
from ..core.struct import Struct, static


class Box(Struct):
    """A periodic cell.

    Attributes:
        cell: (d, d), cell vectors as columns.
        orthogonal: whether the cell is diagonal. A deformed box is not, even where its cell happens
            to be.
        width: lower bounds of the distances between opposite faces, as plain numbers; they size
            neighbour lists while tracing. Those of a box that is not orthogonal hold for its simple
            shear as well. None if nothing was known when the box was made: neighbour lists then
            compare all pairs.
        least_volume: lower bound of the volume, a plain number or None.
    """

    cell: Array
    orthogonal: bool = static()
    width: tuple[float, ...] | None = static(default=None)
    least_volume: float | None = static(default=None)

    @property
    def dim(self):
        return self.cell.shape[-1]

    @property
    def volume(self):
        if self.orthogonal:
            return jnp.prod(jnp.diagonal(self.cell, axis1=-2, axis2=-1), axis=-1)
        return jnp.abs(determinant(self.cell))

    def minimum_image(self, r):
        """The nearest periodic image of separations r, (..., d)."""
        return minimum_image(self, r)

    def wrap(self, x):
        """Positions x moved into the cell by whole cell vectors, (..., d)."""
        return wrap(self, x)


def box(edges: Any) -> Box:
    """A Box without particles.

    Args:
        edges: (d,) edges, or (d, d) cell with cell vectors as columns.

    Returns:
        Box, with ``volume``, ``minimum_image(r)`` and ``wrap(x)``.

    Example:
        >>> jg.box([4.0, 5.0]).minimum_image(jnp.array([3.0, 1.0])).tolist()
        [-1.0, 1.0]
    """
    edges = float64("edges", edges)
    if edges.ndim == 0:
        raise ValueError(f"edges must be (d,) edges or a (d, d) cell, found one number {edges}")
    return make_box(edges, edges.shape[0])


def make_box(box, dim):
    """A Box from an edge, d edges or a cell (vectors as columns); a Box is returned as it is."""
    if isinstance(box, Box):
        return box
    array = float64("box", box)
    finite("box", array)
    if array.shape not in ((), (dim,), (dim, dim)):
        raise ValueError(
            f"box must be one edge, {dim} edges or a ({dim}, {dim}) cell with cell vectors as "
            f"columns, found an array of shape {array.shape}"
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
        return Box(cell, orthogonal)
    if orthogonal and np.any(np.diagonal(cell) <= 0):
        raise ValueError(f"box must have positive edges, found {np.diagonal(cell).tolist()}")
    if np.linalg.det(cell) <= 0:
        raise ValueError(
            f"box must be a cell of positive volume, found determinant {np.linalg.det(cell):.3g}"
        )
    return box_of_cell(cell, orthogonal)


def box_of_cell(cell, orthogonal, room=0.0):
    """A Box of a concrete cell, or of cells (..., d, d) that share their bounds.

    Args:
        cell: (..., d, d).
        orthogonal: whether the cells are diagonal and stay so.
        room: share by which the cells may become narrower and keep the bounds.
    """
    cells = np.asarray(cell).reshape(-1, *np.shape(cell)[-2:])
    edges = [(1 - room) * rounded_down(_edges(c)) for c in cells]
    width = edges
    if not orthogonal:
        width = [
            _held(shear_bound(e), (1 - room) * face_distance(c))
            for e, c in zip(edges, cells, strict=True)
        ]
    least_volume = min(math.prod(e) for e in edges)
    return Box(jnp.asarray(cell), orthogonal, numbers(np.min(width, axis=0)), float(least_volume))


def within_half(name, distance, box):
    """Raises ValueError if a distance is more than half the known width of a box."""
    if box.width is not None and 2 * distance > min(box.width):
        raise ValueError(
            f"{name} must be at most half the box, {min(box.width) / 2:.6g}, found {distance}"
        )


def sheared_kind(box, room=0.0):
    """The box as one that may be sheared: not orthogonal, bounds for any strain and ``room``."""
    if not box.orthogonal:
        return box
    if box.width is None:
        return Box(box.cell, False)
    edges = (1 - room) * np.array(box.width)
    return Box(box.cell, False, numbers(shear_bound(edges)), float(math.prod(edges)))


def shear_bound(edges):
    """Smallest face distances (d,) of a flipped triangular cell with these edges."""
    inverse_square = 1 / np.square(edges)
    return 1 / np.sqrt(0.75 * inverse_square + 0.25 * np.sum(inverse_square))


def rounded_down(lengths):
    """Lengths rounded down to steps of two per cent, so that similar boxes share programs."""
    return 1.02 ** np.floor(np.log(np.asarray(lengths) * (1 + 1e-9)) / np.log(1.02))


def numbers(array):
    """An array as a tuple of plain numbers."""
    return tuple(np.asarray(array).tolist())


def _edges(cell):
    """Edges of the cell turned until it is triangular; one that is so keeps them under shear."""
    lower = not np.any(np.triu(cell, 1))
    turned = np.linalg.qr(cell[::-1, ::-1] if lower else cell)[1]
    edges = np.abs(np.diagonal(turned))
    return edges[::-1] if lower else edges


def _held(bound, distance):
    """The bound where it holds, otherwise the distance rounded down."""
    return np.where(bound <= np.asarray(distance) * (1 + 1e-9), bound, rounded_down(distance))


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
    """Positions moved into the cell by whole cell vectors: fractional coordinates in [0, 1).

    Those inside stay as they are.
    """
    # Rounding may put a small negative coordinate on the far face: once more moves it back.
    for _ in range(2):
        x = x - cartesian(box, jnp.floor(fractional(box, x)))
    return x
