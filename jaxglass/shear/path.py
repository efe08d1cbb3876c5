"""Quasistatic deformation: elastic branches, the events where they end, and the falls in between.

A branch is followed by continuation to its fold (branch.py, fold.py). There the glass is pushed
down the critical mode, to the side on which the cubic term lowers the energy, and falls at constant
strain; where it lands begins the next branch. Everything before the fall is exact; where a glass
lands is a matter of the dynamics, and the fall is named: by default steepest descent, followed as a
motion with error control (minimise/flow.py), from a push. Glasses of contacts go in steps and are
let go just behind each event (bisection.py).
"""

import functools
import math
import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import choice, integer, is_traced, positive
from ..core.loop import bounded_loop
from ..core.samples import loop_on_cpu
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import upright
from ..host.progress import Progress
from ..landscape.strain import as_direction
from ..minimise.quench import METHODS, quench
from ..neighbours import search
from ..system.glass import Glass
from . import bisection, branch, march
from .curve import ShearEvents, ShearRun, no_curve, no_events, trimmed
from .event import check_strain, widened
from .kept import Checkpoint
from .measures import d2min, nonaffine_displacement
from .near import find_near

# The push off a fold, in mean distances along the normalised critical mode: small beside the falls,
# whose largest displacements are some tenths, and large enough that the cubic term acts at once.
PUSH = 0.05
MOVED = 0.1  # mean distances: particles displaced by more took part in an event
ROOM = 64  # events to make room for at first, 60 n bytes each; outside tracing there is always more
PIECE = 8  # moves between two looks at the clock: a point of the grid, or an event
MAX_STEPS = 2000  # factorisations of one branch between two points of the grid


class _Settings(NamedTuple):
    sizes: march.Sizes
    events: int
    pieces: int
    fall: str
    kinks: bool

    def set_out(self, *of):
        """The March from a glass at a strain."""
        return (bisection if self.kinks else march).set_out(*of)

    def onward(self, walked, target):
        """The March at a strain, or where its branch ends."""
        go = bisection.stride if self.kinks else march.march
        return go(walked, self.sizes, target, MAX_STEPS)


class _State(Struct):
    """Where a path stands: at which point of the grid, on which march, what is recorded."""

    march: march.March
    sense: Array
    next: Array
    curve: Array
    rows: Array
    events: ShearEvents
    count: Array
    factorisations: Array
    status: Array


