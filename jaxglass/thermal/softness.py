"""The softness field: |E| of bonds coarse-grained on a grid, and the soft spots in it.

A bond counts at its midpoint if its |value| reaches a threshold; a bin takes the mean, or the sum,
of its bonds; each bin is then averaged with its neighbours, 8 in the plane. A soft spot is a bin
that is a local maximum of its line along every axis; its standing is Delta = eta_max / eta, 1 for
the softest (SI of the article, section D).
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import choice, integer, is_traced
from ..landscape.contract import need
from ..landscape.particles import check_terms
from ..system.box import cartesian, fractional
from ..system.glass import Glass

# Most bins along a cell vector and the least |E| that counts: the article's, for 10,000 particles
# in the plane.
BINS = 40
THRESHOLD = 1.1
LEAST = 2  # bonds in a bin of the article


class Peaks(NamedTuple):
    """Peaks of a softness field, the softest first.

    Attributes:
        position: (m, d), middles of their bins.
        score: (m,), eta.
        delta: (m,), eta_max / eta.
    """

    position: np.ndarray
    score: np.ndarray
    delta: np.ndarray


def fitting_bins(e, *, most: int = BINS, least: int = LEAST) -> int:
    """The largest number of bins, at most ``most``, of which each holds ``least`` bonds or more.

    A bond counts where its middle lies.

    It looks at the bonds, so call it outside jit and pass the number on: ``softness_field(e, value,
    bins=...)``.

    Example:
        >>> 3 <= jg.thermal.fitting_bins(e) < 40
        True
    """
    need("fitting_bins", e, "groups", "glass")
    if is_traced(e):
        raise TypeError("fitting_bins looks at the bonds of a glass: call it outside jit and vmap")
    bins, least = integer("most", most, at_least=3), integer("least", least, at_least=0)
    middle = np.asarray(_middles(e))[np.asarray(e.bonds.valid)] % 1.0
    dim = middle.shape[1]
    while bins > 3:
        place = np.ravel_multi_index(tuple((middle * bins).astype(int).T % bins), (bins,) * dim)
        if np.bincount(place, minlength=bins**dim).min() >= least:
            break
        bins -= 1
    return bins


def softness_field(
    e,
    value: Any,
    *,
    bins: int = BINS,
    threshold: float = THRESHOLD,
    reduce: str = "mean",
) -> Array:
    """Coarse-grained field of a quantity of bonds or particles, in 2, 3 or more dimensions.

    Args:
        e: Expansion.
        value: (b,), for example the local thermal energy; a tuple of such for each of ``e.terms``,
            which count in the middle of their particles; or (n,), for example a map of modes.
        bins: along each cell vector; ``thermal.fitting_bins(e)`` is a number that leaves no bin
            with fewer than two bonds.
        threshold: entries with |value| below it are left out.
        reduce: "mean" or "sum" over the entries of a bin.

    Returns:
        (bins,) * d array.

    Example:
        >>> bins = jg.thermal.fitting_bins(e)
        >>> field = jg.softness_field(e, jg.local_thermal_energy(e).value, bins=bins)
        >>> field.shape == (bins, bins), bool((field >= 0).all())
        (True, True)
    """
    need("softness_field", e, "groups", "glass")
    choice("reduce", reduce, ("mean", "sum"))
    bins = integer("bins", bins, at_least=3)
    if isinstance(value, tuple):
        check_terms(e, value)
        where, kept = _all_middles(e)
        value = jnp.concatenate(value)
    elif jnp.shape(value) == e.bonds.i.shape:
        where, kept = _middles(e), e.bonds.valid
    elif jnp.shape(value) == (e.count,):
        where, kept = fractional(e.glass.box, e.position), jnp.ones(e.count, bool)
    else:
        raise ValueError(
            f"value must hold one number per bond, shape {e.bonds.i.shape}, or one per particle, "
            f"({e.count},), found {jnp.shape(value)}"
        )
    dim = e.glass.dim
    place = tuple(jnp.floor((where % 1.0) * bins).astype(int).T % bins)
    kept = kept & ~(jnp.abs(value) < threshold)  # NaN is kept, and seen
    grid = jnp.zeros((bins,) * dim)
    total = grid.at[place].add(jnp.where(kept, jnp.abs(value), 0.0))
    if reduce == "mean":
        total = total / jnp.maximum(grid.at[place].add(kept), 1.0)
    for axis in range(dim):
        total = (total + jnp.roll(total, 1, axis) + jnp.roll(total, -1, axis)) / 3
    return total


def _middles(e):
    """Fractional coordinates of the middles of bonds, (b, d)."""
    return fractional(e.glass.box, e.position[e.bonds.i] + 0.5 * e.two.separation)


def _all_middles(e):
    """The same of all terms, one kind after the other, and which there are."""
    centres = [e.position[group.particle[:, 0]] + group.middle for group in e.groups]
    middles = [_middles(e), *(fractional(e.glass.box, x) for x in centres)]
    held = [e.bonds.valid, *(group.valid for group in e.groups)]
    return jnp.concatenate(middles), jnp.concatenate(held)


def softness_peaks(glass: Glass, field: Array) -> Peaks:
    """Soft spots of a softness field.

    Args:
        glass: Glass that the field belongs to.
        field: array with an axis a dimension, from ``softness_field``.

    Returns:
        Peaks: position, score, delta, the softest first. Runs on the host.

    Example:
        >>> field = np.eye(4)[:, :2] @ np.diag([1.0, 2.0]) @ np.eye(2, 4)
        >>> peaks = jg.softness_peaks(jg.glass([[0.0, 0.0]], 8.0), field)
        >>> peaks.delta.tolist(), peaks.position[0].tolist()
        ([1.0, 2.0], [3.0, 3.0])
    """
    if is_traced(glass, field):
        raise TypeError("softness_peaks runs on the host: call it outside jit and vmap")
    grid = np.asarray(field)
    if grid.ndim != glass.dim:
        raise ValueError(f"field must have {glass.dim} axes for this glass, found {grid.ndim}")
    peak = np.ones(grid.shape, bool)
    for axis in range(grid.ndim):
        peak &= (grid > np.roll(grid, 1, axis)) & (grid > np.roll(grid, -1, axis))
    place, score = np.argwhere(peak), grid[peak]
    order = np.argsort(-score, kind="stable")
    middle = jnp.asarray((place[order] + 0.5) / np.array(grid.shape))
    position = np.asarray(cartesian(glass.box, middle))
    return Peaks(position, score[order], score[order][:1] / score[order])


class Nearest(NamedTuple):
    """The soft spot nearest to a place: its number, its standing Delta, and how far it lies."""

    number: int
    delta: float
    distance: float


def nearest_peak(glass: Glass, peaks: Peaks, place: Any) -> Nearest:
    """The soft spot to which an event belongs: the nearest one.

    Args:
        glass: Glass that the peaks belong to.
        peaks: Peaks, from ``softness_peaks``.
        place: (d,), or the index of a particle.

    Returns:
        Nearest: number (0 for the softest), delta, distance.

    Example:
        >>> field = np.eye(4)[:, :2] @ np.diag([1.0, 2.0]) @ np.eye(2, 4)
        >>> g = jg.glass([[1.5, 1.5]], 8.0)
        >>> jg.thermal.nearest_peak(g, jg.softness_peaks(g, field), 0).delta
        2.0
    """
    if len(peaks.delta) == 0:
        raise ValueError("peaks must hold at least one soft spot, found none")
    at = glass.position[int(place)] if np.ndim(place) == 0 else jnp.asarray(place, jnp.float64)
    apart = np.linalg.norm(glass.box.minimum_image(jnp.asarray(peaks.position) - at), axis=1)
    k = int(np.argmin(apart))
    return Nearest(k, float(peaks.delta[k]), float(apart[k]))
