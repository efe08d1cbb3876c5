"""Homogeneous deformation: x -> F x for the positions and the box, in a cell that is kept compact.

A strained cell H = F H_0 is as good as H N with any integer matrix N of determinant 1: both span
one lattice. The distance between the faces that vector p joins is 1 / |g_p|, g_p the rows of H^-1,
and adding multiples of vector p to other vectors changes g_p alone,

    h_q -> h_q + k_q h_p,    g_p -> g_p - sum_q k_q g_q.

So every pair of faces is moved apart in its turn, and a move that would bring it closer is not
made. In a triangular cell k_q = round((g_p)_q / (g_q)_q), which leaves |(g_p)_q| <= (g_q)_q / 2:
for simple shear the usual flip at a tilt of half an edge. In other cells, where axes mean nothing,
k_q is what makes g_p shortest, k_q = round(g_p.g_q / g_q.g_q).

N is constant between flips, so derivatives go through F alone; and no energy or force changes at a
flip.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import finite, float64, is_traced, refuse_stack
from .box import box_of_cell, face_distance, inverse, sheared_kind
from .glass import Glass

# One sweep makes a triangular cell compact. Of 1,500 turned ones in 3D, strained by up to 10 at
# once, 2 are not done after four sweeps and none after six; strained by up to 100, 1 after six.
SWEEPS = 8
LOOSE = 1.5  # how much larger the product of new bounds may be before a concrete box takes them
TRIANGULAR = 1e-9  # of the largest entry: rounding in a gradient does not make a cell another kind


def deformed(glass: Glass, gradient: Any, *, room: float = 0.0) -> Glass:
    """The glass after the affine map x -> gradient x, and the box with it.

    Positions are not wrapped, and do not change where the cell flips. The box is no longer
    ``orthogonal``, and its static bounds hold for every strain of simple shear, so that a loop over
    strains, compiled or not, compiles once. A box of another kind has another structure: deform
    once by the identity to have the carry of a scan.

    In a cell that is not triangular no bounds hold for every strain; there they hold for small
    ones.

    Args:
        glass: Glass.
        gradient: (d, d) of positive determinant.
        room: share by which later deformations under tracing may make the box narrower, beyond
            simple shear. It counts when bounds are made: for an orthogonal box, or a concrete one
            whose bounds do not hold or are loose, so a loop outside jit gives it in every step.

    Returns:
        Glass. Where a traced box becomes narrower than its bounds, the status of what is computed
        there may have BOX_CHANGED.

    Example:
        >>> start = jg.deformed(jg.glass([[0.0, 0.0], [1.0, 0.5]], 8.0), jnp.eye(2))
        >>> step = jnp.array([[1.0, 0.25], [0.0, 1.0]])
        >>> end, _ = jax.lax.scan(lambda g, _: (jg.deformed(g, step), None), start, length=3)
        >>> end.box.cell.tolist()    # a tilt of 3/4 of an edge is one of -1/4 after a flip
        [[8.0, -2.0], [0.0, 8.0]]
    """
    gradient = _checked(glass, gradient)
    if is_traced(room) or not 0 <= room < 1:
        raise ValueError(f"room must be a number from 0 to below 1, found {room}")
    box = sheared_kind(glass.box, room).replace(cell=_mapped(glass.box.cell, gradient))
    if not is_traced(box.cell):
        box = _with_good_bounds(box, room)
    return glass.replace(position=glass.position @ gradient.T, box=box)


def _checked(glass, gradient):
    """The gradient in float64; an error if it, or the glass, is not what ``deformed`` takes."""
    if not isinstance(glass, Glass):
        raise TypeError(f"glass must be a Glass, found {type(glass).__name__}")
    refuse_stack("glass must be a single one", glass.position)
    gradient = float64("gradient", gradient)
    finite("gradient", gradient)
    d = glass.dim
    if gradient.shape != (d, d):
        raise ValueError(f"gradient must have shape ({d}, {d}), found {gradient.shape}")
    if not is_traced(gradient) and np.linalg.det(gradient) <= 0:
        raise ValueError(
            f"gradient must have a positive determinant, found {np.linalg.det(gradient):.3g}"
        )
    return gradient


@jax.jit
def _mapped(cell, gradient):
    """The cell after the map and its flips, H N."""
    cell = gradient @ cell
    return cell @ flips(jax.lax.stop_gradient(cell))


def flips(cell):
    """Integers N (d, d) of determinant 1 that bring no faces of cell @ N closer than in cell."""
    d = cell.shape[-1]
    size = TRIANGULAR * jnp.max(jnp.abs(cell))
    below, above = (
        jnp.all(jnp.abs(part) <= size) for part in (jnp.tril(cell, -1), jnp.triu(cell, 1))
    )
    triangular = below | above

    def face(p, rows, n):
        """Moves the faces that vector p joins apart: a new g_p = rows[p], and columns q of N."""
        row, times = rows[p], jnp.zeros(d)
        # Ascending above p and descending below: back substitution, if the cell is triangular.
        for q in (*range(p + 1, d), *range(p - 1, -1, -1)):
            along = jnp.where(triangular, jnp.eye(d)[q], rows[q])
            k = jnp.round(row @ along / (rows[q] @ along))
            row, times = row - k * rows[q], times.at[q].set(k)
        wider = row @ row <= rows[p] @ rows[p] * (1 + 1e-9)
        rows = rows.at[p].set(jnp.where(wider, row, rows[p]))
        return rows, n + jnp.where(wider, jnp.outer(n[:, p], times), 0.0)

    def sweep(_, carry):
        for p in range(d):
            carry = face(p, *carry)
        return carry

    return jax.lax.fori_loop(0, SWEEPS, sweep, (inverse(cell), jnp.eye(d)))[1]


def _with_good_bounds(box, room):
    """The box with bounds that hold for its concrete cell: its own, unless wrong or loose."""
    fresh = box_of_cell(box.cell, False, room)
    if box.width is None:
        return fresh
    bounds = np.array([*box.width, box.least_volume])
    true = np.array([*face_distance(box.cell), np.linalg.det(box.cell)])
    holds = np.all(bounds <= true * (1 + 1e-9))
    loose = max(np.prod(fresh.width) / np.prod(box.width), fresh.least_volume / box.least_volume)
    return box if holds and loose < LOOSE else fresh
