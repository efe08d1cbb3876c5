"""Stable glasses without Monte Carlo: minimisation in which the particles' sizes move too.

    U(x, d) + k sum_i T_i (ln d_i / d_i0)^2 / 2,        sum_i d_i^dim kept,

over positions and diameters (Kapteijns, Ji, Brito, Wyart and Lerner 2019, who minimise an augmented
energy of this kind; that the spring is harmonic in ln d and that the volume of the particles is
kept are this package's choice). The softer the spring, the more stable the glass, and the wider its
distribution of sizes. FIRE on lists of bonds with a skin; a quench at the new sizes follows.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer, positive
from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..landscape.total import energy_on
from ..minimise.fire import DELAY, GROW, LONGEST, MIX, MIX_SHRINK, SHORTEST, SHRINK
from ..minimise.quench import Quenched, quench
from ..models.pair import PairModel
from ..neighbours import search
from ..neighbours.moving import skin_of
from ..system.glass import Glass

TOL = 1e-6  # of the typical force: the quench that follows makes the minimum exact
POWERS = 30  # iterations for the largest stiffness


class Resized(Struct):
    """A glass of new sizes.

    Attributes:
        quenched: Quenched at the new sizes.
        spread: root mean square of ln(d / d0).
        force: largest component of the gradient when the sizes were fixed, over the typical force.
        steps: of the minimisation with sizes.
        status: bits of both.
    """

    quenched: Quenched
    spread: Array
    force: Array
    steps: Array
    status: Array

    @property
    def glass(self):
        """The glass at its minimum."""
        return self.quenched.glass


def relax_sizes(
    model: PairModel,
    glass: Glass,
    *,
    stiffness: Any,
    force_tol: float = TOL,
    max_steps: int = 100_000,
) -> Resized:
    """Minimises the energy over positions and diameters, then over positions at these diameters.

    Args:
        model: PairModel of continuous diameters; its bound ``reach`` has to hold for the sizes that
            come out.
        glass: Glass, for example of a liquid at low temperature.
        stiffness: k of the springs that hold the logarithms of the diameters, an energy; infinite
            ones leave all as it was, the bonds' own are of the order of 100 energies.
        force_tol: largest component of the gradient when the sizes are fixed, over the typical
            force.
        max_steps: of the minimisation with sizes.

    Returns:
        Resized.

    Example:
        >>> model = jg.models.get("poly2d")
        >>> start = jg.random_glass(jax.random.key(0), "poly2d", 64)
        >>> soft = jg.prepare.relax_sizes(model, start, stiffness=100.0)
        >>> hard = jg.quench(model, start)
        >>> bool(jg.energy(model, soft.glass) < jg.energy(model, hard.glass)), int(soft.status)
        (True, 0)
    """
    search.check(model, glass)
    if model.sigma is not None:
        raise ValueError(f"model must be one of diameters, found {model.name} with species")
    positive("stiffness", stiffness)
    positive("force_tol", force_tol)
    integer("max_steps", max_steps, at_least=1)
    smooth = quench(model, glass, force_tol=1e-2)
    numbers = jnp.asarray(stiffness, jnp.float64), smooth.force_scale, force_tol, max_steps

    def attempt(room):
        plan = search.plan(model, glass, skin=skin_of(model, glass.dim), room=room)
        return _relaxed(model, smooth.glass, *numbers, plan=plan)

    state = search.with_room(attempt, model, smooth, stiffness)
    own = glass.replace(position=state.place(glass), diameter=state.diameter(glass))
    done = quench(model, own)
    status = state.status | done.status | flag(~(state.force < force_tol), Status.NOT_CONVERGED)
    spread = jnp.sqrt(jnp.mean(jnp.log(state.diameter(glass) / jnp.asarray(glass.diameter)) ** 2))
    return Resized(done, spread, state.force, state.steps, status)


class _State(Struct):
    """FIRE's state; coordinates (n, d + 1) are positions and logarithms of sizes, the latter in
    units of the particle spacing.
    """

    at: Array
    velocity: Array
    force: Array
    step: Array
    mix: Array
    since: Array
    steps: Array
    status: Array

    def place(self, glass):
        """Positions (n, d)."""
        return self.at[:, : glass.dim]

    def diameter(self, glass):
        """Diameters whose volume is that of the glass."""
        return _diameter(self.at[:, glass.dim], glass)


def _diameter(logarithm, glass):
    grown = glass.diameter * jnp.exp(logarithm / glass.spacing)
    volume = lambda d: jnp.sum(d**glass.dim)
    return grown * (volume(glass.diameter) / volume(grown)) ** (1 / glass.dim)


def _energy(model, glass, bonds, stiffness, at):
    """The augmented energy at coordinates (n, d + 1)."""
    own = glass.replace(position=at[:, : glass.dim], diameter=_diameter(at[:, glass.dim], glass))
    springs = 0.5 * stiffness * jnp.sum(jnp.log(own.diameter / glass.diameter) ** 2)
    return energy_on(model, own, bonds) + springs


@functools.partial(jax.jit, static_argnames="plan")
def _relaxed(model, glass, stiffness, unit, force_tol, max_steps, *, plan):
    n, dim = glass.position.shape
    at = jnp.concatenate([glass.position, jnp.zeros((n, 1))], axis=1)
    bonds_at = lambda at: search.find_bonds(
        model,
        glass.replace(position=at[:, :dim], diameter=_diameter(at[:, dim], glass)),
        plan,
    )
    slope = lambda bonds: jax.grad(lambda x: _energy(model, glass, bonds, stiffness, x))
    first, full = bonds_at(at)

    def product(z, _):
        z = z / jnp.linalg.norm(z)
        return jax.jvp(slope(first), (at,), (z,))[1], None

    z = jnp.cos(1.0 + jnp.arange(n * (dim + 1))).reshape(n, dim + 1)
    largest = jnp.linalg.norm(jax.lax.scan(product, z, length=POWERS)[0])
    longest = LONGEST / jnp.sqrt(largest)
    zero = jnp.int32(0)
    far, mix = jnp.float64(jnp.inf), jnp.float64(MIX)
    state = _State(at, jnp.zeros_like(at), far, 0.5 * longest, mix, zero, zero, full)

    def used(state, origin):
        """How much of the skin is used up since a list was made."""
        moved = state.at - origin
        way = jnp.sqrt(jnp.max(jnp.sum(moved[:, :dim] ** 2, axis=-1)))
        grown = jnp.max(jnp.abs(moved[:, dim])) / glass.spacing
        return 2 * way + 2 * grown * model.reach

    going = lambda state: (state.force >= force_tol) & (state.steps < max_steps)

    def listed(state):
        bonds, full = bonds_at(state.at)
        origin, gradient = state.at, slope(bonds)

        def move(state):
            return _step(state, -gradient(state.at), longest, unit)

        within = lambda s: going(s) & (used(s, origin) < plan.skin)
        state, _ = bounded_loop(within, move, state.replace(status=state.status | full), max_steps)
        return state

    healthy = lambda s: going(s) & (s.status == 0) & jnp.all(jnp.isfinite(s.at))
    return bounded_loop(healthy, listed, state, max_steps)[0]


def _step(state, force, longest, unit):
    """One step of FIRE."""
    power = jnp.sum(force * state.velocity)
    up = power > 0
    size = jnp.linalg.norm(force)
    turned = (1 - state.mix) * state.velocity + state.mix * force * (
        jnp.linalg.norm(state.velocity) / jnp.where(size > 0, size, 1.0)
    )
    late = state.since > DELAY
    faster = jnp.minimum(state.step * GROW, longest)
    slower = jnp.maximum(state.step * SHRINK, SHORTEST * longest)
    step = jnp.where(up, jnp.where(late, faster, state.step), slower)
    mix = jnp.where(up, jnp.where(late, state.mix * MIX_SHRINK, state.mix), MIX)
    velocity = jnp.where(up, turned, 0.0) + step * force
    return state.replace(
        at=state.at + step * velocity,
        velocity=velocity,
        force=jnp.max(jnp.abs(force)) / unit,
        step=step,
        mix=mix,
        since=jnp.where(up, state.since + 1, 0),
        steps=state.steps + 1,
    )
