"""Trajectories: dynamics that keeps what it passes at given times, in memory or on disk."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, positive
from ..core.struct import Struct
from ..host.progress import Progress
from ..models.pair import PairModel, settled
from ..neighbours import search
from ..neighbours.assembly import assembly_of, over_samples
from ..neighbours.listing import potential
from ..neighbours.moving import first_list, plan_moving
from ..system.glass import Glass
from .dynamics import Motion, advanced

PIECE = 2**26  # bytes of positions in one call, and steps as well: some seconds
STEPS = 5000


class Trajectory(Struct):
    """Frames of a moving glass.

    Attributes:
        time: (f,), since the motion began.
        position: (f, n, d), not wrapped.
        energy: (f,), potential.
        kinetic: (f,).
        glass: Glass at the start: box, species or diameters.
        status: bits.
    """

    time: Array
    position: Array
    energy: Array
    kinetic: Array
    glass: Glass
    status: Array


def linear_times(total: float, count: int) -> np.ndarray:
    """Times 0 ... total at equal distances, ``count`` of them after 0.

    Example:
        >>> jg.prepare.linear_times(1.0, 4).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    return np.linspace(0.0, positive("total", total), integer("count", count, at_least=1) + 1)


def logarithmic_times(first: float, total: float, per_decade: int = 10) -> np.ndarray:
    """Times 0, first ... total, so many in every factor of ten.

    Example:
        >>> jg.prepare.logarithmic_times(0.01, 1.0, 1).round(3).tolist()
        [0.0, 0.01, 0.1, 1.0]
    """
    positive("first", first)
    if not total > first:
        raise ValueError(f"total must be larger than first, found {total} and {first}")
    decades = np.log10(total / first)
    count = round(integer("per_decade", per_decade, at_least=1) * decades) + 1
    return np.concatenate([[0.0], np.geomspace(first, total, max(2, count))])


def blocks_of_times(times: Any, spacing: float, origins: int) -> np.ndarray:
    """The same times from every one of many origins: (origins, len(times)).

    For correlations over a wide range of times with many origins; record the sorted unique times
    and find those of a block among them.

    Example:
        >>> jg.prepare.blocks_of_times([0.0, 0.1], 1.0, 3).tolist()
        [[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]]
    """
    start = positive("spacing", spacing) * np.arange(integer("origins", origins, at_least=1))
    return start[:, None] + np.asarray(times, float)


def record(
    model: PairModel,
    motion: Motion,
    times: Any,
    *,
    temperature: Any,
    into: Callable[[Trajectory], Any] | None = None,
    progress: bool = False,
) -> tuple[Motion, Trajectory]:
    """Moves a glass and keeps its positions at given times.

    Constant energy, Nose-Hoover, Langevin or Brownian, as the motion was started. The total
    momentum is zero, but under the noise of Langevin.

    Args:
        model: PairModel.
        motion: Motion.
        times: ascending, from now on; each is the nearest multiple of the time step, and two that
            are the same step become one frame.
        temperature: of the thermostat.
        into: takes the frames as they come, some seconds' worth at a time, for example
            ``jg.io.H5MDFile(path)``, so that memory stays bounded; what is returned then holds the
            last of them.
        progress: show a progress bar on stderr.

    Returns:
        The Motion at the last time, and the Trajectory.

    Example:
        >>> motion = jg.prepare.start_dynamics(jax.random.key(0), model, glass, temperature=0.3)
        >>> times = jg.prepare.linear_times(0.1, 4)
        >>> _, frames = jg.prepare.record(model, motion, times, temperature=0.3)
        >>> frames.position.shape, frames.time.round(3).tolist()
        ((5, 64, 2), [0.0, 0.025, 0.05, 0.075, 0.1])
    """
    search.check(model, motion.glass, many=True)
    positive("temperature", temperature)
    gaps, first = _gaps(times, float(motion.dt)), motion.steps
    parts: list[Trajectory] = []
    with Progress("recording", int(gaps.sum()), show=progress) as bar:
        for piece in _pieces(gaps, motion.position.nbytes):
            motion, part = _recorded(model, motion, piece, first, temperature)
            if into is not None:
                into(part)
                parts = []
            parts.append(part)
            bar.done(int(piece.sum()))
    return motion, _joined(parts)


def _gaps(times, dt):
    """Time steps between frames, the first one from now."""
    times = np.asarray(times, float)
    if times.ndim != 1 or not len(times):
        raise ValueError(f"times must be a list of one time or more, found shape {times.shape}")
    if not np.all(np.isfinite(times)) or times[0] < 0 or np.any(np.diff(times) < 0):
        raise ValueError("times must be ascending from 0 or later, found others")
    return np.diff(np.unique(np.rint(times / dt).astype(np.int64)), prepend=0)


def _pieces(gaps, size):
    """The gaps in parts of bounded memory and time."""
    frames = max(1, PIECE // size)
    begin = 0
    while begin < len(gaps):
        within = np.cumsum(gaps[begin : begin + frames]) <= STEPS
        end = begin + max(1, int(within.sum()))
        yield gaps[begin:end]
        begin = end


def _recorded(model, motion, gaps, first, temperature):
    """The Motion after these gaps, and its frames; lists are enlarged as needed."""
    rows = 1 << (len(gaps) - 1).bit_length()  # powers of two, for few programs
    padded = jnp.asarray(np.pad(gaps, (0, rows - len(gaps))), motion.steps.dtype)
    numbers = padded, jnp.int32(len(gaps)), jnp.float64(temperature)

    def attempt(room):
        return _frames(model, motion, *numbers, plan=plan_moving(model, motion.glass, room))

    kept = search.with_room(attempt, model, motion)
    cut = lambda a: a[: len(gaps)]
    time = (cut(kept.time) - first) * motion.dt
    frames = cut(kept.position), cut(kept.energy), cut(kept.kinetic)
    return kept.motion, Trajectory(time, *frames, motion.glass, kept.motion.status)


class _Kept(Struct):
    """A Motion and rows of a Trajectory, times in steps."""

    motion: Motion
    time: Array
    position: Array
    energy: Array
    kinetic: Array

    @property
    def status(self):
        return self.motion.status


@functools.partial(jax.jit, static_argnames="plan")
def _frames(model, motion, gaps, count, temperature, *, plan):
    rows = len(gaps)
    position = jnp.zeros((rows, *motion.position.shape))
    kept = _Kept(motion, jnp.zeros(rows, gaps.dtype), position, jnp.zeros(rows), jnp.zeros(rows))

    def one(k, kept):
        motion = advanced(model, kept.motion, gaps[k], temperature, temperature, plan=plan)
        energy, status = _energy(model, motion, plan)
        motion = motion.replace(status=motion.status | status)
        return _Kept(
            motion,
            kept.time.at[k].set(motion.steps),
            kept.position.at[k].set(motion.position),
            kept.energy.at[k].set(energy),
            kept.kinetic.at[k].set(motion.kinetic_energy),
        )

    return jax.lax.fori_loop(0, count, one, kept)


def _energy(model, motion, plan):
    """Potential energy of a Motion, and status."""

    def energy(model, glasses, position):
        all = assembly_of(model, glasses)
        pairs, full = first_list(model, all, plan, position)
        return potential(model, all, pairs, position), jnp.broadcast_to(full, all.samples)

    return over_samples(energy)(settled(model), motion.glass, motion.position)


def _joined(parts):
    if len(parts) == 1:
        return parts[0]
    rows = {
        name: jnp.concatenate([getattr(part, name) for part in parts])
        for name in ("time", "position", "energy", "kinetic")
    }
    return parts[-1].replace(**rows)
