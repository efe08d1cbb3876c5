"""Parallel tempering: copies of one mixture at several temperatures that exchange their states."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, is_traced
from ..core.struct import Struct
from ..host.progress import Progress
from ..models.pair import PairModel
from ..neighbours import search
from ..system.glass import Glass
from . import swap
from .montecarlo.noise import uniforms


class Tempering(Struct):
    """A run of parallel tempering; everything in the order of the temperatures.

    Attributes:
        runs: SwapRun, (temperatures,) on everything; a series of energies is that of one
            temperature, whichever copy is there.
        exchange_acceptance: (temperatures - 1,), of exchanges between neighbours.
        place: (temperatures,), which copy is at which temperature at the end.
    """

    runs: swap.SwapRun
    exchange_acceptance: Array
    place: Array

    @property
    def status(self):
        """Bits of every temperature."""
        return self.runs.status


def parallel_tempering(
    key: Array,
    model: PairModel,
    glass: Glass,
    *,
    temperatures: Any,
    sweeps: int,
    exchange_every: int = 10,
    swap_fraction: float = 0.2,
    progress: bool = False,
) -> Tempering:
    """Swap Monte Carlo at several temperatures whose states change places now and then.

    Cheap insurance where one run may be stuck. Every ``exchange_every`` sweeps neighbours exchange
    states with probability min(1, exp((1/T - 1/T') (E - E'))), even and odd pairs in turn, and the
    energies are sampled before.

    Args:
        key: JAX random key.
        model: PairModel.
        glass: Glass at which all begin.
        temperatures: (k,), in ascending or descending order.
        sweeps: of each.
        exchange_every: sweeps between exchanges.
        swap_fraction: as in ``jg.swap_monte_carlo``.
        progress: show a progress bar on stderr.

    Returns:
        Tempering.

    Example:
        >>> model = jg.models.get("poly2d")
        >>> start = jg.prepare.push_apart(model, jg.random_glass(jax.random.key(0), "poly2d", 64))
        >>> t = jg.prepare.parallel_tempering(
        ...     jax.random.key(1), model, start, temperatures=[0.2, 0.25, 0.3], sweeps=40)
        >>> t.runs.energies.shape, t.exchange_acceptance.shape
        ((3, 4), (2,))
    """
    search.check(model, glass)
    sweeps = integer("sweeps", sweeps, at_least=1)
    every = integer("exchange_every", exchange_every, at_least=1)
    temperatures = jnp.asarray(temperatures, jnp.float64)
    if temperatures.ndim != 1 or len(temperatures) < 2:
        raise ValueError(f"temperatures must be two or more, found shape {temperatures.shape}")
    if not is_traced(temperatures) and not np.all(np.asarray(temperatures) > 0):
        raise ValueError(f"temperatures must be positive, found {temperatures.tolist()}")
    if sweeps < every:
        raise ValueError(f"sweeps must be at least exchange_every {every}, found {sweeps}")
    plan = lambda room: swap.plan_swap(model, glass, swap_fraction, room)
    keys = jax.random.split(key, len(temperatures))
    rounds = sweeps // every
    traced = is_traced((key, model, glass, temperatures))
    size = rounds if traced else swap.rows_of(glass.count * len(keys), every, rounds)
    begin = lambda room: _begun(model, glass, keys, temperatures, plan=plan(room))
    state = search.with_room(begin, key, model, glass, temperatures)
    energies, left = [], rounds
    with Progress("parallel tempering", rounds, show=progress) as bar:
        while left:
            now = min(left, size)
            rest = state, key, temperatures, now, every
            step = lambda room, rest=rest: _exchanged(model, *rest, rows=size, plan=plan(room))
            state = search.with_room(step, key, model, glass, temperatures)
            energies.append(state.energies[:, :now])
            left -= now
            bar.done(now)
    series = jnp.concatenate(energies, axis=1)
    result = lambda room: _result(model, state, series, plan=plan(room))
    runs = search.with_room(result, key, model, glass, temperatures)
    return Tempering(runs, state.accepted / state.tried, state.place)


class _State(Struct):
    """Runs (temperatures,), energies sampled in the last piece, accounts of exchanges."""

    runs: Any
    energies: Array
    tried: Array
    accepted: Array
    place: Array
    rounds: Array

    @property
    def status(self):
        return self.runs.status


@functools.partial(jax.jit, static_argnames="plan")
def _begun(model, glass, keys, temperatures, *, plan):
    one = lambda key, t: swap.begun(model, glass, key, t, None, plan=plan)
    runs = jax.vmap(one)(keys, temperatures)
    count = len(temperatures)
    none = jnp.zeros(count - 1, jnp.int32)
    return _State(runs, jnp.zeros((count, 1)), none, none, jnp.arange(count), jnp.int32(0))


@functools.partial(jax.jit, static_argnames=("rows", "plan"))
def _exchanged(model, state, key, temperatures, rounds, every, *, rows, plan):
    count = len(temperatures)
    state = state.replace(energies=jnp.zeros((count, rows)))
    sweep = lambda run, t: swap.advanced(model, run, t, every, every, rows=1, plan=plan)

    def one(k, state):
        runs = jax.vmap(sweep)(state.runs, temperatures)
        energy = runs.state.tally.energy
        energies = state.energies.at[:, k].set(energy)
        lower = jnp.arange(count - 1)
        turn = lower % 2 == state.rounds % 2
        gain = jnp.diff(1 / temperatures) * jnp.diff(energy)
        lots = uniforms(jax.random.fold_in(jax.random.fold_in(key, 1), state.rounds), (count - 1,))
        yes = turn & (jnp.log(lots) < gain)
        order = jnp.arange(count)
        order = order.at[:-1].add(yes).at[1:].add(-yes.astype(order.dtype))
        moved = jax.tree.map(lambda a: a[order], (runs.state.place, runs.state.kind, energy))
        tally = runs.state.tally.replace(energy=moved[2])
        inner = runs.state.replace(place=moved[0], kind=moved[1], tally=tally)
        return state.replace(
            runs=runs.replace(state=inner),
            energies=energies,
            tried=state.tried + turn,
            accepted=state.accepted + yes,
            place=state.place[order],
            rounds=state.rounds + 1,
        )

    return jax.lax.fori_loop(0, rounds, one, state)


@functools.partial(jax.jit, static_argnames="plan")
def _result(model, state, series, *, plan):
    return jax.vmap(lambda run, e: swap.result(model, run, e, plan=plan))(state.runs, series)
