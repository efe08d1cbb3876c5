"""Which frames of a trajectory lie a lag apart, and averages over all such pairs."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import float64, is_traced
from ..core.struct import Struct
from ..system.box import Box, make_box

# Of a gap between frames: times that differ by less are the same, as those of single precision.
SAME = 1e-4
# Numbers in what is averaged at once: some ten megabytes.
PIECE = 2**20


class Correlation(Struct):
    """A function of the lag.

    Attributes:
        lag: (m,), from 0.
        value: (m,).
        error: (m,), standard error; NaN where one trajectory alone does not tell.
    """

    lag: Array
    value: Array
    error: Array


class Pairs(NamedTuple):
    """Lags (m,); of every pair of frames so far apart both frames and which lag it is, (p,)."""

    lag: np.ndarray
    first: np.ndarray
    second: np.ndarray
    group: np.ndarray

    @property
    def count(self):
        """How many pairs have each lag, (m,)."""
        return np.bincount(self.group, minlength=len(self.lag))


def check_frames(position):
    """Refuses what is not the frames of one trajectory."""
    if np.ndim(position) != 3:
        raise ValueError(
            f"position must be frames (f, n, d), found shape {np.shape(position)}: "
            "use jax.vmap for more"
        )


def known_times(position, time):
    """Times of frames (f, n, d) as plain numbers, ascending."""
    check_frames(position)
    if is_traced(time):
        raise ValueError("time must be known while tracing: it decides which frames are compared")
    time = np.asarray(time, float)
    if time.shape != np.shape(position)[:1]:
        raise ValueError(
            f"time must be one number for each of {len(position)} frames, found shape {time.shape}"
        )
    if len(time) < 2 or not np.all(np.diff(time) > 0):
        raise ValueError("time must be two ascending numbers or more, found others")
    return time


def chosen(position, select):
    """The particles marked in ``select``, (f, m, d); all of them for None."""
    position = float64("position", jnp.asarray(position, float))
    if select is None:
        return position
    if is_traced(select):
        raise ValueError("select must be known while tracing: it decides how many are averaged")
    select = np.asarray(select)
    if select.dtype != bool or select.shape != position.shape[-2:-1] or not select.any():
        raise ValueError(
            f"select must be {position.shape[-2]} booleans, one of them true at least, found "
            f"{select.dtype} of shape {select.shape}"
        )
    return position[..., np.flatnonzero(select), :]


def known_box(box, dim) -> Box:
    """The Box of a Box, an edge or edges, whose numbers decide shapes."""
    with jax.ensure_compile_time_eval():
        box = make_box(box, dim)
    if is_traced(box.cell):
        raise ValueError("box must be known while tracing: it decides what is compared")
    return box


def rows_of_lags(time, lags):
    """How many frames each lag is, where frames are at equal distances; None where they are not."""
    step = (time[-1] - time[0]) / (len(time) - 1)
    if np.any(np.abs(np.diff(time) - step) > SAME * step):
        return None
    if lags is None:
        return np.arange(len(time))
    shares = np.unique(np.asarray(lags, float)) / step
    rows = np.rint(shares).astype(int)
    there = (np.abs(shares - rows) <= SAME) & (rows >= 0) & (rows < len(time))
    return rows if rows.ndim == 1 and there.all() else None


def pairs_of_frames(time, lags=None) -> Pairs:
    """All pairs of frames a lag apart.

    Args:
        time: (f,) ascending.
        lags: times; by default those of all frames since the first, so that a block of logarithmic
            times that is repeated finds itself again from every one of its origins.
    """
    wanted = time - time[0] if lags is None else np.unique(np.asarray(lags, float))
    if wanted.ndim != 1 or not len(wanted) or wanted[0] < 0 or not np.isfinite(wanted).all():
        raise ValueError("lags must be a list of times from 0 on, found others")
    margin = SAME * np.diff(time).min()
    found = []
    for k, lag in enumerate(wanted):
        at = np.searchsorted(time, time + lag - margin)
        near = np.minimum(at, len(time) - 1)
        hit = np.flatnonzero(np.abs(time[near] - time - lag) <= margin)
        found.append((hit, near[hit], np.full(len(hit), k)))
    if min(len(first) for first, _, _ in found) == 0:
        gone = wanted[[len(first) == 0 for first, _, _ in found]]
        raise ValueError(f"lags must lie between frames, but no two frames are {gone[0]:.6g} apart")
    return Pairs(wanted, *(np.concatenate(parts) for parts in zip(*found, strict=True)))


def averages(position, pairs, observe, parameter=None):
    """Means over pairs of frames at each lag.

    Args:
        position: (f, n, d).
        pairs: Pairs.
        observe: function of displacements (n, d) and the parameter that gives (k,); one of a
            module, by which compiled programs are found again.
        parameter: array.

    Returns:
        (m, k). Cost: the pairs, n each, in pieces of bounded memory.
    """
    size = max(1, PIECE // position[0].size)
    pieces = -(-len(pairs.first) // size)
    empty = len(pairs.lag)  # padding goes to a lag beyond the last
    padded = lambda a, fill: np.pad(a, (0, pieces * size - len(a)), constant_values=fill)
    rows = lambda a, fill=0: padded(a, fill).reshape(pieces, size)
    table = rows(pairs.first), rows(pairs.second), rows(pairs.group, empty)
    return _averages(position, table, pairs.count, parameter, observe=observe)


@functools.partial(jax.jit, static_argnames="observe")
def _averages(position, table, count, parameter, *, observe):
    seen = jax.vmap(lambda u: observe(u, parameter))
    width = jax.eval_shape(seen, position[:1]).shape[1]

    def piece(total, row):
        first, second, group = row
        return total.at[group].add(seen(position[second] - position[first])), None

    total = jax.lax.scan(piece, jnp.zeros((len(count) + 1, width)), table)[0]
    return total[:-1] / count[:, None]


def without_error(lag: Any, value: Array) -> Correlation:
    """A Correlation of one trajectory."""
    return Correlation(jnp.asarray(lag), value, jnp.full_like(value, jnp.nan))
