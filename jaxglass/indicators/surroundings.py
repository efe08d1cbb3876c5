"""The particles around each particle of a glass, in tables of fixed width.

The room in a table is decided before tracing; what does not fit sets NEIGHBOUR_OVERFLOW. The radius
may be a tracer: lengths such as (V/n)^(1/d) are those of the very box.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import is_traced
from ..core.geometry import ball
from ..core.status import Status, flag
from ..core.struct import Struct
from ..models.pair import kinds, length
from ..neighbours import jaxmd
from ..neighbours.many import around
from ..system.box import face_distance, minimum_image

# The bounds of a box are rounded down by up to 2 per cent, of each edge on its own.
ROUNDING = 1.03
# Room in a table over the mean number of particles within the radius, beside a few more: dense
# regions of the binary glasses here hold up to 1.3 times the mean.
CROWD, FEW = 1.3, 8


class Surroundings(Struct):
    """Particles within a radius of each particle.

    Attributes:
        other: (n, k), their indices; 0 in an empty place.
        held: (n, k), whether the place holds one.
        separation: (n, k, d), from the particle to them; a unit vector in an empty place.
        status: bits.
    """

    other: Array
    held: Array
    separation: Array
    status: Array


class Values(Struct):
    """Values of particles (n,), and the status of the lists that they follow from."""

    value: Array
    status: Array


def spacing_bound(glass):
    """A lower bound of (V/n)^(1/d), a plain number; 1 where nothing is known of the box."""
    volume = glass.box.least_volume
    return 1.0 if volume is None else (volume / glass.count) ** (1 / glass.dim)


def longest(model, glass):
    """The largest sigma of two particles."""
    if model.sigma is not None:
        return jnp.max(model.sigma)
    kind = kinds(model, glass)
    return jnp.max(length(model, kind, kind))


def longest_bound(model):
    """About the same as a plain number, from the model's bound on its interactions."""
    if is_traced(model.cutoff):
        return model.reach
    with jax.ensure_compile_time_eval():
        return model.reach / float(np.min(model.cutoff))


def plan_list(glass, radius, room):
    """The jaxmd.ListPlan for particles within about a radius, from plain numbers."""
    return jaxmd.plan_list(glass.count, glass.box, ROUNDING * radius, room)


def places(glass, spacings, room):
    """Places for the particles within a radius in units of (V/n)^(1/d), a plain number."""
    d = glass.dim
    mean = ball(d) * spacings**d
    return max(1, min(glass.count - 1, math.ceil(room * (CROWD * mean + FEW))))


def pairs_within(glass, radius, listing):
    """Indices i, j of the pairs within a radius, which places hold one, and the status."""
    radius = jax.lax.stop_gradient(radius)
    i, j, listed, overflow = jaxmd.pairs_in(listing._replace(radius=radius), glass)
    width = jax.lax.stop_gradient(face_distance(glass.box.cell))
    status = flag(overflow, Status.NEIGHBOUR_OVERFLOW) | flag(
        jnp.min(width) < 2 * radius * (1 - 1e-12), Status.BOX_TOO_SMALL
    )
    if listing.cells:
        narrow = width < np.array(listing.cells) * radius * (1 - 1e-9)
        status = status | flag(jnp.any(narrow), Status.BOX_CHANGED)
    return i, j, listed, status


def surroundings(glass, radius, listing, size, near=None):
    """Surroundings of every particle.

    Args:
        glass: Glass.
        radius: within which particles count, at most half the box.
        listing: jaxmd.ListPlan.
        size: places of a particle.
        near: function (i, j, square of the distance) -> which pairs of the list count, all of them
            by default.
    """
    n = glass.count
    i, j, listed, status = pairs_within(glass, radius, listing)
    if near is not None:
        r = minimum_image(glass.box, glass.position[j] - glass.position[i])
        listed = listed & near(i, j, jax.lax.stop_gradient(dot(r, r)))
    entry, held, most = around(i, j, listed, n, size)
    row = entry % len(i)
    other = jnp.where(held, jnp.where(entry >= len(i), i[row], j[row]), 0)
    r = minimum_image(glass.box, glass.position[other] - glass.position[:, None])
    r = jnp.where(held[..., None], r, jnp.eye(glass.dim)[0])
    return Surroundings(other, held, r, status | flag(most > size, Status.NEIGHBOUR_OVERFLOW))


def refuse_narrow(glass, radius, what):
    """Raises ValueError where a concrete box is narrower than two radii."""
    if is_traced(glass, radius):
        return
    width = float(np.min(face_distance(glass.box.cell)))
    if width < 2 * float(radius) * (1 - 1e-12):
        raise ValueError(
            f"box must be at least {2 * float(radius):.6g} wide for {what}, found {width:.6g} "
            "between opposite faces; jg.prepare.tiled makes a larger one"
        )


def over(total, count):
    """total / count; NaN where there is nothing to count, with clean derivatives."""
    return jnp.where(count > 0, total / jnp.where(count > 0, count, 1), jnp.nan)


def root(square):
    """Square root whose derivative at zero is zero."""
    some = square > 0
    return jnp.where(some, jnp.sqrt(jnp.where(some, square, 1.0)), 0.0)
