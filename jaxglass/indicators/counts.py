"""What a particle sees around it: numbers of neighbours by distance, and particles that stand out.

Distances are those over the contact distance sigma_ij. D. Richard et al., Phys. Rev. Materials 4,
113609 (2020), appendix B 5; S. S. Schoenholz et al., Nature Physics 12, 469 (2016).
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.status import or_nan
from ..models.pair import PairModel, diameters, kinds, length
from ..neighbours import search
from ..system.box import minimum_image
from ..system.glass import Glass
from .surroundings import Values, longest, longest_bound, pairs_within, plan_list, refuse_narrow
from .voronoi import Cells, given_cells

# Of many sizes: 25 hat functions. Where they stand is lost from the text; even steps over the range
# that it gives for two sizes.
HATS, NEAREST, FARTHEST = 25, 0.8, 3.0
# Of species: bins of the published width. They make the published 129 numbers of two species if
# they end at 2.4.
BIN, BINS = 0.025, 64


def structure_functions(model: PairModel, glass: Glass) -> Array:
    """Numbers of neighbours by distance over the contact distance, and the particle's size, (n, f).

    Of diameters: 25 hat functions from 0.8 to 3 that share each neighbour between the two nearest,
    f = 26. Of k species: 64 bins from 0.8 to 2.4 of the neighbours of each species, f = 64 k + 1.

    Args:
        model: PairModel, for the sizes of the particles.
        glass: Glass, in any dimension.

    Example:
        >>> jg.indicators.structure_functions(model, glass).shape
        (64, 129)
    """
    search.check(model, glass)
    reach = FARTHEST if model.sigma is None else NEAREST + BIN * BINS
    refuse_narrow(glass, reach * longest(model, glass), "structure functions")

    def attempt(room):
        listing = plan_list(glass, reach * longest_bound(model), room)
        return _functions(model, glass, reach, listing)

    return search.with_room(attempt, model, glass).value


@functools.partial(jax.jit, static_argnums=(2, 3))
def _functions(model, glass, reach, listing):
    i, j, listed, status = pairs_within(glass, reach * longest(model, glass), listing)
    r = minimum_image(glass.box, glass.position[j] - glass.position[i])
    r = jnp.where(listed[:, None], r, jnp.eye(glass.dim)[0])
    kind = kinds(model, glass)
    distance = jnp.sqrt(dot(r, r)) / length(model, kind[i], kind[j])
    share = _hats if model.sigma is None else _bins
    width = HATS if model.sigma is None else BINS * len(model.sigma)
    found = jnp.zeros((glass.count, width))
    for own, other in ((i, j), (j, i)):
        for column, weight in share(distance, kind[other]):
            column = jnp.where(listed & (column >= 0) & (column < width), column, width)
            found = found.at[own, column].add(weight, mode="drop")
    value = jnp.concatenate([found, diameters(model, glass)[:, None]], axis=1)
    return Values(or_nan(status, value), status)


def _hats(distance, kind):
    place = (distance - NEAREST) * ((HATS - 1) / (FARTHEST - NEAREST))
    first = jnp.floor(place)
    column = first.astype(jnp.int32)
    return (column, 1 - (place - first)), (column + 1, place - first)


def _bins(distance, kind):
    place = jnp.floor((distance - NEAREST) / BIN)
    inside = (place >= 0) & (place < BINS)
    return ((jnp.where(inside, kind * BINS + place.astype(jnp.int32), -1), 1.0),)


def local_extremes(
    model: PairModel, glass: Glass, values: Array, *, cells: Cells | None = None
) -> Array:
    """1 where a field is larger than at all neighbours of neighbours, -1 where it is smaller, else
    0, (n,).

    Neighbours share an edge, or a face, of their radical Voronoi cells.

    Args:
        model: PairModel, for the sizes of the particles.
        glass: Glass in two or three dimensions.
        values: (n,), such as ``jg.d2min`` of a critical mode, or a mobility.
        cells: Cells of the glass, from ``voronoi_cells``, where there are some already.

    Example:
        >>> extremes = jg.indicators.local_extremes(model, glass, jnp.arange(64.0))
        >>> int(extremes[63]), int(extremes[0])
        (1, -1)
    """
    values = jnp.asarray(values)
    if values.shape != (glass.count,):
        raise ValueError(f"values must have shape ({glass.count},), found {values.shape}")
    cells = given_cells(model, glass, cells)
    return _extremes(cells.other, cells.edge, or_nan(cells.status, values))


@jax.jit
def _extremes(other, edge, values):
    """A particle is above its surroundings if it alone attains their maximum."""

    def highest(field):
        """The largest value within two shells, but for the particle's own, and how that goes."""
        around = lambda a: jnp.max(jnp.where(edge, a[other], -jnp.inf), axis=1)
        nearest = around(field)
        # Of a neighbour's neighbours, all but the particle itself.
        back = other[other] == jnp.arange(len(field))[:, None, None]
        seen = edge[other] & ~back
        next_ones = jnp.max(jnp.where(seen, field[other[other]], -jnp.inf), axis=2)
        return jnp.maximum(nearest, jnp.max(jnp.where(edge, next_ones, -jnp.inf), axis=1))

    clean = jnp.isfinite(values) & jnp.any(edge, axis=1)
    above, below = values > highest(values), -values > highest(-values)
    return jnp.where(clean, above.astype(jnp.int32) - below, 0)
