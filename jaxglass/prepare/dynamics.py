"""Molecular dynamics at given temperature, with jax-md's integrators over our bond lists.

Masses are 1 and k_B = 1. Positions are not wrapped while moving, so displacements can be read off.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import choice, integer, is_traced, positive
from ..core.status import Status, flag
from ..core.struct import Struct, static
from ..landscape.expansion import at_bonds
from ..minimise.lists import on_fresh_lists, skin_of
from ..models import jaxmd, neighbours
from ..models.pair import PairModel, mixed, settled
from ..system.glass import Glass

THERMOSTATS = ("nose-hoover", "langevin", "none")


class Motion(Struct):
    """A moving glass: all that is needed to go on.

    Attributes:
        glass: Glass as it was at the start; ``position`` has the present positions.
        inner: the integrator's state (position, momentum, force, thermostat).
        steps: time steps taken.
        dt: time step.
        damping: of the thermostat.
        status: bits.
        thermostat: name.
    """

    glass: Glass
    inner: Any
    steps: Array
    dt: Array
    damping: Array
    status: Array
    thermostat: str = static()

    @property
    def position(self):
        """Present positions, not wrapped, (n, d)."""
        return self.inner.position

    @property
    def velocity(self):
        """Velocities, (n, d)."""
        return self.inner.momentum

    @property
    def temperature(self):
        """Kinetic temperature.

        The total momentum is zero, unless the Langevin thermostat moves it too.
        """
        n, d = self.velocity.shape
        return jnp.sum(self.velocity**2) / (n * d if self.thermostat == "langevin" else n * d - d)

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
) -> Motion:
    """A glass with velocities drawn at a temperature, ready to move.

    Args:
        key: JAX random key, for velocities and for the noise of the Langevin thermostat.
        model: PairModel.
        glass: Glass without strong overlaps (``quench`` or ``push_apart`` first).
        temperature: of the velocities.
        dt: time step.
        thermostat: "nose-hoover", "langevin" or "none".
        damping: relaxation time of the chain (default 100 dt), or Langevin friction (default 1).

    Returns:
        Motion.

    Example:
        >>> cold = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
        >>> motion = jg.prepare.start_dynamics(jax.random.key(1), model, cold, temperature=0.5)
        >>> motion = jg.prepare.run_dynamics(model, motion, 100, temperature=0.5)
        >>> int(motion.steps), int(motion.status)
        (100, 0)
    """
    choice("thermostat", thermostat, THERMOSTATS)
    positive("dt", dt)
    positive("temperature", temperature)
    neighbours.check(model, glass)
    if damping is None:
        damping = 1.0 if thermostat == "langevin" else 100 * dt
    positive("damping", damping)

    def attempt(room):
        sizes = neighbours.plan(model, glass, skin=skin_of(model), room=room)
        return _start(key, model, glass, temperature, dt, damping, thermostat, sizes)

    return neighbours.with_room(attempt, model, glass)


def run_dynamics(
    model: PairModel, motion: Motion, steps: Any, *, temperature: Any, final_temperature: Any = None
) -> Motion:
    """Moves a glass by a number of time steps.

    Args:
        model: PairModel.
        motion: Motion.
        steps: number of time steps.
        temperature: of the thermostat.
        final_temperature: reached linearly at the last step; the same by default.

    Returns:
        Motion.

    Example:
        See ``start_dynamics``.
    """
    if not is_traced(steps):
        integer("steps", steps.item() if hasattr(steps, "item") else steps, at_least=0)
    positive("temperature", temperature)
    final = temperature if final_temperature is None else final_temperature

    def attempt(room):
        sizes = neighbours.plan(model, motion.glass, skin=skin_of(model), room=room)
        return _run(model, motion, steps, temperature, final, sizes)

    return neighbours.with_room(attempt, model, motion)


def _forces(model, glass):
    known = settled(model)
    return lambda x, listed: (
        -at_bonds(known, glass.replace(position=x), listed[0], 1, listed[1]).gradient()
    )


@functools.partial(jax.jit, static_argnames=("thermostat", "sizes"))
def _start(key, model, glass, temperature, dt, damping, thermostat, sizes):
    initialise, _ = jaxmd.integrator(thermostat, _forces(model, glass), dt, damping)
    bonds, status = neighbours.find_bonds(model, glass, sizes)
    inner = initialise(
        key, glass.position, temperature, (bonds, mixed(model, glass, bonds.i, bonds.j))
    )
    asarray = functools.partial(jnp.asarray, dtype=jnp.float64)
    return Motion(glass, inner, jnp.int32(0), asarray(dt), asarray(damping), status, thermostat)


@functools.partial(jax.jit, static_argnames=("sizes",))
def _run(model, motion, steps, temperature, final, sizes):
    _, step = jaxmd.integrator(
        motion.thermostat, _forces(model, motion.glass), motion.dt, motion.damping
    )
    begin = motion.steps
    end = begin + steps

    def advance(m, bonds, scales):
        share = (m.steps - begin + 1) / jnp.maximum(steps, 1)
        return m.replace(
            inner=step(m.inner, temperature + share * (final - temperature), (bonds, scales)),
            steps=m.steps + 1,
        )

    def prepare(m, bonds):
        return mixed(model, m.glass, bonds.i, bonds.j)

    motion = on_fresh_lists(
        model, motion.glass, sizes, (prepare, advance), lambda m: m.steps < end, motion, end
    )
    return motion.replace(
        status=motion.status | flag(~jnp.all(jnp.isfinite(motion.position)), Status.NOT_FINITE)
    )
