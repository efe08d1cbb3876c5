"""How far particles move: mean square displacement, its shape, overlaps, diffusion.

msd(t)    <|dr|^2>, 2 d D t at long times
alpha_2   d <|dr|^4> / ((d + 2) <|dr|^2>^2) - 1, zero for Gaussian displacements
Q(t)      share of particles with |dr| < a; chi_4 = n (<Q^2> - <Q>^2)
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import integer, positive
from ..core.struct import Struct
from .frames import (
    Correlation,
    averages,
    chosen,
    known_times,
    pairs_of_frames,
    rows_of_lags,
    without_error,
)
from .neighbourhood import mean_of_neighbours

# Series that are transformed at once.
SERIES = 512


class Overlap(Struct):
    """Share of particles that stay, and how much it differs between origins.

    Attributes:
        lag: (m,).
        value: (m,), <Q>.
        square: (m,), <Q^2>; means of both over samples are those of the ensemble.
        count: particles.
    """

    lag: Array
    value: Array
    square: Array
    count: Array

    @property
    def chi_4(self) -> Array:
        """n (<Q^2> - <Q>^2), (m,)."""
        return self.count * (self.square - self.value**2)


class Diffusion(Struct):
    """Diffusion coefficient.

    Attributes:
        value: D.
        exponent: d log msd / d log t where it was fitted: 1 where motion is diffusive.
    """

    value: Array
    exponent: Array


def mean_square_displacement(
    position: Any, time: Any, *, select: Any = None, lags: Any = None
) -> Correlation:
    """<|x(t + lag) - x(t)|^2> over particles and all time origins.

    Args:
        position: (f, n, d), not wrapped.
        time: (f,).
        select: (n,) booleans, such as ``glass.species == 1``; all particles by default.
        lags: of which to take the mean; by default all distances from the first frame.

    Returns:
        Correlation. Cost: of frames at equal distances, two Fourier transforms of every coordinate;
        of others, the pairs of frames.

    Example:
        >>> x = jnp.arange(5.0)[:, None, None] * jnp.ones((5, 3, 2))   # ballistic
        >>> jg.liquid.mean_square_displacement(x, np.arange(5.0)).value.round(9).tolist()
        [0.0, 2.0, 8.0, 18.0, 32.0]
    """
    time = known_times(position, time)
    x = chosen(position, select)
    rows = rows_of_lags(time, lags)
    if rows is not None:
        return without_error(time[rows] - time[0], _by_transforms(x)[rows])
    pairs = pairs_of_frames(time, lags)
    return without_error(pairs.lag, averages(x, pairs, _powers)[:, 0])


def non_gaussian_parameter(
    position: Any, time: Any, *, select: Any = None, lags: Any = None
) -> Correlation:
    """alpha_2 = d <|dr|^4> / ((d + 2) <|dr|^2>^2) - 1, zero for Gaussian displacements; NaN at 0.

    Args:
        position, time, select, lags: as in ``mean_square_displacement``.

    Example:
        >>> x = jax.random.normal(jax.random.key(0), (2, 20_000, 3)).cumsum(axis=0)
        >>> bool(abs(jg.liquid.non_gaussian_parameter(x, [0.0, 1.0]).value[1]) < 0.05)
        True
    """
    time = known_times(position, time)
    x, pairs = chosen(position, select), pairs_of_frames(time, lags)
    second, fourth = averages(x, pairs, _powers).T
    d = x.shape[-1]
    return without_error(pairs.lag, d * fourth / ((d + 2) * second**2) - 1)


def overlap(
    position: Any, time: Any, *, distance: float, select: Any = None, lags: Any = None
) -> Overlap:
    """Share of particles that moved less than a distance, and chi_4.

    Args:
        position, time, select, lags: as in ``mean_square_displacement``.
        distance: a, usually 0.3 mean distances.

    Returns:
        Overlap; chi_4 needs many origins or, averaged, many samples.

    Example:
        >>> x = jnp.zeros((2, 4, 3)).at[1, 0].set(1.0)
        >>> jg.liquid.overlap(x, [0.0, 1.0], distance=0.3).value.tolist()
        [1.0, 0.75]
    """
    time = known_times(position, time)
    positive("distance", distance)
    x, pairs = chosen(position, select), pairs_of_frames(time, lags)
    value, square = averages(x, pairs, _stayed, jnp.asarray(float(distance))).T
    return Overlap(jnp.asarray(pairs.lag), value, square, jnp.asarray(float(x.shape[1])))


def diffusion_coefficient(lag: Any, value: Any, dim: int, *, start: Any = None) -> Diffusion:
    """D = slope of the mean square displacement over 2 d, at long times.

    Args:
        lag, value: (m,), of ``mean_square_displacement``.
        dim: d.
        start: first lag that counts; by default a third of the last.

    Returns:
        Diffusion: value, and the exponent there, which tells whether the motion is diffusive.

    Example:
        >>> t = jnp.linspace(0.0, 10.0, 50)
        >>> found = jg.liquid.diffusion_coefficient(t, 6 * 0.5 * t, 3)
        >>> round(float(found.value), 9), round(float(found.exponent), 9)
        (0.5, 1.0)
    """
    lag, value = jnp.asarray(lag, float), jnp.asarray(value, float)
    if lag.ndim != 1 or value.shape != lag.shape or len(lag) < 3:
        raise ValueError(
            f"value must be one number for each of three lags or more, found shapes {lag.shape} "
            f"of lag and {value.shape}"
        )
    integer("dim", dim, at_least=1)
    used = (lag >= (lag[-1] / 3 if start is None else start)) & (lag > 0) & jnp.isfinite(value)
    safe = lambda a: jnp.where(used, a, 1.0)
    slope = lambda x, y: _slope(x, y, used)
    exponent = slope(jnp.log(safe(lag)), jnp.log(safe(value)))
    return Diffusion(slope(lag, safe(value)) / (2 * dim), exponent)


def _powers(u, _):
    square = dot(u, u)
    return jnp.stack([jnp.mean(square), jnp.mean(square**2)])


def _stayed(u, distance):
    q = jnp.mean(jnp.where(dot(u, u) < distance**2, 1.0, 0.0))  # means of booleans are float32
    return jnp.stack([q, q**2])


def _slope(x, y, used):
    """Of the straight line through points, by least squares; NaN of fewer than two."""
    count = jnp.sum(used)
    middle = lambda a: jnp.sum(jnp.where(used, a, 0.0)) / count
    along = jnp.where(used, x - middle(x), 0.0)
    return jnp.sum(along * (y - middle(y))) / jnp.sum(along**2)


@jax.jit
def _by_transforms(x):
    """Of frames at equal distances: <r(k)^2> + <r(k + m)^2> - 2 <r(k).r(k + m)>."""
    f, n, d = x.shape
    x = (x - x[0]).reshape(f, n * d).T  # small numbers cancel better
    pieces = -(-len(x) // SERIES)
    x = jnp.pad(x, ((0, pieces * SERIES - n * d), (0, 0))).reshape(pieces, SERIES, f)

    def power(total, series):
        return total + jnp.sum(jnp.abs(jnp.fft.rfft(series, 2 * f)) ** 2, axis=0), None

    total = jax.lax.scan(power, jnp.zeros(f + 1), x)[0]
    origins = f - jnp.arange(f)
    product = jnp.fft.irfft(total, 2 * f)[:f] / origins
    square = jnp.sum(x**2, axis=(0, 1))
    early = jnp.cumsum(square)[::-1]  # of the first f - m frames
    late = jnp.cumsum(square[::-1])[::-1]  # of the last f - m
    return (((early + late) / origins - 2 * product) / n).at[0].set(0.0)


def neighbour_relative(position: Any, glass: Any, *, cutoff: float) -> Array:
    """Positions less the mean position of neighbours: their displacements are neighbour-relative.

    In the plane long waves move particles far without any rearrangement; what remains does not feel
    them. Neighbours are those of one configuration and stay so.

    Args:
        position: (..., n, d), not wrapped.
        glass: Glass whose neighbours count, such as that of the first frame.
        cutoff: distance of neighbours.

    Returns:
        (..., n, d); NaN for a particle without neighbours.

    Example:
        >>> x = glass.position + jnp.array([[[0.0, 0.0]], [[5.0, 1.0]]])   # all move alike
        >>> relative = jg.liquid.neighbour_relative(x, glass, cutoff=1.6)
        >>> bool(jnp.max(jnp.abs(relative[1] - relative[0])) < 1e-12)
        True
    """
    position = jnp.asarray(position, float)
    if position.shape[-2:] != glass.position.shape:
        raise ValueError(
            f"position must be of the particles of glass, (..., {glass.count}, {glass.dim}), "
            f"found shape {np.shape(position)}"
        )
    # Neighbours are counted at their nearest images: only displacements go into the means.
    moved = position - glass.position
    return position - mean_of_neighbours(glass, moved, positive("cutoff", cutoff))
