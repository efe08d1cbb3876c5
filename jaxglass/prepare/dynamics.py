"""Molecular dynamics at given temperature. k_B = 1.

Positions are not wrapped while moving, so displacements can be read off.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import choice, integer, is_traced, not_negative, positive
from ..core.status import Status, flag
from ..core.struct import Struct, static
from ..models.pair import PairModel, settled
from ..neighbours import search
from ..neighbours.assembly import assembly_of, over_samples
from ..neighbours.listing import forces, potential
from ..neighbours.moving import first_list, on_fresh_lists, plan_moving, soundness, where
from ..system.glass import Glass
from ..system.masses import masses
from . import barostat, motions

# Share of the kinetic energy by which what a motion conserves may drift in one run. At the usual
# time steps it is 1e-4 after 2,000 steps; what integrates wrongly passes any bound soon.
DRIFT = 0.05


class Motion(Struct):
    """A moving glass: all that is needed to go on.

    Attributes:
        glass: Glass as it was at the start; ``position`` has the present positions.
        state: of the integrator: position, velocity, force, thermostat.
        steps: time steps taken.
        dt: time step.
        damping: of the thermostat.
        status: bits.
        thermostat: name.
    """

    glass: Glass
    state: motions.State
    steps: Array
    dt: Array
    damping: Array
    status: Array
    thermostat: str = static()

    @property
    def position(self):
        """Present positions, not wrapped, (n, d)."""
        return self.state.position

    @property
    def velocity(self):
        """Velocities, (n, d)."""
        return self.state.velocity

    @property
    def temperature(self):
        """Kinetic temperature.

        The total momentum is zero, unless the Langevin thermostat moves it too.
        """
        free = motions.degrees_of_freedom(self.thermostat, *self.velocity.shape)
        return 2 * self.kinetic_energy / free

    @property
    def kinetic_energy(self):
        """Of all particles."""
        return motions.kinetic_energy(self.state)

    def now(self):
        """The present configuration as a Glass."""
        return self.glass.replace(position=self.position)


def start_dynamics(
    key: Array,
    model: PairModel,
    glass: Glass,
    *,
    temperature: Any,
    dt: float = 0.005,
    thermostat: str = "nose-hoover",
    damping: float | None = None,
    mass: Any = None,
) -> Motion:
    """A glass with velocities drawn at a temperature, ready to move.

    Args:
        key: JAX random key, for velocities and for the noise of the Langevin thermostat.
        model: PairModel.
        glass: Glass without strong overlaps (``quench`` or ``push_apart`` first).
        temperature: of the velocities.
        dt: time step.
        thermostat: "nose-hoover", "langevin", "brownian" (overdamped) or "none".
        damping: relaxation time of the chain (default 100 dt), or friction (default 1).
        mass: (n,) masses; 1 by default. "brownian" does not feel them.

    Returns:
        Motion.

    Example:
        >>> cold = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
        >>> motion = jg.prepare.start_dynamics(jax.random.key(1), model, cold, temperature=0.5)
        >>> motion = jg.prepare.run_dynamics(model, motion, 100, temperature=0.5)
        >>> int(motion.steps), int(motion.status)
        (100, 0)
    """
    choice("thermostat", thermostat, motions.KINDS)
    positive("dt", dt)
    positive("temperature", temperature)
    search.check(model, glass, many=True)
    search.check_forces(model)
    if damping is None:
        damping = _damping(thermostat, dt)
    positive("damping", damping)
    mass = masses(mass, glass.count)

    numbers = tuple(jnp.asarray(a, jnp.float64) for a in (temperature, dt, damping))

    def attempt(room):
        plan = plan_moving(model, glass, room)
        return _start(model, glass, key, *numbers, mass, thermostat=thermostat, plan=plan)

    return search.with_room(attempt, model, glass)


def run_dynamics(
    model: PairModel,
    motion: Motion,
    steps: Any,
    *,
    temperature: Any,
    final_temperature: Any = None,
    pressure: Any = None,
) -> Motion:
    """Moves a glass by a number of time steps.

    Args:
        model: PairModel.
        motion: Motion.
        steps: number of time steps.
        temperature: of the thermostat.
        final_temperature: reached linearly at the last step; the same by default.
        pressure: at which the volume follows, with all that is in the box scaled alike; by default
            the volume stays.

    Returns:
        Motion; its status says where what it must conserve drifted.

    Example:
        See ``start_dynamics``.
    """
    if not is_traced(steps):
        integer("steps", steps.item() if hasattr(steps, "item") else steps, at_least=0)
    positive("temperature", temperature)
    final = temperature if final_temperature is None else final_temperature

    numbers = jnp.asarray(steps), *(jnp.asarray(t, jnp.float64) for t in (temperature, final))

    one = motion.glass
    if pressure is not None:
        return _at_pressure(_pressed, model, motion, one, numbers, pressure)
    attempt = lambda room: advanced(model, motion, *numbers, plan=plan_moving(model, one, room))
    return search.with_room(attempt, model, motion)


def _at_pressure(program, model, motion, one, numbers, pressure):
    """A Motion, or a stack of which ``one`` is a Glass, moved by a program at constant pressure.

    The bounds of a concrete box are renewed; a traced one keeps them, for the loops it is in, and
    lists that come out too small for it say so.
    """
    not_negative("pressure", pressure)
    box = lambda glass, new: glass.replace(box=new(glass.box))
    numbers = *numbers, jnp.asarray(pressure, jnp.float64)

    def attempt(room):
        plan = plan_moving(model, box(one, barostat.roomy), room)
        return program(model, motion, *numbers, plan=plan)

    motion = search.with_room(attempt, model, motion)
    if is_traced(motion.glass.box.cell):
        return motion
    return motion.replace(glass=box(motion.glass, barostat.with_bounds))


@functools.partial(jax.jit, static_argnames="plan")
def _pressed(model, motion, steps, temperature, final, pressure, *, plan):
    rest = steps, temperature, final, pressure
    return barostat.pressed(model, motion, *rest, advanced, plan)


def start_all(keys, model, glasses, temperature, *, dt, thermostat):
    """``start_dynamics`` of stacked glasses, with one key each; lists are enlarged as needed."""
    numbers = tuple(
        jnp.asarray(a, jnp.float64) for a in (temperature, dt, _damping(thermostat, dt))
    )
    one = jax.tree.map(lambda a: a[0], glasses)

    def attempt(room):
        plan = plan_moving(model, one, room)
        return _start_all(model, glasses, keys, *numbers, thermostat=thermostat, plan=plan)

    return search.with_room(attempt, model, glasses)


def run_all(model, motions, steps, temperature, final, pressure=None):
    """``run_dynamics`` of stacked motions; lists are enlarged as needed."""
    numbers = jnp.asarray(steps), *(jnp.asarray(t, jnp.float64) for t in (temperature, final))
    one = jax.tree.map(lambda a: a[0], motions.glass)
    if pressure is not None:
        return _at_pressure(_pressed_all, model, motions, one, numbers, pressure)

    def attempt(room):
        return _run_all(model, motions, *numbers, plan=plan_moving(model, one, room))

    return search.with_room(attempt, model, motions)


def _damping(thermostat, dt):
    return 1.0 if thermostat in ("langevin", "brownian") else 100 * dt


@functools.partial(jax.jit, static_argnames=("thermostat", "plan"))
def _start_all(model, glasses, keys, *numbers, thermostat, plan):
    one = lambda glass, key: _start(model, glass, key, *numbers, thermostat=thermostat, plan=plan)
    return jax.vmap(one)(glasses, keys)


@functools.partial(jax.jit, static_argnames="plan")
def _run_all(model, motions, *numbers, plan):
    return jax.vmap(lambda motion: advanced(model, motion, *numbers, plan=plan))(motions)


@functools.partial(jax.jit, static_argnames="plan")
def _pressed_all(model, motions, *numbers, plan):
    return jax.vmap(lambda motion: _pressed(model, motion, *numbers, plan=plan))(motions)


@functools.partial(jax.jit, static_argnames=("thermostat", "plan"))
def _start(model, glass, key, temperature, dt, damping, mass=None, *, thermostat, plan):
    def start(model, glasses, key, temperature, mass):
        all = assembly_of(model, glasses)
        pair = jax.vmap(jax.random.split)(key)
        draw = lambda *of: motions.velocities(of[0], glasses.position.shape[1:], *of[1:])
        pairs, full = first_list(model, all, plan, glasses.position)
        force = forces(model, all, pairs, glasses.position)
        state = motions.at_rest(pair[:, 1], glasses.position, force, mass)
        state = state.replace(velocity=jax.vmap(draw)(pair[:, 0], temperature, mass))
        return state, soundness(model, all, glasses) | full

    column = None if mass is None else mass[:, None]
    of = settled(model), glass, key, temperature, column
    state, status = over_samples(start)(*of)
    return Motion(glass, state, jnp.int32(0), dt, damping, status, thermostat)


class _Run(Struct):
    """Where a run stands.

    Attributes:
        state: State of all samples.
        begin: (s,), what the motion conserves, at the start.
        steps: of the run.
        status: of the lists.
    """

    state: motions.State
    begin: Array
    steps: Array
    status: Array

    @property
    def position(self):
        return self.state.position


@functools.partial(jax.jit, static_argnames="plan")
def advanced(model, motion, steps, temperature, final, *, plan):
    def run(model, glasses, state, steps, temperature, final, dt, damping):
        all = assembly_of(model, glasses)

        def conserved(state, pairs):
            energy = potential(model, all, pairs, state.position)
            return motions.conserved(motion.thermostat, state, energy, damping, temperature)

        def advance(run, pairs, _):
            first = lambda: conserved(run.state, pairs)
            run = run.replace(begin=jax.lax.cond(run.steps == 0, first, lambda: run.begin))
            share = (run.steps + 1) / jnp.maximum(steps, 1)
            now = temperature + share * (final - temperature)
            force = lambda x: forces(model, all, pairs, x)
            state = motions.step(motion.thermostat, force, dt, damping, run.state, now)
            if all.samples > 1:
                state = where(run.steps < steps, state, run.state)
            return run.replace(state=state, steps=run.steps + 1)

        most = jnp.max(steps)
        begin = _Run(state, jnp.zeros(all.samples), jnp.int32(0), jnp.int32(0))
        move = lambda run, pairs: None, advance
        run, pairs = on_fresh_lists(model, all, plan, move, lambda r: r.steps < most, begin, most)
        finite = jnp.all(jnp.isfinite(run.position), axis=(1, 2))
        status = soundness(model, all, glasses) | run.status | flag(~finite, Status.NOT_FINITE)
        if motion.thermostat in motions.CONSERVING:
            kinetic = 0.5 * all.n * glasses.dim * temperature
            far = jnp.abs(conserved(run.state, pairs) - run.begin) > DRIFT * kinetic
            status = status | flag(far & (temperature == final) & (steps > 0), Status.DRIFT)
        return run.state, status

    numbers = steps, temperature, final, motion.dt, motion.damping
    state, status = over_samples(run)(settled(model), motion.glass, motion.state, *numbers)
    return motion.replace(state=state, steps=motion.steps + steps, status=motion.status | status)
