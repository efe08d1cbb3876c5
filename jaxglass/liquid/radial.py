"""Radial distribution function g(r): how many particles lie at a distance, over those of a gas."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import integer, positive
from ..core.geometry import ball
from ..system.box import minimum_image
from .frames import check_frames, chosen, known_box

# Distances that are worked out at once.
PIECE = 2**22


class Radial(NamedTuple):
    """Middles of shells and g in them, (k,)."""

    distance: Array
    value: Array


def radial_distribution(
    position: Any,
    box: Any,
    *,
    select: Any = None,
    around: Any = None,
    largest: float | None = None,
    bins: int = 200,
) -> Radial:
    """g(r) of frames: partial ones between two selections.

    Args:
        position: (f, n, d), wrapped or not.
        box: Box or edges.
        select: (n,) booleans, of the particles that are counted; all by default.
        around: (n,) booleans, of those they are counted about; ``select`` by default.
        largest: distance; by default half the box.
        bins: shells.

    Returns:
        Radial. Cost: all pairs of each frame.

    Example:
        >>> g = jg.liquid.radial_distribution(glass.position[None], glass.box, bins=40)
        >>> bool(g.value[0] == 0), g.distance.shape
        (True, (40,))
    """
    check_frames(position)
    d = np.shape(position)[-1]
    box = known_box(box, d)
    half = min(box.width) / 2
    largest = half if largest is None else float(positive("largest", largest))
    if largest > half * 1.03:  # bounds are rounded down by two per cent
        raise ValueError(f"largest must be at most half the box, {half:.6g}, found {largest}")
    edges = np.linspace(0, largest, integer("bins", bins, at_least=1) + 1)
    counted = chosen(position, select)
    about = counted if around is None else chosen(position, around)
    same = around is None or np.array_equal(around, select)
    per = _counts(counted, about, box, largest, bins=bins)
    shell = ball(d) * np.diff(edges**d)
    others = counted.shape[1] - (1 if same else 0)
    expected = len(counted) * about.shape[1] * others / box.volume * shell
    return Radial(jnp.asarray(0.5 * (edges[1:] + edges[:-1])), per / expected)


@functools.partial(jax.jit, static_argnames="bins")
def _counts(counted, about, box, largest, *, bins):
    """Number of pairs in each shell, a particle with itself left out."""
    rows = about.shape[1]
    size = max(1, min(rows, PIECE // counted.shape[1]))
    pieces = -(-rows // size)
    there = (jnp.arange(pieces * size) < rows).reshape(pieces, size)

    def frame(total, both):
        x, centres = both
        centres = jnp.pad(centres, ((0, pieces * size - rows), (0, 0)))

        def piece(row):
            centre, real = row
            r = minimum_image(box, x - centre[:, None])
            distance = jnp.sqrt(dot(r, r))
            shell = jnp.minimum((distance * (bins / largest)).astype(jnp.int32), bins)
            shell = jnp.where(real[:, None] & (distance > 0), shell, bins)
            return jnp.zeros(bins + 1).at[shell].add(1.0)

        pieces_of = centres.reshape(pieces, size, -1), there
        return total + jnp.sum(jax.lax.map(piece, pieces_of), axis=0), None

    return jax.lax.scan(frame, jnp.zeros(bins + 1), (counted, about))[0][:bins]
