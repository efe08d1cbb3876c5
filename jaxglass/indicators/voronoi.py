"""Indicators of the radical Voronoi cells: density, free volume, anisotropy, divergence.

Particles have half their diameter for a radius. Centroids and triangles: D. Richard et al., Phys.
Rev. Materials 4, 113609 (2020), appendix B, who follow J. M. Rieser et al., Phys. Rev. Lett. 116,
088001 (2016).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import is_traced
from ..core.geometry import ball
from ..core.status import Status, flag, or_nan
from ..core.struct import Struct
from ..models.pair import PairModel, diameters
from ..neighbours import search
from ..system.box import face_distance
from ..system.glass import Glass
from .clipping import cell
from .surroundings import places, plan_list, root, spacing_bound, surroundings

# Candidates of a cell: the nearest 20 in the plane, where 14 sufficed for 400 cells of lj2d.
CANDIDATES = {2: 20, 3: 44}
# They are looked for within this radius, in mean distances (V/n)^(1/d), which holds 28 and 92
# particles on average.
RADIUS = {2: 3.0, 3: 2.8}
# Lines clipped at a time: what they need stays near the processor, and is a vector loop.
LINES = 4_000


class Cells(Struct):
    """Radical Voronoi cells.

    Attributes:
        volume: (n,); NaN where a particle has no cell, being hidden by larger ones.
        centroid: (n, d), from the particle.
        edge: (n, k), which candidates have an edge, or a face, of the cell.
        next: (n, k), the candidate whose edge follows anticlockwise; of the plane alone.
        other: (n, k), index of the candidates.
        separation: (n, k, d), to the candidates.
        status: NEIGHBOUR_OVERFLOW if there was no room to be sure of a cell, BOX_TOO_SMALL if the
            box is too narrow for that.
    """

    volume: Array
    centroid: Array
    edge: Array
    next: Array
    other: Array
    separation: Array
    status: Array


def density(model: PairModel, glass: Glass, *, cells: Cells | None = None) -> Array:
    """Local number density 1 / A_i of each particle, A_i its radical Voronoi cell, (n,).

    In two or three dimensions. NaN for a particle without a cell: larger ones may hide it.

    Args:
        model: PairModel, for the sizes of the particles.
        glass: Glass.
        cells: Cells of the glass, from ``voronoi_cells``, where there are some already.

    Example:
        >>> area = 1 / jg.indicators.density(model, glass)
        >>> bool(abs(area.sum() / glass.box.volume - 1) < 1e-12)
        True
    """
    return 1 / given_cells(model, glass, cells).volume


def free_volume(model: PairModel, glass: Glass, *, cells: Cells | None = None) -> Array:
    """Cell of each particle less the particle, A_i - pi R_i^2, (n,), R_i half its diameter.

    In three dimensions V_i - 4 pi R_i^3 / 3. Negative where soft particles overlap enough.

    Args:
        model, glass, cells: as for ``density``.

    Example:
        >>> area = 1 / jg.indicators.density(model, glass)
        >>> bool((jg.indicators.free_volume(model, glass) < area).all())
        True
    """
    volume, d = given_cells(model, glass, cells).volume, glass.dim
    radius = 0.5 * diameters(model, glass)
    return volume - ball(d) * radius**d


def voronoi_anisotropy(model: PairModel, glass: Glass, *, cells: Cells | None = None) -> Array:
    """Distance of each particle from the centroid of its cell, P_i = |p_i|, (n,).

    In two or three dimensions.

    Args:
        model, glass, cells: as for ``density``.

    Example:
        >>> bool((jg.indicators.voronoi_anisotropy(model, glass) < 0.5).all())
        True
    """
    p = given_cells(model, glass, cells).centroid
    return root(dot(p, p)) + 0 * jnp.sum(p, axis=1)  # NaN stays NaN


def voronoi_divergence(model: PairModel, glass: Glass, *, cells: Cells | None = None) -> Array:
    """Divergence of the vectors p from particles to centroids of cells, (n,), in the plane.

    The mean over the Delaunay triangles k of a particle of Q_k = (div p)_k A_k / <A>, where p is
    linear on the triangle and <A> = V / (2 n). All triangles sum to zero. Positive where particles
    are overpacked, negative where underpacked: p points towards free room.

    Args:
        model, glass, cells: as for ``density``, in the plane.

    Example:
        >>> q = jg.indicators.voronoi_divergence(model, glass)
        >>> bool((q > 0).any() and (q < 0).any())
        True
    """
    only_planar("voronoi_divergence", glass)
    return _divergence(glass, given_cells(model, glass, cells))


def only_planar(name, glass):
    """Refuses a glass that is not in the plane."""
    if glass.dim != 2:
        raise ValueError(f"{name} is for glasses in two dimensions, found {glass.dim}")


@jax.jit
def _divergence(glass, found):
    p = found.centroid
    b, k = found.separation, found.next
    c = jnp.take_along_axis(b, k[..., None], axis=1)
    far = jnp.take_along_axis(found.other, k, axis=1)
    # Twice the flux through the sides, on which p is linear: each corner has that of the side
    # opposite to it, and the normal of that side is (edge_y, -edge_x).
    out = lambda side, p: side[..., 1] * p[..., 0] - side[..., 0] * p[..., 1]
    flux = out(c - b, p[:, None]) + out(-c, p[found.other]) + out(b, p[far])
    mean_area = glass.box.volume / (2 * glass.count)
    total = jnp.sum(jnp.where(found.edge, -0.5 * flux, 0.0), axis=1)
    return total / (mean_area * jnp.sum(found.edge, axis=1))


def given_cells(model, glass, cells):
    """The cells given, or those of the glass."""
    return voronoi_cells(model, glass) if cells is None else cells


def voronoi_cells(model: PairModel, glass: Glass) -> Cells:
    """The radical Voronoi cells of a glass, which several indicators can share.

    Args:
        model: PairModel, for the sizes of the particles.
        glass: Glass in two or three dimensions.

    Example:
        >>> cells = jg.indicators.voronoi_cells(model, glass)
        >>> faces = cells.edge.sum(axis=1)
        >>> bool((jg.indicators.density(model, glass, cells=cells) > 0).all()), int(faces.min()) > 2
        (True, True)
    """
    search.check(model, glass)
    if glass.dim not in CANDIDATES:
        raise ValueError(f"Voronoi cells are of two or three dimensions, found {glass.dim}")
    found = search.with_room(lambda room: _cells_in_room(model, glass, room), model, glass)
    if not is_traced(model, glass, found) and int(found.status) & Status.BOX_TOO_SMALL:
        width = float(np.min(face_distance(glass.box.cell)))
        raise ValueError(
            "box must be wide enough to tell the neighbours of a particle from their images, "
            f"found {width:.6g} between opposite faces for {glass.count} particles; "
            "jg.prepare.tiled makes a larger one"
        )
    return found


def _cells_in_room(model, glass, room):
    d = glass.dim
    reach = RADIUS[d] * room ** (1 / d)
    listing = plan_list(glass, reach * spacing_bound(glass), room)
    candidates = math.ceil(math.sqrt(room) * CANDIDATES[d])  # their cost grows as k^d
    return _cells(model, glass, reach, listing, places(glass, reach, 1.0), candidates)


@functools.partial(jax.jit, static_argnums=(2, 3, 4, 5))
def _cells(model, glass, reach, listing, size, candidates):
    limit = 0.5 * jnp.min(face_distance(glass.box.cell))
    wanted = reach * glass.spacing
    radius = jax.lax.stop_gradient(jnp.minimum(wanted, limit))
    around = surroundings(glass, radius, listing, size)
    weight = (0.5 * diameters(model, glass)) ** 2
    found, h, nearest_left_out = _nearest(around, weight, candidates)
    r, held = found.separation, found.held
    lines = r.shape[1] ** (glass.dim - 1) // (glass.dim - 1)  # one a candidate, or a couple
    step = max(1, LINES // lines)
    one = jax.checkpoint(lambda own: cell(*own))
    each = jax.lax.map(one, (r, h, held), batch_size=min(step, glass.count))
    # The plane of any particle beyond the radius is at least this far.
    beyond = 0.5 * (radius + (weight - jnp.max(weight)) / radius)
    free = jnp.minimum(beyond, nearest_left_out)
    sure = jnp.any(held, axis=1) & (free > 0) & (free**2 > each.farthest)
    bounded = (nearest_left_out >= beyond) & (wanted >= limit)
    status = (
        found.status
        | flag(jnp.any(~sure & ~bounded), Status.NEIGHBOUR_OVERFLOW)
        | flag(jnp.any(~sure & bounded), Status.BOX_TOO_SMALL)
    )
    good = sure & jnp.any(each.edge, axis=1)
    volume = jnp.where(good, each.volume, jnp.nan)
    centroid = each.moment / jnp.where(good, each.volume, 1.0)[:, None]
    centroid = jnp.where(good[:, None], centroid, jnp.nan)
    volume, centroid = or_nan(status, volume), or_nan(status, centroid)
    return Cells(volume, centroid, each.edge, each.next, found.other, r, status)


def _nearest(around, weight, count):
    """The surroundings whose planes are nearest, their h, and how near the nearest of the others
    is.
    """
    square = dot(around.separation, around.separation)
    h = 0.5 * (square + weight[:, None] - weight[around.other])
    plane = jax.lax.stop_gradient(jnp.where(around.held, h / jnp.sqrt(square), jnp.inf))
    negative, at = jax.lax.top_k(-plane, min(count + 1, plane.shape[1]))
    left_out = -negative[:, count] if negative.shape[1] > count else jnp.inf
    at = at[:, :count]
    pick = lambda a: jnp.take_along_axis(a, at, axis=1)
    r = jnp.take_along_axis(around.separation, at[..., None], axis=1)
    found = around.replace(other=pick(around.other), held=pick(around.held), separation=r)
    return found, pick(h), left_out
