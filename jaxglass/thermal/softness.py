"""The softness field: |E| of bonds coarse-grained on a grid, and the soft spots that stand out of it.

A bond counts at its midpoint if its |value| reaches a threshold; a bin takes the mean, or the sum, of its bonds; each bin
is then averaged with its neighbours, 8 in the plane. A soft spot is a bin that is a local maximum of its line along every
axis; its standing is Delta = eta_max / eta, 1 for the softest (SI of the article, section D).
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ..core.checks import choice, integer, is_traced
from ..system.box import cartesian, fractional


class Spots(NamedTuple):
    """Peaks of a softness field, the softest first.

    Attributes:
        position: (m, d), middles of their bins.
        score: (m,), eta.
        delta: (m,), eta_max / eta.
    """

    position: np.ndarray
    score: np.ndarray
    delta: np.ndarray


def softness_field(e, value, *, bins=40, threshold=1.1, reduce="mean", least=2):
    """Coarse-grained field of a bond quantity, in 2, 3 or more dimensions.

    Args:
        e: Expansion.
        value: (b,), for example the local thermal energy.
        bins: most bins along each cell vector.
        threshold: bonds with |value| below it are left out.
        reduce: "mean" or "sum" over the bonds of a bin.
        least: outside jit, bins are made fewer until each holds this many bonds; 0 leaves ``bins`` as it is.

    Returns:
        (bins,) * d array.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> field = jg.softness_field(e, jg.local_thermal_energy(e).value)
        >>> field.ndim, bool((field >= 0).all())
        (2, True)
    """
    choice("reduce", reduce, ("mean", "sum"))
    if jnp.shape(value) != e.bonds.i.shape:
        raise ValueError(
            f"value must hold one number per bond, shape {e.bonds.i.shape}, found {jnp.shape(value)}"
        )
    bins = integer("bins", bins, at_least=3)
    middle = fractional(e.glass.box, e.position[e.bonds.i] + 0.5 * e.separation)
    if not is_traced(e, value):
        bins = _fitting(np.asarray(middle)[np.asarray(e.bonds.valid)], bins, least)
    dim = e.glass.dim
    place = tuple(jnp.floor((middle % 1.0) * bins).astype(int).T % bins)
    kept = e.bonds.valid & ~(jnp.abs(value) < threshold)  # NaN is kept, and seen
    grid = jnp.zeros((bins,) * dim)
    total = grid.at[place].add(jnp.where(kept, jnp.abs(value), 0.0))
    if reduce == "mean":
        total = total / jnp.maximum(grid.at[place].add(kept), 1.0)
    for axis in range(dim):
        total = (total + jnp.roll(total, 1, axis) + jnp.roll(total, -1, axis)) / 3
    return total


def _fitting(middle, bins, least):
    """The largest number of bins, at most the given one, that leaves each bin its bonds."""
    dim = middle.shape[1]
    while bins > 3:
        place = np.ravel_multi_index(
            tuple(np.floor((middle % 1.0) * bins).astype(int).T % bins), (bins,) * dim
        )
        if np.bincount(place, minlength=bins**dim).min() >= least:
            break
        bins -= 1
    return bins


def softness_peaks(glass, field):
    """Soft spots of a softness field.

    Args:
        glass: Glass that the field belongs to.
        field: array with an axis a dimension, from ``softness_field``.

    Returns:
        Spots: position, score, delta, the softest first. Runs on the host.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import numpy as np, jaxglass as jg
        >>> spots = jg.softness_peaks(jg.glass([[0.0, 0.0]], 8.0), np.eye(4)[:, :2] @ np.diag([1.0, 2.0]) @ np.eye(2, 4))
        >>> spots.delta.tolist(), spots.position[0].tolist()
        ([1.0, 2.0], [3.0, 3.0])
    """
    field = np.asarray(field)
    if field.ndim != glass.dim:
        raise ValueError(f"field must have {glass.dim} axes for this glass, found {field.ndim}")
    peak = np.ones(field.shape, bool)
    for axis in range(field.ndim):
        peak &= (field > np.roll(field, 1, axis)) & (field > np.roll(field, -1, axis))
    place, score = np.argwhere(peak), field[peak]
    order = np.argsort(-score, kind="stable")
    position = np.asarray(
        cartesian(glass.box, jnp.asarray((place[order] + 0.5) / np.array(field.shape)))
    )
    return Spots(position, score[order], score[order][:1] / score[order])