def shear(
    model: Any,
    glass: Glass,
    *,
    max_strain: Any,
    plane: tuple[int, int] = (0, 1),
    step: float = 1e-3,
    events: int | None = None,
    direction: Any = None,
    fall: str = "flow",
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> ShearRun:
    """Quasistatic deformation with every plastic event located as a fold.

    Args:
        model: PairModel or ManyBodyModel. Events of contacts (hertz, harmonic) are bracketed:
            status KINK.
        glass: Glass at a minimum.
        max_strain: strain to go to from 0; negative for the other sense; or a sequence of strains
            to go to one after the other, such as (0.05, -0.05, 0.0) for a cycle.
        plane: (p, q), simple shear: x_p moves with x_q.
        step: distance in strain of the points at which stress and energy are recorded. How far the
            continuation goes at once is its own matter, up to this step.
        events: stop after so many. While tracing it is also the room for them, 64 by default.
        direction: (d, d) displacement gradient E instead of a plane, x -> (1 + gamma E) x.
        fall: how a glass goes down at constant strain after an event: "flow", steepest descent as a
            motion; "fire"; or "conjugate", conjugate gradients as LAMMPS has them.
        progress: show a progress bar on stderr.
        checkpoint: file that is written on the way and that an interrupted run goes on from, in
            this process or another; it is removed at the end.

    Returns:
        ShearRun: strain, stress, energy, events, count, glass, factorisations, status. Outside
        tracing there are as many events as were met.

    Example:
        >>> run = jg.shear(model, glass, max_strain=0.02, step=0.005)
        >>> run.strain.shape, int(run.status)
        ((5,), 0)
    """
    search.check(model, glass, many=True)
    search.check_forces(model)
    choice("fall", fall, METHODS)
    grid, sense = _grid(max_strain, step)
    if events is not None:
        integer("events", events, at_least=1)
    toward = as_direction(plane if direction is None else direction, glass.dim)
    start = widened(glass, toward, np.max(np.abs(grid)))
    traced = is_traced(model, glass, direction)
    kept = None
    if checkpoint is not None:
        if traced:
            raise ValueError("checkpoint must be None under jit and vmap: nothing is written there")
        of = {"model": model, "glass": start, "direction": toward, "grid": grid, "fall": fall}
        kept = Checkpoint(checkpoint, **of, stop=events)

    def attempt(room):
        rows = events or ROOM
        if kept is not None:
            room, rows = kept.sizes(room, rows)
        kinks = bisection.has_kinks(model)
        sizes = march.sizes_of(model, start, room, factored=not kinks)
        settings = _Settings(sizes, rows, PIECE, fall, kinks)
        state = _begun(model, start, toward, points=len(grid), settings=settings)
        if traced:
            settings = settings._replace(pieces=len(grid) + settings.events)
            return _result(_moved(state, grid, sense, settings=settings))
        if kept is not None:
            state = kept.read(state, room, rows)
        write = lambda state, rows: kept is not None and kept.write(state, room, rows)
        return _on_host(state, grid, sense, settings, events, progress, write)

    found = search.with_room(attempt, model, start, overflows=march.OVERFLOWS)
    if kept is not None:
        kept.remove()
    return found


def _grid(max_strain, step):
    """Strains to record at, in their order, and the sense in which each is reached."""
    if is_traced(max_strain, step):
        raise ValueError("max_strain and step must be plain numbers, as they decide shapes")
    positive("step", step)
    ends = np.atleast_1d(np.asarray(max_strain, float))
    if ends.ndim != 1 or len(ends) == 0:
        raise ValueError(f"max_strain must be a number or a sequence, found shape {ends.shape}")
    grid, sense, at = [], [], 0.0
    for end in ends:
        check_strain("max_strain", end - at)
        count = max(1, math.ceil(abs(end - at) / step - 1e-9))
        way = at + np.sign(end - at) * step * np.arange(1, count + 1)
        way[-1] = end
        grid.append(way)
        sense.append(np.full(count, np.sign(end - at)))
        at = end
    first = sense[0][:1]
    return np.concatenate([[0.0], *grid]), np.concatenate([first, *sense])


def _on_host(state, grid, sense, settings, events, progress, write):
    """Piece after piece, with more room for events where they fill what there is."""
    with Progress("shear", len(grid), show=progress) as bar:
        bar.done(int(state.next))
        while True:
            before = int(state.next)
            state = _moved(state, grid, sense, settings=settings)
            bar.done(int(state.next) - before)
            if int(state.count) == settings.events and events is None:
                settings = settings._replace(events=2 * settings.events)
                state = _with_room(state, len(grid), settings.events)
            if not _is_going(state, len(grid), settings):
                return trimmed(_result(state))
            write(state, settings.events)


@functools.partial(jax.jit, static_argnames=("points", "settings"))
def _begun(model, glass, direction, *, points, settings):
    """A path that has still to look at its glass."""
    zero = jnp.int32(0)
    return _State(
        march=settings.set_out(model, glass, direction, settings.sizes),
        sense=jnp.ones(()),
        next=zero,
        curve=no_curve(points, settings.events),
        rows=zero,
        events=no_events(glass, settings.events),
        count=zero,
        factorisations=zero,
        status=zero,
    )


@functools.partial(jax.jit, static_argnames="settings")
def _moved(state, grid, sense, *, settings):
    """The path after some more points of the grid and events."""
    grid, sense = jnp.asarray(grid), jnp.asarray(sense)

    def of_one(state, grid, sense):
        going = lambda state: _is_going(state, len(grid), settings)
        move = lambda state: _move(state, grid, sense, settings)
        return bounded_loop(going, move, state, settings.pieces)[0]

    return loop_on_cpu(of_one)(state, grid, sense)


def _is_going(state, points, settings):
    return (state.next < points) & (state.count < settings.events) & (state.status == 0)


def _move(state, grid, sense, settings):
    """To the next point of the grid, or to an event and down it."""
    target, toward = grid[state.next], sense[state.next]
    turns = toward * state.sense < 0
    state = jax.lax.cond(turns, lambda: _turned(state), lambda: state)
    walked = state.march.replace(walk=state.march.walk.replace(rounds=jnp.int32(0)))
    walked = settings.onward(walked, toward * target)
    state = state.replace(
        march=walked,
        factorisations=state.factorisations + walked.walk.rounds,
        status=state.status | walked.status | branch.status_of(walked.walk, MAX_STEPS),
    )
    ended = (walked.walk.phase == branch.ENDED) & (state.status == 0)
    arrived = lambda: _recorded(state, state.march.walk.position, state.march.walk.strain).replace(
        next=state.next + 1
    )
    return jax.lax.cond(ended, lambda: _fallen(state, settings), arrived)


def _turned(state):
    """The path on the same branch in the other sense."""
    system, walk = state.march.system, state.march.walk
    system = system.replace(direction=-system.direction, origin=-system.origin)
    walk = branch.begin(walk.position, -walk.strain, walk.spacing)
    return state.replace(march=state.march.replace(system=system, walk=walk), sense=-state.sense)


def _recorded(state, position, strain):
    """The path with strain, stress and energy of a configuration added to its curve."""
    system = state.march.system
    e = system.at(position, strain, order=1)
    stress = state.sense * system.work(e, strain) / e.glass.box.volume
    energy = sum(map(jnp.sum, jax.tree.leaves(e.energy)))  # of every kind of terms
    row = jnp.stack([state.sense * strain, stress, energy])
    return state.replace(curve=state.curve.at[state.rows].set(row), rows=state.rows + 1)


def _fallen(state, settings):
    """The path after an event: down from where the branch ends at constant strain."""
    system, walk = state.march.system, state.march.walk
    (position, strain), (top, behind) = _edge(system, walk, settings)
    state = _recorded(state, position, strain)
    before = system.glass.replace(position=position, box=system.box(strain))
    let_go = before.replace(position=top, box=system.box(behind))
    landed = quench(system.model, let_go, method=settings.fall)
    of = system.model, landed.glass, system.direction, settings.sizes
    onward = settings.set_out(*of, behind)
    # the march makes its own lists where it goes on; what is recorded here needs one too
    who, found = find_near(system.model, landed.glass, settings.sizes.list)
    onward = onward.replace(system=onward.system.replace(near=who))
    failed = landed.status & ~(bisection.HARMLESS if settings.kinks else 0)
    state = state.replace(march=onward, status=state.status | failed | found)
    state = _recorded(state, landed.glass.position, behind)
    event = _event(walk, state, before, landed.glass)
    put = lambda all, one: all.at[state.count].set(one)
    return state.replace(events=jax.tree.map(put, state.events, event), count=state.count + 1)


def _edge(system, walk, settings):
    """Where a branch ends, and from where the glass falls: positions and strain of both."""
    if settings.kinks:
        return (walk.position, walk.strain), (walk.trial, walk.trial_strain)
    end = walk.trial, walk.trial_strain
    e = system.at(*end, order=3)
    downhill = -jnp.sign(jnp.sum(walk.mode * e.third(walk.mode, walk.mode)))
    push = PUSH * walk.spacing * downhill * walk.mode
    return end, (walk.trial + push, walk.trial_strain)


def _event(walk, state, before, after):
    """One ShearEvents, without an axis of events; the last two rows of the curve are its own."""
    old, new = state.curve[state.rows - 2], state.curve[state.rows - 1]
    way = jnp.linalg.norm(nonaffine_displacement(before, after), axis=1)
    mode = upright(walk.mode[None])[0]
    return ShearEvents(
        strain=old[0],
        sense=state.sense,
        particle=jnp.argmax(jnp.sum(mode * mode, axis=1)),
        mover=jnp.argmax(way),
        stress_drop=old[1] - new[1],
        energy_drop=old[2] - new[2],
        moved=jnp.sum(way > MOVED * walk.spacing),
        mode=mode,
        d2min=d2min(before, after),
        before=before,
        after=after,
    )


def _with_room(state, points, events):
    """The path with room for more events."""
    curve = no_curve(points, events).at[: len(state.curve)].set(state.curve)
    more = no_events(state.march.system.glass, events)
    put = lambda new, old: new.at[: len(old)].set(old)
    return state.replace(curve=curve, events=jax.tree.map(put, more, state.events))


def _result(state):
    system, walk = state.march.system, state.march.walk
    glass = system.glass.replace(position=walk.position, box=system.box(walk.strain))
    strain, stress, energy = state.curve.T
    kinks = bisection.has_kinks(system.model) & (state.count > 0)
    return ShearRun(
        strain=strain,
        stress=stress,
        energy=energy,
        events=state.events,
        count=state.count,
        glass=glass,
        factorisations=state.factorisations,
        status=state.status | flag(kinks, Status.KINK),
    )
