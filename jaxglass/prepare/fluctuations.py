"""Series of positions under Monte Carlo: what the covariance of displacements is taken from."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer, is_traced, positive
from ..core.struct import Struct
from ..host.progress import Progress
from ..models.pair import PairModel
from ..neighbours import search
from ..system.glass import Glass
from .swap import begun, glass_now, plan_swap, rows_of, swept


class PositionSeries(Struct):
    """Positions of a glass or liquid in equilibrium.

    Attributes:
        position: (frames, n, d), in the box; a move between two frames is short beside it.
        glass: Glass of the last frame.
        acceptance: share of the moves accepted.
        step: each Cartesian component of a move is uniform in [-step, step].
        status: bits.
    """

    position: Array
    glass: Glass
    acceptance: Array
    step: Array
    status: Array


class _Series(Struct):
    """A run and the frames of its last piece."""

    run: Any
    position: Array

    @property
    def status(self):
        return self.run.status


def position_series(
    key: Array,
    model: PairModel,
    glass: Glass,
    *,
    frames: int,
    sweeps: int,
    temperature: Any = 1.0,
    step: Any = None,
    progress: bool = False,
) -> PositionSeries:
    """Positions of particles that move, and keep their sizes, under Monte Carlo.

    Its covariance is ``jg.measured_hessian(series.position, edge, temperature)``.

    Args:
        key: JAX random key.
        model: PairModel; one of hard particles too.
        glass: Glass in equilibrium.
        frames: number of frames.
        sweeps: between two frames, so few that no particle goes half a box.
        temperature: of Boltzmann's factor; it does not matter to hard particles.
        step: of the moves; by default tuned before the run begins.
        progress: show a progress bar on stderr.

    Returns:
        PositionSeries.

    Example:
        >>> model, g = jg.models.get("hard2d"), jg.prepare.hard_start(jax.random.key(0), n=50)
        >>> seen = jg.prepare.position_series(jax.random.key(1), model, g, frames=20, sweeps=5)
        >>> seen.position.shape, int(seen.status)
        ((20, 50, 2), 0)
    """
    search.check(model, glass)
    frames = integer("frames", frames, at_least=1)
    every = integer("sweeps", sweeps, at_least=1)
    positive("temperature", temperature)
    if step is not None:
        positive("step", step)
    if glass.count < 2:
        raise ValueError(f"glass must have two particles or more, found {glass.count}")
    traced = is_traced((key, model, glass, temperature, step))
    plan = functools.partial(plan_swap, model, glass, 0.0)
    with_room = lambda attempt: search.with_room(attempt, key, model, glass, temperature, step)
    run = with_room(lambda room: begun(model, glass, key, temperature, step, plan=plan(room)))
    rows = frames if traced else rows_of(glass.count, every, frames)
    pieces, left = [], frames
    with Progress("Monte Carlo", frames, show=progress) as bar:
        while left:
            count = min(left, rows)
            of = run, temperature, count, every
            part = with_room(lambda room, of=of: _piece(model, *of, rows=rows, plan=plan(room)))
            run = part.run
            pieces.append(part.position[:count])
            left -= count
            bar.done(count)
    tally = run.state.tally
    position = jnp.concatenate(pieces)
    return PositionSeries(
        position,
        glass.replace(position=position[-1]),
        tally.moved / tally.moves,
        run.step,
        run.status,
    )


@functools.partial(jax.jit, static_argnames=("rows", "plan"))
def _piece(model, run, temperature, count, every, *, rows, plan):
    position = jnp.zeros((rows, *run.glass.position.shape))

    def one(k, series):
        run = swept(model, series.run, temperature, every, every, plan)
        place = glass_now(model, run, plan).position
        return _Series(run, series.position.at[k].set(place))

    return jax.lax.fori_loop(0, count, one, _Series(run, position))
