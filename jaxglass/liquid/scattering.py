"""Density in reciprocal space: self-intermediate scattering, structure factor and its first peak.

    F_s(q, t) = <exp(i q.(x(t) - x(0)))>,      S(q) = <|sum_j exp(i q.x_j)|^2> / n

Over all directions the exponential becomes cos in one dimension, J_0(q r) in two, sin(q r)/(q r) in
three, 2 J_1(q r)/(q r) in four; over wave vectors that the box allows, their mean.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import integer, positive
from ..core.struct import Struct
from ..system.box import fractional, inverse
from .frames import (
    Correlation,
    averages,
    check_frames,
    chosen,
    known_box,
    known_times,
    pairs_of_frames,
    rows_of_lags,
    without_error,
)

# Below this argument J_0 and J_1 are means over directions, beyond it Hankel's expansion.
FAR = 50.0
NODES, TERMS = 48, 12
# Wave vectors near one q, and in each bin of S(q): fewer make noise, more cost time.
DIRECTIONS, PER_BIN = 32, 30
# Bins of S(q) in units of 2 pi / a0 with a0 the mean distance: the peak is about 0.2 wide there.
BIN, LAST = 0.025, 2.5
# Share of q about the highest bin in which the peak is fitted by a parabola.
ABOUT = 0.1


class StructureFactor(Struct):
    """S(q) in bins of |q|.

    Attributes:
        q: (k,), mean |q| of the vectors in each bin.
        value: (k,).
        vectors: (k,), how many of them.
        peak: position of the first peak.
    """

    q: Array
    value: Array
    vectors: Array
    peak: Array


def intermediate_scattering(
    position: Any,
    time: Any,
    q: Any,
    *,
    select: Any = None,
    lags: Any = None,
    box: Any = None,
    vectors: int = DIRECTIONS,
) -> Correlation:
    """Self part of the intermediate scattering function over particles and all time origins.

    Args:
        position: (f, n, d), not wrapped.
        time: (f,).
        q: wave number, such as the peak of ``structure_factor_peak``.
        select: (n,) booleans; all particles by default.
        lags: of which to take the mean; by default all distances from the first frame.
        box: Box or edges: wave vectors nearest q that it allows, by Fourier transforms where
            frames are at equal distances. By default the mean over all directions.
        vectors: how many of them.

    Returns:
        Correlation.

    Example:
        >>> x = jnp.arange(5.0)[:, None, None] * jnp.ones((5, 3, 3)) / jnp.sqrt(3.0)
        >>> f = jg.liquid.intermediate_scattering(x, np.arange(5.0), np.pi)
        >>> f.value.round(9).tolist()[:2]      # sin(q r)/(q r) at r = 0 and 1
        [1.0, -0.0]
    """
    time = known_times(position, time)
    positive("q", q)
    x = chosen(position, select)
    if box is None:
        pairs = pairs_of_frames(time, lags)
        value = averages(x, pairs, _in_all_directions, jnp.asarray(q, float))
        return without_error(pairs.lag, value[:, 0])
    near = jnp.asarray(wave_vectors_near(box, x.shape[-1], q, vectors))
    rows = rows_of_lags(time, lags)
    if rows is not None:
        return without_error(time[rows] - time[0], _by_transforms(x, near)[rows])
    pairs = pairs_of_frames(time, lags)
    return without_error(pairs.lag, averages(x, pairs, _along, near)[:, 0])


def structure_factor_peak(
    position: Any, box: Any, *, select: Any = None, largest: float | None = None
) -> StructureFactor:
    """S(q) of frames and the position of its first peak.

    Args:
        position: (f, n, d), wrapped or not.
        box: Box or edges.
        select: (n,) booleans; all particles by default.
        largest: |q|; by default 2.5 times 2 pi over the mean distance of all particles.

    Returns:
        StructureFactor; the peak is the highest value above half of 2 pi over the mean distance,
        fitted by a parabola.

    Example:
        >>> s = jg.liquid.structure_factor_peak(glass.position[None], glass.box)
        >>> bool(4 < s.peak < 8)
        True
    """
    check_frames(position)
    n, d = np.shape(position)[1:]
    box = known_box(box, d)
    unit = 2 * np.pi * (n / abs(np.linalg.det(box.cell))) ** (1 / d)
    largest = LAST * unit if largest is None else float(positive("largest", largest))
    integers, bins = _in_bins(np.asarray(box.cell), largest, BIN * unit)
    x = chosen(position, select)
    s = _structure(x, box, jnp.asarray(integers))
    count = np.bincount(bins)
    mean = lambda a: jnp.zeros(len(count)).at[bins].add(a) / count
    length = np.linalg.norm(_vectors(np.asarray(box.cell), integers), axis=1)
    q, value = mean(length), mean(s)
    return StructureFactor(q, value, jnp.asarray(count), _peak(q, value, count, 0.5 * unit))


def over_directions(x: Array, dim: int) -> Array:
    """Mean of cos(x u) over unit vectors in so many dimensions, u their first component.

    Example:
        >>> round(float(jg.liquid.over_directions(jnp.pi / 2, 3)), 9) == round(2 / np.pi, 9)
        True
    """
    if dim == 1:
        return jnp.cos(x)
    if dim == 3:
        return jnp.sinc(x / jnp.pi)
    if dim not in (2, 4):
        raise ValueError(f"dim must be 1, 2, 3 or 4, found {dim}")
    return _bessel(x, 0) if dim == 2 else 2 * _bessel(x, 1) / jnp.where(x == 0, 1.0, x) + (x == 0)


def _in_all_directions(u, q):
    square = dot(u, u)
    length = jnp.sqrt(jnp.where(square > 0, square, 1.0)) * (square > 0)
    return jnp.mean(over_directions(q * length, u.shape[-1]))[None]


def _along(u, vectors):
    return jnp.mean(jnp.cos(u @ vectors.T))[None]


def _bessel(x, order):
    """J_0 or J_1 of numbers from 0 on."""
    angle = np.pi * (np.arange(NODES) + 0.5) / NODES
    # J_0 = <cos(x sin a)>, J_1 = <cos(a - x sin a)> over half a turn
    near = sum(jnp.cos(order * a - jnp.minimum(x, FAR) * np.sin(a)) for a in angle) / NODES
    far = jnp.maximum(x, FAR)
    phase = far - (2 * order + 1) * jnp.pi / 4
    term, even, odd = jnp.ones_like(far), jnp.ones_like(far), jnp.zeros_like(far)
    for k in range(1, TERMS):
        term = term * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k * far)
        sign = 1 if k % 4 < 2 else -1
        even, odd = (even, odd + sign * term) if k % 2 else (even + sign * term, odd)
    wave = jnp.cos(phase) * even - jnp.sin(phase) * odd
    return jnp.where(x < FAR, near, jnp.sqrt(2 / (jnp.pi * far)) * wave)


def _vectors(cell, integers):
    """2 pi L^-T m, (k, d)."""
    return 2 * np.pi * integers @ np.linalg.inv(cell)


def _half_of_integers(cell, largest):
    """Integers m with |k| up to a largest one, no two opposite."""
    reach = np.floor(largest * np.linalg.norm(cell, axis=0) / (2 * np.pi)).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), -1)
    every = grid.reshape(-1, len(reach))
    first = np.argmax(every != 0, axis=1)
    every = every[every[np.arange(len(every)), first] > 0]
    return every[np.linalg.norm(_vectors(cell, every), axis=1) <= largest]


def wave_vectors_near(box: Any, dim: int, q: float, most: int = DIRECTIONS) -> np.ndarray:
    """Wave vectors that a box allows, those nearest a length first, (k, d), no two opposite.

    Example:
        >>> jg.liquid.wave_vectors_near(2 * np.pi, 2, 1.0, most=2).round(9).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    cell = np.asarray(known_box(box, dim).cell)
    step = 2 * np.pi / np.linalg.norm(cell, axis=0).min()
    vectors = _vectors(cell, _half_of_integers(cell, q + step))
    off = np.abs(np.linalg.norm(vectors, axis=1) - q)
    return vectors[np.argsort(off.round(9), kind="stable")[: integer("most", most, at_least=1)]]


