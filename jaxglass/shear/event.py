"""The first plastic event of a glass under strain, and its derivatives with respect to the model.

At the fold F(x, gamma, p) = grad U = 0 and M psi = 0, hence for any parameter p

    psi.(Xi dgamma + dF) = 0,                             the strain
    M dx + Xi dgamma + dF = 0,   psi.d(M) psi = 0,        the positions, their part along psi too
    M dpsi + d(M) psi = 0                                 the critical mode

with dF the change of the gradient, and d(M) that of the Hessian with all that moves.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, is_traced
from ..core.samples import loop_on_cpu
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import no_tangent, upright
from ..landscape.expand import expand
from ..landscape.strain import as_direction
from ..linalg.tangent import projected_solution
from ..neighbours import search
from ..system.deform import deformed
from ..system.glass import Glass
from . import branch, march
from .bisection import bisect, has_kinks, unit
from .fold import across_mode
from .near import find_near
from .strained import Strained, deformation

MAX_STEPS = 2000  # factorisations; first events of glasses take 50 to 150


class FirstEvent(Struct):
    """Where the elastic branch of a glass ends.

    Attributes:
        strain: of the fold, in the sense asked for; NaN if there is none.
        particle: where the critical mode is largest.
        mode: (n, d), critical mode, normalised.
        glass: Glass at the fold, or at the last point that was reached.
        stress: (1/V) dU/dgamma there.
        factorisations: of Hessians.
        max_force: largest component of the gradient at the fold.
        curvature: psi.M psi there.
        status: NO_EVENT where the branch goes on to max_strain, and other bits.
    """

    strain: Array
    particle: Array
    mode: Array
    glass: Glass
    stress: Array
    factorisations: Array
    max_force: Array
    curvature: Array
    status: Array


class _Settings(NamedTuple):
    sizes: march.Sizes
    max_steps: int


def first_event(
    model: Any,
    glass: Glass,
    *,
    plane: tuple[int, int] = (0, 1),
    max_strain: float = 0.2,
    direction: Any = None,
    max_steps: int = MAX_STEPS,
) -> FirstEvent:
    """The first plastic event under quasistatic strain: the fold of the branch of minima.

    The strain is exact to rounding and owes nothing to a minimiser: the branch is followed by
    continuation, and its end solved for together with the critical mode.

    Args:
        model: PairModel or ManyBodyModel. Contacts (hertz, harmonic), whose derivatives jump where
            they open, are strained in steps and their event is bracketed to 1e-9 by bisection:
            status KINK.
        glass: Glass at a minimum.
        plane: (p, q), simple shear: x_p moves with x_q.
        max_strain: strain to stop at; negative to strain in the other sense.
        direction: (d, d) displacement gradient E instead of a plane, x -> (1 + gamma E) x, such as
            ((0.5, 0), (0, -0.5)) for pure shear or the identity for dilation.
        max_steps: limit of factorisations.

    Returns:
        FirstEvent: strain, particle, mode, glass at the fold, stress, factorisations, max_force,
        curvature, status. Differentiable in the model and the box, forward and reverse; the
        derivative with respect to the positions of a minimum is zero.

    Example:
        >>> event = jg.first_event(model, glass, max_strain=0.3)
        >>> bool(event.strain > 0), int(event.status), bool(event.max_force < 1e-9)
        (True, 0, True)
    """
    search.check(model, glass, many=True)
    search.check_forces(model)
    check_strain("max_strain", max_strain)
    integer("max_steps", max_steps, at_least=1)
    toward = as_direction(plane if direction is None else direction, glass.dim)
    sense = jnp.sign(max_strain)
    toward = toward * sense
    start = widened(glass, toward, max_strain)
    of = model, start, toward, jnp.abs(max_strain)
    smooth = lambda room: _event(*of, _Settings(march.sizes_of(model, start, room), max_steps))
    if has_kinks(model):
        found = _bracketed(*of, max_steps=max_steps)
    else:
        found = search.with_room(smooth, model, start, overflows=march.OVERFLOWS)
    return found.replace(strain=sense * found.strain, stress=sense * found.stress)


def check_strain(name, value):
    if not is_traced(value) and not (np.isfinite(value) and value != 0):
        raise ValueError(f"{name} must be a number other than 0, found {value}")


def widened(glass, direction, max_strain):
    """The glass in a box that may be strained."""
    room = 0.0
    if not is_traced(direction, max_strain):
        change = np.abs(np.linalg.eigvalsh(0.5 * np.asarray(direction + direction.T)))
        traceless = np.allclose(np.diagonal(direction), 0) and np.linalg.matrix_rank(direction) == 1
        room = 0.0 if traceless else min(float(np.max(change)) * abs(float(max_strain)), 0.5)
    return deformed(glass, jnp.eye(glass.dim), room=room)


@functools.partial(jax.jit, static_argnames="settings")
def _event(model, glass, direction, max_strain, settings):
    strain, position, mode, aux = _fold(model, glass, direction, max_strain, settings)
    ended, rounds, force, curvature, status = aux
    here = deformed(glass, deformation(direction, strain)).replace(position=position)
    system = Strained(model, glass, jnp.zeros(()), direction, _near_at(model, here, settings))
    e = system.at(position, strain, order=1)
    return FirstEvent(
        strain=jnp.where(ended, strain, jnp.nan),
        particle=jnp.argmax(jnp.sum(mode * mode, axis=1)),
        mode=mode,
        glass=here,
        stress=system.work(e, strain) / e.glass.box.volume,
        factorisations=rounds,
        max_force=force,
        curvature=curvature,
        status=status,
    )


def _near_at(model, glass, settings):
    """Who may interact at the end of a branch, which has no derivative."""
    return find_near(*jax.lax.stop_gradient((model, glass)), settings.sizes.list)[0]


@functools.partial(jax.jit, static_argnames="max_steps")
def _bracketed(model, glass, direction, max_strain, *, max_steps):
    """The FirstEvent of contacts."""
    search_ = loop_on_cpu(functools.partial(bisect, limit=max_steps))
    of = jax.lax.stop_gradient((model, glass, direction))
    end, way = search_(*of, jnp.zeros(()), jax.lax.stop_gradient(max_strain))
    e = expand(model, end.at.glass)
    system = Strained(model, glass, jnp.zeros(()), direction, e.bonds)
    fall = upright(unit(way)[None])[0]
    return _without_derivative(
        FirstEvent(
            strain=jnp.where(end.ended, end.strain, jnp.nan),
            particle=jnp.argmax(jnp.sum(fall * fall, axis=1)),
            mode=fall,
            glass=end.at.glass,
            stress=system.work(e, end.strain) / end.at.glass.box.volume,
            factorisations=jnp.int32(0),
            max_force=end.at.max_force,
            curvature=jnp.sum(fall * e.second(fall)),
            status=end.status,
        ),
        (model, glass, direction),
    )


@jax.custom_jvp
def _without_derivative(found, sources):
    """The same values, whose derivatives with respect to the sources are NaN."""
    return found


@_without_derivative.defjvp
def _without_derivative_jvp(primals, tangents):
    floats = (t for t in jax.tree.leaves(tangents[1]) if t.dtype != jax.dtypes.float0)
    nothing = jnp.nan * sum(jnp.sum(t) for t in floats)
    is_float = lambda a: jnp.issubdtype(a.dtype, jnp.floating)
    of = lambda a: jnp.broadcast_to(nothing, a.shape) if is_float(a) else no_tangent(a)
    return primals[0], jax.tree.map(of, primals[0])


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def _fold(model, glass, direction, max_strain, settings):
    """Strain, positions and critical mode of the fold, and what has no derivative."""
    search_ = loop_on_cpu(functools.partial(_march, settings))
    return search_(model, glass, direction, max_strain)


def _march(settings, model, glass, direction, max_strain):
    start = march.set_out(model, glass, direction, settings.sizes)
    end = march.march(start, settings.sizes, max_strain, settings.max_steps)
    walk = end.walk
    ended = walk.phase == branch.ENDED
    status = end.status | branch.status_of(walk, settings.max_steps)
    status = status | flag(walk.phase == branch.ARRIVED, Status.NO_EVENT)
    strain = jnp.where(ended, walk.trial_strain, walk.strain)
    position = jnp.where(ended, walk.trial, walk.position)
    mode = upright(jnp.where(ended, walk.mode, walk.modes[..., 0])[None])[0]
    nothing = lambda value: jnp.where(ended, value, jnp.nan)
    aux = ended, walk.rounds, nothing(walk.force), nothing(walk.curvature), status
    return strain, position, mode, aux


@_fold.defjvp
def _fold_jvp(settings, primals, tangents):
    model, glass, direction, max_strain = primals
    strain, position, mode, aux = _fold(*primals, settings)
    here = deformed(glass, deformation(direction, strain)).replace(position=position)
    near = _near_at(model, here, settings)

    def system_of(model, glass, direction):
        return Strained(model, glass, jnp.zeros(()), direction, near)

    def slopes(model, glass, direction):
        """The gradient, and M psi, at fixed positions and strain."""
        system = system_of(model, glass, direction)
        e = system.at(position, strain)
        return system.project(e.gradient()), system.project(e.second(mode))

    _, (slope, turned) = jax.jvp(slopes, (model, glass, direction), tangents[:3])
    system = system_of(model, glass, direction)
    e = system.at(position, strain, order=3)
    push = system.push(e, strain)
    dstrain = -jnp.sum(mode * slope) / jnp.sum(mode * push)

    across = across_mode(system.project, mode)
    solve = lambda b: projected_solution(e.second, b, across)
    dposition = solve(-slope - push * dstrain)
    # its part along the mode keeps psi.M psi zero
    third = e.third(mode, mode)
    change = jnp.sum(mode * turned) + system.stiffening(e, strain, mode) * dstrain
    dposition = dposition - mode * (change + jnp.sum(third * dposition)) / jnp.sum(third * mode)
    softened = turned + system.turning(e, strain, mode) * dstrain + e.third(mode, dposition)
    dmode = solve(-softened)
    affine = system.velocity(strain, position) * dstrain
    out = dstrain, dposition + affine, dmode, jax.tree.map(no_tangent, aux)
    return (strain, position, mode, aux), out
