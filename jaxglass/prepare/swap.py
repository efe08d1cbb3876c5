"""Swap Monte Carlo: moves of single particles, and exchanges of diameters or species between two.

Liquids of many sizes come to equilibrium far below the temperature at which their dynamics stops.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, is_traced, positive
from ..core.status import Status, flag
from ..core.struct import Struct
from ..host.progress import Progress
from ..landscape.total import energy_on
from ..models.pair import PairModel, kinds, settled
from ..neighbours import search
from ..neighbours.assembly import assembly_of
from ..neighbours.moving import soundness
from ..system.box import cartesian, face_distance, fractional, inverse, wrap
from ..system.glass import Glass
from .montecarlo import board as boards
from .montecarlo import one_by_one
from .montecarlo.tally import State, Surroundings, empty

# The step is tuned in rounds towards the acceptance at which liquids of soft particles move on
# fastest; a few hundred sweeps are short beside the relaxation of any liquid worth the method.
ROUNDS, SWEEPS, GOAL = 12, 10, 0.4
PIECE = 2e7  # attempts between looks at the clock, some seconds
BUFFER = 256  # samples of the energy taken in one call


class SwapRun(Struct):
    """A run of swap Monte Carlo.

    Attributes:
        glass: Glass at the end.
        energy: its total energy.
        energies: (sweeps // sample_every,), the total energy after every ``sample_every`` sweeps.
        acceptance, swap_acceptance: shares of the attempts accepted; NaN where none was made.
        step: each Cartesian component of a move is uniform in [-step, step].
        status: bits.
    """

    glass: Glass
    energy: Array
    energies: Array
    acceptance: Array
    swap_acceptance: Array
    step: Array
    status: Array


def swap_monte_carlo(
    key: Array,
    model: PairModel,
    glass: Glass,
    *,
    temperature: Any,
    sweeps: int,
    swap_fraction: float = 0.2,
    step: Any = None,
    sample_every: int = 1,
    progress: bool = False,
) -> SwapRun:
    """A glass or liquid under swap Monte Carlo at constant temperature.

    A sweep makes as many attempts as there are particles, in exact detailed balance. The set of
    diameters, or the number of particles of each species, stays the same to the last bit. Go on
    from a result with its ``glass`` and its ``step`` and another key.

    Args:
        key: JAX random key; the same key gives the same run.
        model: PairModel.
        glass: Glass, also one with overlaps.
        temperature: of Boltzmann's factor.
        sweeps: number of sweeps.
        swap_fraction: share of the attempts that are swaps, a plain number; 0 for none.
        step: of the moves; by default tuned before the run begins, in 120 sweeps of their own,
            towards an acceptance of 0.4.
        sample_every: sweeps between samples of the energy.
        progress: show a progress bar on stderr.

    Returns:
        SwapRun. ``jg.analysis.correlation_time(run.energies)`` says how far apart independent
        samples lie.

    Example:
        >>> model = jg.models.get("poly2d")
        >>> start = jg.random_glass(jax.random.key(0), "poly2d", 100)
        >>> start = jg.prepare.push_apart(model, start)
        >>> run = jg.swap_monte_carlo(jax.random.key(1), model, start, temperature=0.3, sweeps=20)
        >>> run.energies.shape, int(run.status)
        ((20,), 0)
    """
    search.check(model, glass)
    positive("temperature", temperature)
    sweeps = integer("sweeps", sweeps, at_least=1)
    every = integer("sample_every", sample_every, at_least=1)
    if not 0 <= swap_fraction <= 1:
        raise ValueError(f"swap_fraction must lie between 0 and 1, found {swap_fraction}")
    if step is not None:
        positive("step", step)
    if glass.count < 2:
        raise ValueError(f"glass must have two particles or more, found {glass.count}")
    _refuse_nothing_to_swap(model, glass, swap_fraction)
    traced = is_traced((key, model, glass, temperature, step))
    plan = functools.partial(plan_swap, model, glass, float(swap_fraction))
    with_room = lambda attempt: search.with_room(attempt, key, model, glass, temperature, step)
    run = with_room(lambda room: begun(model, glass, key, temperature, step, plan=plan(room)))
    samples = max(1, sweeps // every)
    rows = samples if traced else rows_of(glass.count, every, samples)
    energies, left = [], sweeps
    with Progress("swap Monte Carlo", sweeps, show=progress) as bar:
        while left:
            now = left if traced else min(left, rows * every)
            rest = run, temperature, now, every
            run = with_room(
                lambda room, rest=rest: advanced(model, *rest, rows=rows, plan=plan(room))
            )
            energies.append(run.energies[: now // every])
            left -= now
            bar.done(now)
    return with_room(lambda room: result(model, run, jnp.concatenate(energies), plan=plan(room)))


def swap_all(keys, model, glasses, temperature, sweeps, fraction, step):
    """``swap_monte_carlo`` of stacked glasses, with one key each, and one step each or None."""
    one = jax.tree.map(lambda a: a[0], glasses)
    _refuse_nothing_to_swap(model, one, fraction)
    numbers = jnp.float64(temperature), sweeps

    def attempt(room):
        plan = plan_swap(model, one, float(fraction), room)
        return _all(model, glasses, keys, step, *numbers, plan=plan)

    return search.with_room(attempt, model, glasses)


@functools.partial(jax.jit, static_argnames="plan")
def _all(model, glasses, keys, step, temperature, sweeps, *, plan):
    def single(glass, key, step):
        run = begun(model, glass, key, temperature, step, plan=plan)
        run = advanced(model, run, temperature, sweeps, sweeps, rows=1, plan=plan)
        return result(model, run, run.energies, plan=plan)

    return jax.vmap(single)(glasses, keys, step)


class _Plan(NamedTuple):
    """Sizes, fixed before tracing: a Board or None, those of a list of bonds, chance of a swap."""

    board: Any
    bonds: search.Plan
    fraction: float

    def chance(self):
        """That a try is a swap: on a board, two tries make one."""
        f = self.fraction
        return f if self.board is None else 2 * f / (1 + f)


class _Run(Struct):
    """A run in between.

    Attributes:
        glass: Glass at the start.
        origin: its fractional coordinates.
        state: State.
        step: of the moves.
        key: of the sweeps.
        sweeps: done.
        energies: those sampled in the last piece.
    """

    glass: Glass
    origin: list
    state: State
    step: Array
    key: Array
    sweeps: Array
    energies: Array

    @property
    def status(self):
        return self.state.status


def plan_swap(model, glass, fraction, room):
    board = boards.plan_board(glass.count, glass.box.width, model.reach, room)
    return _Plan(board, search.plan(model, glass, room=room), fraction)


def rows_of(n, every, samples):
    """Samples of the energy in one piece of a run: a power of two, for few programs."""
    whole = min(max(1, int(PIECE / (n * every))), BUFFER, max(1, samples))
    return 1 << (whole - 1).bit_length()


def _refuse_nothing_to_swap(model, glass, fraction):
    kind = kinds(model, glass)
    if fraction and not is_traced(kind) and np.all(np.asarray(kind) == np.asarray(kind).flat[0]):
        what = "diameters" if model.sigma is None else "species"
        raise ValueError(
            f"swap_fraction must be 0 where there is nothing to swap, found {fraction} and "
            f"{what} that are all {np.asarray(kind).flat[0]}"
        )


@functools.partial(jax.jit, static_argnames="plan")
def begun(model, glass, key, temperature, step, *, plan):
    """The run before its first sweep, its step tuned if there was none."""
    all = assembly_of(model, jax.tree.map(lambda a: a[None], glass))
    place = list(fractional(glass.box, glass.position).T)
    kind = kinds(model, glass)
    status = soundness(model, all, jax.tree.map(lambda a: a[None], glass))[0]
    if plan.board is not None:
        width = face_distance(glass.box.cell) / jnp.array(plan.board.cells)
        status = status | flag(jnp.min(width) < model.reach, Status.BOX_CHANGED)
    state = State(place, kind, empty(jnp.float64(0)), status)
    tuning, key = jax.random.split(key)
    spacing = glass.spacing
    run = _Run(glass, place, state, 0.1 * spacing, tuning, jnp.int32(0), jnp.zeros(1))
    if step is not None:
        run = run.replace(step=jnp.asarray(step, jnp.float64))
    elif plan.fraction < 1:
        run = _tuned(model, run, temperature, 0.5 * spacing, plan)
    energy, status = _energy(model, glass_now(model, run, plan), plan.bonds)
    state = run.state.replace(tally=empty(energy), status=run.status | status)
    return run.replace(state=state, key=key, sweeps=jnp.int32(0))


def _tuned(model, run, temperature, most, plan):
    """The run with a step at which about the GOAL of the moves is accepted, ``most`` at most."""

    def improve(_, run):
        run = run.replace(state=run.state.replace(tally=empty(jnp.float64(0))))
        run = swept(model, run, temperature, SWEEPS, SWEEPS, plan)
        tally = run.state.tally
        better = run.step * jnp.exp(2 * (tally.moved / tally.moves - GOAL))
        return run.replace(step=jnp.minimum(better, most))

    return jax.lax.fori_loop(0, ROUNDS, improve, run)


@functools.partial(jax.jit, static_argnames=("rows", "plan"))
def advanced(model, run, temperature, sweeps, every, *, rows, plan):
    """The run some sweeps later, with the energies sampled on the way."""
    run = run.replace(energies=jnp.zeros(rows))
    return swept(model, run, temperature, sweeps, every, plan)


def swept(model, run, temperature, sweeps, every, plan):
    """The run some sweeps later; energies go into the rows there are."""
    energy, box, n = settled(model), run.glass.box, run.glass.count
    cells = assembly_of(model, jax.tree.map(lambda a: a[None], run.glass)).cells
    all = Surroundings(list(cells.metric[0]), inverse(box.cell), box.orthogonal)
    chance = plan.chance()

    def one(k, run):
        key = jax.random.fold_in(run.key, run.sweeps)
        rest = run.state, temperature, run.step, chance, key
        if plan.board is None:
            state = one_by_one.sweep(energy, all, *rest)
        else:
            tries = boards.tries_of(plan.board, n, chance)
            state = boards.sweep(energy, all, plan.board, tries, *rest, run.sweeps)
        row = jnp.where((k + 1) % every == 0, (k + 1) // every - 1, len(run.energies))
        energies = run.energies.at[row].set(state.tally.energy, mode="drop")
        return run.replace(state=state, sweeps=run.sweeps + 1, energies=energies)

    return jax.lax.fori_loop(0, sweeps, one, run)


def glass_now(model, run, plan):
    """The present Glass."""
    glass = run.glass
    name = "diameter" if model.sigma is None else "species"
    glass = glass.replace(**{name: run.state.kind})
    if plan.fraction == 1:  # nobody moves
        return glass
    way = [x - y for x, y in zip(run.state.place, run.origin, strict=True)]
    moved = cartesian(glass.box, jnp.stack(way, axis=-1))
    return glass.replace(position=wrap(glass.box, glass.position + moved))


def _energy(model, glass, sizes):
    """Total energy and status."""
    bonds, status = search.find_bonds(model, glass, sizes)
    return energy_on(model, glass, bonds), status


@functools.partial(jax.jit, static_argnames="plan")
def result(model, run, energies, *, plan):
    glass = glass_now(model, run, plan)
    energy, status = _energy(model, glass, plan.bonds)
    tally = run.state.tally
    return SwapRun(
        glass=glass,
        energy=energy,
        energies=energies,
        acceptance=tally.moved / tally.moves,
        swap_acceptance=tally.swapped / tally.swaps,
        step=run.step,
        status=run.status | status | flag(~jnp.isfinite(energy), Status.NOT_FINITE),
    )