def _in_bins(cell, largest, width):
    """Integers of wave vectors up to a largest one, at most so many a bin, and their bins."""
    every = _half_of_integers(cell, largest)
    length = np.linalg.norm(_vectors(cell, every), axis=1)
    _, bins = np.unique((length / width).astype(int), return_inverse=True)
    # A fixed shuffle, so that those kept of a bin point everywhere.
    order = np.random.default_rng(0).permutation(len(every))
    order = order[np.argsort(bins[order], kind="stable")]
    _, begin = np.unique(bins[order], return_index=True)
    rank = np.arange(len(order)) - begin[bins[order]]
    kept = order[rank < PER_BIN]
    return every[kept], bins[kept]


@jax.jit
def _structure(x, box, integers):
    """|sum_j exp(i k.x_j)|^2 / n of wave vectors, the mean over frames, (k,)."""
    f, n, d = x.shape
    most = integers.shape[0]
    size = max(1, 2**21 // n)
    pieces = -(-most // size)
    rows = jnp.pad(integers, ((0, pieces * size - most), (0, 0))).reshape(pieces, size, d)

    def frame(total, x):
        s = 2 * jnp.pi * fractional(box, x)

        def piece(m):
            phase = m @ s.T
            return jnp.sum(jnp.cos(phase), axis=1) ** 2 + jnp.sum(jnp.sin(phase), axis=1) ** 2

        return total + jax.lax.map(piece, rows.astype(s.dtype)).reshape(-1), None

    total = jax.lax.scan(frame, jnp.zeros(pieces * size), x)[0]
    return total[:most] / (n * f)


def _peak(q, value, count, lowest):
    """Where a parabola about the highest bin is highest; bins count by their vectors."""
    high = jnp.argmax(jnp.where(q >= lowest, value, -jnp.inf))
    off = (q - q[high]) / q[high]
    weight = jnp.where(jnp.abs(off) <= ABOUT, jnp.asarray(count, float), 0.0)
    columns = jnp.stack([jnp.ones_like(off), off, off**2])
    a = (columns * weight) @ columns.T
    b = (columns * weight) @ value
    fit = inverse(a) @ b
    return q[high] * (1 - 0.5 * fit[1] / fit[2])


@jax.jit
def _by_transforms(x, vectors):
    """Of frames at equal distances: the autocorrelation of exp(i q.x) over particles, (f,)."""
    f, n, _ = x.shape

    def particle(total, x):
        phase = x @ vectors.T
        series = jnp.exp(1j * phase).T
        return total + jnp.sum(jnp.abs(jnp.fft.fft(series, 2 * f)) ** 2, axis=0), None

    total = jax.lax.scan(particle, jnp.zeros(2 * f), jnp.swapaxes(x, 0, 1))[0]
    sums = jnp.real(jnp.fft.ifft(total))[:f]
    return sums / ((f - jnp.arange(f)) * n * len(vectors))
