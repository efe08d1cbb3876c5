"""Inherent structures: from any finite start to a minimum of the energy, to machine precision.

Overlaps are pushed apart, FIRE runs to a small fraction of the typical bond force, and Newton's method with conjugate
gradients finishes. If Newton meets negative curvature or does not reduce the force, FIRE goes on to a tenth of the
force and Newton tries again.

The minimum is differentiable in the model and the box: from F(x, model) = 0,  dx = -M^-1 (dF/dmodel) dmodel.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import integer, positive
from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import struct
from ..landscape.expansion import at_bonds
from ..landscape.solve import remove_translation, solve
from ..linalg.cg import cg
from ..models import neighbours
from ..models.pair import settled
from ..system.box import wrap
from ..system.glass import Glass
from . import fire
from .lists import skin_of

NEWTON_STEPS = 8
ROUNDS = 8


@struct
class Quenched:
    """An inherent structure.

    Attributes:
        glass: Glass at the minimum.
        max_force: largest component of the gradient there.
        steps: gradient evaluations of the descent.
        status: bits.
    """

    glass: Glass
    max_force: object
    steps: object
    status: object


class _Settings(NamedTuple):
    sizes: neighbours.Plan
    force_tol: float
    max_steps: int


def quench(model, glass, *, force_tol=1e-10, max_steps=200_000):
    """The inherent structure below a configuration.

    Args:
        model: PairModel.
        glass: Glass, any finite start.
        force_tol: largest force component allowed at the minimum.
        max_steps: limit of gradient evaluations.

    Returns:
        glass, max_force, steps, status. Differentiable in the model and the box, forward and reverse, whatever the
        number of steps; the derivative with respect to the start is zero.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> start = jg.random_glass(jax.random.key(0), "ipl2d", 64)
        >>> bool(jg.quench(model, start).max_force < 1e-10)
        True
    """
    neighbours.check(model, glass)
    positive("force_tol", force_tol)
    integer("max_steps", max_steps, at_least=1)

    def attempt(room):
        sizes = neighbours.plan(model, glass, skin=skin_of(model), room=room)
        return _quench(model, glass, _Settings(sizes, float(force_tol), max_steps))

    return neighbours.with_room(attempt, model, glass)


def push_apart(model, glass):
    """Separates overlapping particles, so that dynamics can start; returns the Glass, not a minimum.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model, start = jg.models.get("ipl2d"), jg.random_glass(jax.random.key(0), "ipl2d", 64)
        >>> bool(jg.energy(model, jg.prepare.push_apart(model, start)) < jg.energy(model, start))
        True
    """
    neighbours.check(model, glass)
    attempt = lambda room: _push_apart(
        model, glass, neighbours.plan(model, glass, skin=skin_of(model), room=room)
    )
    return neighbours.with_room(attempt, model, glass).glass


@functools.partial(jax.jit, static_argnums=2)
def _push_apart(model, glass, sizes):
    state, _ = fire.push_apart(settled(model), glass, sizes, fire.start(glass.position))
    return Quenched(
        glass.replace(position=wrap(glass.box, state.position)),
        state.force,
        state.steps,
        state.status,
    )


@functools.partial(jax.jit, static_argnums=2)
def _quench(model, glass, settings):
    position, max_force, steps, status = _minimum(model, glass, settings)
    return Quenched(glass.replace(position=position), max_force, steps, status)


@functools.partial(jax.custom_jvp, nondiff_argnums=(2,))
def _minimum(model, glass, settings):
    model = settled(model)
    state = fire.start(glass.position)
    state, bonds = fire.push_apart(model, glass, settings.sizes, state)
    state = state.replace(velocity=jnp.zeros_like(state.position))

    def unfinished(carry):
        s, *_ = carry
        usable = jnp.isfinite(s.force) | (s.steps == 0) | jnp.isinf(s.force)
        return (
            ~(s.force <= settings.force_tol)
            & usable
            & (s.steps < settings.max_steps)
            & ((s.status & int(neighbours.OVERFLOWS)) == 0)
        )

    def one_round(carry):
        s, bonds, fraction = carry
        scale = _force_scale(model, glass, bonds, s.position)
        enough = jnp.maximum(fraction * scale, settings.force_tol)
        s, bonds = fire.fire(model, glass, settings.sizes, s, enough, settings.max_steps)
        return _newton(model, glass, settings, bonds, s), bonds, fraction * 0.1

    (state, *_), _ = bounded_loop(unfinished, one_round, (state, bonds, 1e-3), ROUNDS)
    bad = ~(
        jnp.isfinite(state.force) & jnp.all(jnp.isfinite(state.position))
    )  # without finite positions no bond pulls
    status = (
        state.status
        | flag(~(state.force <= settings.force_tol), Status.NOT_CONVERGED)
        | flag(bad, Status.NOT_FINITE)
    )
    return wrap(glass.box, state.position), state.force, state.steps, status


def _force_scale(model, glass, bonds, position):
    """Root mean square bond force, the unit in which FIRE's tolerance is meant."""
    f = at_bonds(model, glass.replace(position=position), bonds, order=1).force
    square = jnp.sum(f * f, axis=-1)
    touching = jnp.sum(square > 0)
    return jnp.minimum(jnp.sqrt(jnp.sum(square) / jnp.maximum(touching, 1)), 1e3)


def _newton(model, glass, settings, bonds, state):
    """Newton steps on FIRE's last list, each accepted only if it is short and halves the largest force."""

    def gradient_at(x):
        return at_bonds(model, glass.replace(position=x), bonds, order=1).gradient()

    def unfinished(carry):
        _, force, accepted = carry
        return accepted & (force > settings.force_tol)

    def step(carry):
        x, force, _ = carry
        e = at_bonds(model, glass.replace(position=x), bonds, order=2)
        direction = cg(
            e.second, -e.gradient(), tol=1e-5, max_steps=20_000, project=remove_translation
        )
        move = direction.x
        trial = x + move
        reduced = jnp.max(jnp.abs(gradient_at(trial)))
        short = jnp.max(jnp.sum(move * move, axis=-1)) < (settings.sizes.skin / 16) ** 2
        accepted = short & (reduced < 0.5 * force) & (direction.status & Status.NOT_A_MINIMUM == 0)
        return jnp.where(accepted, trial, x), jnp.where(accepted, reduced, force), accepted

    start = (state.position, jnp.max(jnp.abs(gradient_at(state.position))), jnp.bool_(True))
    (x, force, _), _ = bounded_loop(unfinished, step, start, NEWTON_STEPS)
    return state.replace(position=x, force=force)


@_minimum.defjvp
def _minimum_jvp(settings, primals, tangents):
    model, glass = primals
    out = _minimum(model, glass, settings)
    position, max_force, steps, status = out
    at_minimum = jax.lax.stop_gradient(glass).replace(position=position)
    bonds, _ = neighbours.find_bonds(jax.lax.stop_gradient(model), at_minimum, settings.sizes)

    def gradient(model, glass):
        return at_bonds(model, glass.replace(position=position), bonds, order=1).gradient()

    _, slope = jax.jvp(gradient, (model, glass), tangents)
    e = at_bonds(model, glass.replace(position=position), bonds, order=2)
    moved = solve(e, -slope).x
    return out, (moved, jnp.zeros_like(max_force), _no_tangent(steps), _no_tangent(status))


def _no_tangent(integers):
    return np.zeros(integers.shape, jax.dtypes.float0)
