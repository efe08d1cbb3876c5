"""The Hessian that fluctuations about a mean configuration have measured.

Where the energy near a configuration is quadratic, displacements have the covariance
C = T M^-1, so that M = T C^+, with the motion of the centre of mass taken out. For hard particles,
which have no energy, that is their effective Hessian; for colloids it comes from a microscope.

The inverse of the covariance of few frames is too large on average, by frames over
(frames - n d + d - 2), which is taken out (the mean of an inverse Wishart matrix).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import finite, float64, integer, is_traced, positive
from ..core.status import Status, flag
from ..core.struct import Struct
from .inverse import flat_translations

# Frames over coordinates below which a status says that they are few: eigenvalues are then spread
# by (1 +- 1/2)^-2, a factor of nine.
ENOUGH = 4


class MeasuredHessian(Struct):
    """What a series of positions says of a Hessian.

    Attributes:
        matrix: (n d, n d), for ``from_hessian``.
        position: (n, d), mean positions, seen from the centre of mass.
        frequency: (n d - d,), roots of its eigenvalues, ascending.
        error: (n d - d,), their standard errors from the scatter between blocks of the series; NaN
            where a block has too few frames to be inverted. They do not show that the lowest come
            out too low and the highest too high, by (1 +- sqrt(n d / frames))^-1.
        status: TOO_SHORT where frames are few, NOT_A_MINIMUM where something does not fluctuate,
            NOT_FINITE.
    """

    matrix: Array
    position: Array
    frequency: Array
    error: Array
    status: Array


def hessian_from_covariance(series: Any, box_edge: Any, temperature: Any = 1.0) -> Array:
    """The Hessian T C^+ of a series of positions, C their covariance; symmetric.

    Args:
        series: (frames, n, d), positions in a periodic box, wrapped or not; more frames than
            coordinates, each closer to the one before than half a box.
        box_edge: edge of the box, or (d,) edges.
        temperature: k_B T, which the matrix is proportional to; 1 for hard particles.

    Returns:
        (n d, n d), for ``from_hessian``; ``measured_hessian`` has errors and a status too.

    Example:
        >>> kicks = 0.01 * jax.random.normal(jax.random.key(0), (200, 9, 2))
        >>> lattice = jnp.stack(jnp.meshgrid(*[jnp.arange(3.0)] * 2), axis=-1).reshape(-1, 2)
        >>> jg.hessian_from_covariance(lattice + kicks, 3.0).shape
        (18, 18)
    """
    return measured_hessian(series, box_edge, temperature, blocks=1).matrix


def measured_hessian(
    series: Any, box_edge: Any, temperature: Any = 1.0, *, blocks: int = 4
) -> MeasuredHessian:
    """The same with frequencies, their errors and a status.

    Args:
        series, box_edge, temperature: as for ``hessian_from_covariance``.
        blocks: parts of the series whose scatter gives the errors; they should be longer than
            fluctuations last.

    Example:
        >>> kicks = 0.01 * jax.random.normal(jax.random.key(0), (400, 9, 2))
        >>> lattice = jnp.stack(jnp.meshgrid(*[jnp.arange(3.0)] * 2), axis=-1).reshape(-1, 2)
        >>> found = jg.measured_hessian(lattice + kicks, 3.0)
        >>> bool(jnp.all(found.error > 0)), int(found.status)
        (True, 0)
    """
    series = float64("series", series)
    if series.ndim != 3:
        raise ValueError(f"series must have shape (frames, n, d), found {series.shape}")
    frames, n, d = series.shape
    if frames <= n * d:
        raise ValueError(
            f"series must have more frames than the {n * d} coordinates, found {frames}: "
            "the covariance of fewer has no inverse"
        )
    edge = float64("box_edge", box_edge)
    if edge.shape not in ((), (d,)):
        raise ValueError(f"box_edge must be a number or ({d},) edges, found shape {edge.shape}")
    if not is_traced(series, edge):
        finite("series", series)
        positive("box_edge", float(jnp.min(edge)))
    if not is_traced(temperature):
        positive("temperature", temperature)
    return _measured(series, edge, jnp.asarray(temperature), integer("blocks", blocks, at_least=1))


@jax.jit
def _displacements(series, edge):
    """Fluctuations about the mean and the mean, the motion of the centre taken out."""
    moved = jnp.diff(series, axis=0)
    moved = moved - edge * jnp.round(moved / edge)
    path = jnp.concatenate([series[:1], series[0] + jnp.cumsum(moved, axis=0)])
    path = path - jnp.mean(path, axis=1, keepdims=True)
    mean = jnp.mean(path, axis=0)
    return path - mean, mean


def _measured(series, edge, temperature, blocks):
    moved, mean = _displacements(series, edge)
    matrix, frequency = _hessian(moved, temperature)
    length = len(series) // blocks
    free = mean.size - mean.shape[1]
    if blocks > 1 and length > free + 2:
        parts = moved[: blocks * length].reshape(blocks, length, *mean.shape)
        parts = parts - jnp.mean(parts, axis=1, keepdims=True)
        each = jax.lax.map(lambda part: _hessian(part, temperature)[1], parts)
        error = jnp.std(each, axis=0, ddof=1) / jnp.sqrt(blocks)
    else:
        error = jnp.full_like(frequency, jnp.nan)
    status = (
        flag(jnp.bool_(len(series) < ENOUGH * mean.size), Status.TOO_SHORT)
        | flag(~(frequency[0] > 0), Status.NOT_A_MINIMUM)
        | flag(~jnp.all(jnp.isfinite(matrix)), Status.NOT_FINITE)
    )
    return MeasuredHessian(matrix, mean, frequency, error, status)


@jax.jit
def _hessian(moved, temperature):
    """T C^+ and the roots of its eigenvalues but those of translations."""
    frames, n, d = moved.shape
    flat, still = moved.reshape(frames, -1), flat_translations(n, d)
    covariance = flat.T @ flat / frames
    size = jnp.trace(covariance) / (n * d)  # of the translations' own share, which goes again
    inverse = jnp.linalg.inv(covariance + size * still @ still.T) - still @ still.T / size
    unbiased = (frames - n * d + d - 2) / frames
    matrix = temperature * unbiased * 0.5 * (inverse + inverse.T)
    value = jnp.linalg.eigvalsh(matrix)
    # translations have the eigenvalue zero, up to rounding, and lie below all others
    return matrix, jnp.sqrt(value[d:])


def nearest_pairs(position: Any, box_edge: Any, count: int = 6) -> np.ndarray:
    """The pairs of particles of which one is among the nearest of the other: what counts as bonds
    where nothing else says who interacts.

    Args:
        position: (n, d).
        box_edge: edge of the periodic box, or (d,) edges.
        count: neighbours of a particle; six are the first shell in the plane.

    Returns:
        (b, 2), each pair once, for ``from_hessian``. Runs on the host.

    Example:
        >>> square = np.stack(np.meshgrid(*[np.arange(4.0)] * 2), axis=-1).reshape(-1, 2)
        >>> jg.nearest_pairs(square, 4.0, count=4).shape
        (32, 2)
    """
    if is_traced(position, box_edge):
        raise TypeError("nearest_pairs runs on the host: call it outside jit and vmap")
    place, edge = np.asarray(position, float), np.asarray(box_edge, float)
    finite("position", place)
    count = integer("count", count, at_least=1)
    if place.ndim != 2 or len(place) <= count:
        raise ValueError(
            f"position must have shape (n, d) with more than {count} particles, found {place.shape}"
        )
    order = []
    for x in place:
        r = place - x
        square = np.sum((r - edge * np.round(r / edge)) ** 2, axis=1)
        order.append(np.argsort(square, kind="stable")[1 : count + 1])
    pairs = np.stack([np.repeat(np.arange(len(place)), count), np.concatenate(order)], axis=1)
    return np.unique(np.sort(pairs, axis=1), axis=0)
