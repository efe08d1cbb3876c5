"""Inherent structures: from any finite start to a minimum of the energy, to machine precision.

Overlaps are pushed apart, FIRE runs to a small fraction of the typical bond force, and Newton's
method with conjugate gradients finishes. If Newton meets negative curvature or does not reduce the
force, FIRE goes on to a tenth of the force and Newton tries again. A start at rest that is no
minimum (a saddle, a square lattice) is left by a small kick.

The minimum is differentiable in the model and the box: from g(x, model) = 0

    dx = -M^-1 (dg/dmodel) dmodel.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer, positive
from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import no_tangent
from ..landscape.expansion import at_bonds
from ..landscape.solve import remove_translation
from ..linalg.cg import cg
from ..models.pair import settled
from ..neighbours import search
from ..neighbours.assembly import assembly_of, over_samples
from ..neighbours.moving import MovingPlan, plan_moving, skin_of, soundness
from ..system.box import wrap
from ..system.glass import Glass
from . import fire
from .lists import Listing, empty_list, list_bonds, used_share
from .newton import Approach, kick, look, newton, nowhere

# Of the typical bond force, at most 14.2 for the glasses of the catalogue (ipl2d): no component is
# above 1e-10 then. Rounding allows 1e-11 for ipl2d with n = 10,000.
FORCE_TOL = 5e-12
# Of the typical bond force, where FIRE first hands over to Newton. Steps of 20 quenches of ipl2d
# from T = 1, n = 1,024: 17,800 at 3e-4, 17,500 at 1e-3, 17,700 at 3e-3.
FIRST = 1e-3
# A goal that every force meets, zero times it a number.
ANY = 1e300
# Root mean square move off a saddle, in skins: small beside the distance between particles, and
# large enough that FIRE has left the saddle before the force falls below any tolerance.
KICK = 0.01
# Share of the skin that may be used up before Newton moves on a list that was kept: a first step of
# at most 1/16 skin for each of two particles, and the smaller ones after it, fit into the rest.
RESERVE = 0.75


class Quenched(Struct):
    """An inherent structure.

    Attributes:
        glass: Glass at the minimum.
        max_force: largest component of the gradient there.
        force_scale: root mean square of the bond forces there.
        steps: gradient evaluations.
        status: bits.
        listing: the list of bonds for ``quench(..., after=)``, or None.
    """

    glass: Glass
    max_force: Array
    force_scale: Array
    steps: Array
    status: Array
    listing: Listing | None = None


class _Settings(NamedTuple):
    sizes: search.Plan
    moving: MovingPlan
    force_tol: float
    max_steps: int
    at_once: bool
    keep_list: bool


class _Progress(Struct):
    """Where a quench stands: positions, gradients evaluated, last list, Approach on it, FIRE's
    goal, whether kicked.
    """

    position: Array
    steps: Array
    status: Array
    listing: Listing
    at: Approach
    goal: Array
    kicked: Array


def quench(
    model: Any,
    glass: Glass,
    *,
    force_tol: float = FORCE_TOL,
    max_steps: int = 200_000,
    after: "Quenched | None" = None,
    keep_list: bool = False,
) -> Quenched:
    """The inherent structure below a configuration.

    Args:
        model: PairModel.
        glass: Glass, any finite start.
        force_tol: largest force component allowed at the minimum, in units of the root mean square
            of the bond forces there. What rounding of the positions makes of a zero force is always
            allowed. From 1e-3 on the result is smooth but no minimum: its curvature is not looked
            at.
        max_steps: limit of gradient evaluations.
        after: Quenched of a nearby configuration, such as the last step of a deformation. Newton's
            method is tried at once, on the list of bonds of ``after`` where that provably still
            holds every pair in range.
        keep_list: whether the result keeps its list of bonds, for ``after``; it always does if
            ``after`` is given. A list takes 9 bytes a bond, many times the positions.

    Returns:
        Quenched: glass, max_force, force_scale, steps, status, listing. Differentiable in the model
        and the box, forward and reverse, whatever the number of steps; the derivative with respect
        to the start is zero, and force_scale counts as a constant. A derivative is NaN where its
        linear system cannot be solved. Particles that touch nothing are flagged as RATTLERS: they
        stay where they are, and derivatives hold only while no contact opens or closes.

    Example:
        >>> start = jg.random_glass(jax.random.key(0), "ipl2d", 64)
        >>> bool(jg.quench(model, start).max_force < 1e-10)
        True
    """
    search.check(model, glass)
    positive("force_tol", force_tol)
    integer("max_steps", max_steps, at_least=1)
    if not isinstance(after, Quenched | None):
        raise TypeError(f"after must be a Quenched, from quench, found {type(after).__name__}")
    kept = None if after is None else after.listing

    def attempt(room):
        sizes = search.plan(model, glass, skin=skin_of(model), room=room)
        # A list of the same capacity, so that scans can carry it.
        if kept is not None and room == 1:
            sizes = sizes._replace(capacity=kept.bonds.capacity)
        settings = _Settings(
            sizes=sizes,
            moving=plan_moving(model, glass, room),
            force_tol=float(force_tol),
            max_steps=max_steps,
            at_once=after is not None,
            keep_list=keep_list or after is not None,
        )
        return _quench(model, glass, kept if room == 1 else None, settings=settings)

    return search.with_room(attempt, model, glass, kept)


def push_apart(model, glass):
    """Separates overlapping particles, so that dynamics can start; the Glass is no minimum.

    Example:
        >>> model, start = jg.models.get("ipl2d"), jg.random_glass(jax.random.key(0), "ipl2d", 64)
        >>> bool(jg.energy(model, jg.prepare.push_apart(model, start)) < jg.energy(model, start))
        True
    """
    search.check(model, glass)
    attempt = lambda room: _push_apart(model, glass, plan=plan_moving(model, glass, room))
    return _placed(glass, search.with_room(attempt, model, glass).position)


@functools.partial(jax.jit, static_argnames="plan")
def _push_apart(model, glass, *, plan):
    return _moved(fire.push_apart, plan)(settled(model), glass, glass.position, jnp.int32(0))


class _Moved(Struct):
    """Positions, gradients evaluated, status."""

    position: Array
    steps: Array
    status: Array


def _moved(descend, plan, *rest):
    """A way down from fire.py as a function of (model, glass, position, steps)."""

    def run(model, glasses, position, steps, *goal):
        all = assembly_of(model, glasses)
        state = descend(model, all, plan, fire.start(position, steps), *goal, *rest)
        return state.position, state.evaluated, state.status | soundness(model, all, glasses)

    return lambda model, glass, *state: _Moved(
        *over_samples(run)(model, glass, *map(jnp.asarray, state))
    )


def _placed(glass, position):
    return glass.replace(position=wrap(glass.box, position))


@functools.partial(jax.jit, static_argnames="settings")
def _quench(model, glass, kept, *, settings):
    position, (at, listing, steps, status) = _minimum(model, glass, kept, settings)
    return Quenched(
        glass=glass.replace(position=position),
        max_force=at.force,
        force_scale=at.scale,
        steps=steps,
        status=status,
        listing=listing if settings.keep_list else None,
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def _minimum(model, glass, kept, settings):
    """Positions, and what has no derivative: the last Approach, its list, steps, status."""
    model = settled(model)
    if settings.at_once:
        progress = _go_on(model, glass, kept, settings)
    else:
        progress = _descend(model, glass, settings, jnp.int32(0))
    at = progress.at
    # without finite positions no bond pulls
    finite = jnp.isfinite(at.force) & jnp.all(jnp.isfinite(at.position))
    status = (
        progress.status
        | progress.listing.status
        | flag(~at.at_rest, Status.NOT_CONVERGED)
        | flag(at.negative, Status.NOT_A_MINIMUM)
        | flag(~jnp.all(at.touched), Status.RATTLERS)
        | flag(~finite, Status.NOT_FINITE)
    )
    return wrap(glass.box, at.position), (at, progress.listing, progress.steps, status)


def _go_on(model, glass, kept, settings):
    """Newton's method at once, on the kept list where it will do; else the whole descent."""
    fresh = lambda: list_bonds(model, glass, settings.sizes)
    share = lambda listing, there: used_share(listing, model, there, settings.sizes.skin)
    if kept is None:
        listing, reused = fresh(), jnp.bool_(False)
    else:
        reused = share(kept, glass) <= RESERVE
        listing = jax.lax.cond(reused, lambda: kept, fresh)
    at = _approach(model, glass, listing.bonds, settings)
    still = ~reused | (share(listing, glass.replace(position=at.position)) <= 1)
    zero, no = jnp.float64(0.0), jnp.bool_(False)
    progress = _Progress(glass.position, at.steps, jnp.int32(0), listing, at, zero, no)
    found = at.at_rest & ~at.negative & still
    otherwise = lambda carry: (_descend(model, glass, settings, carry[0].steps), jnp.bool_(True))
    return bounded_loop(lambda carry: ~carry[1], otherwise, (progress, found), 1)[0][0]


def _descend(model, glass, settings, steps):
    """From any start: overlaps apart, then rounds of FIRE and Newton until at rest."""
    force_tol, limit = settings.force_tol, settings.max_steps
    start = FIRST if _is_tight(settings) else 0.5 * force_tol

    def unfinished(p):
        whole = ((p.status | p.listing.status) & int(search.OVERFLOWS)) == 0
        usable = whole & ~jnp.isnan(p.at.force) & (p.steps < limit)
        return (p.at.steps == 0) | (usable & ~p.at.at_rest)

    def one_round(p):
        # under vmap, samples at rest come along
        goal = jnp.where(p.at.at_rest, ANY, p.goal)
        moved = _moved(fire.fire, settings.moving, limit)(model, glass, p.position, p.steps, goal)
        there = glass.replace(position=moved.position)
        listing = list_bonds(model, there, settings.sizes)
        at = _approach(model, there, listing.bonds, settings)
        p = _Progress(
            position=at.position,
            steps=moved.steps + at.steps,
            status=p.status | moved.status,
            listing=listing,
            at=at,
            goal=jnp.maximum(0.1 * p.goal, 0.5 * force_tol),
            kicked=p.kicked,
        )
        return _kicked(settings, p)

    apart = _moved(fire.push_apart, settings.moving)(model, glass, glass.position, steps)
    first = _Progress(
        position=apart.position,
        steps=apart.steps,
        status=apart.status,
        listing=empty_list(model, glass, settings.sizes),
        at=nowhere(glass.position),
        goal=jnp.float64(start),
        kicked=jnp.bool_(False),
    )
    return bounded_loop(unfinished, one_round, first, limit)[0]


def _is_tight(settings):
    """Whether a minimum is asked for, not only a smooth start."""
    return settings.force_tol < FIRST


def _approach(model, glass, bonds, settings):
    """Newton's method, or only a look where the tolerance is loose."""
    if not _is_tight(settings):
        return look(model, glass, bonds, settings.force_tol)
    return newton(model, glass, bonds, force_tol=settings.force_tol, skin=settings.sizes.skin)


def _kicked(settings, p):
    """Moves off a saddle, once; not where the mean curvature is negative: nothing holds there."""
    stuck = p.at.at_rest & p.at.negative & p.at.firm & ~p.kicked
    push = KICK * settings.sizes.skin * kick(p.at)
    position = jnp.where(stuck, p.at.position + push, p.at.position)
    return p.replace(
        position=position,
        at=p.at.replace(position=position, at_rest=p.at.at_rest & ~stuck),
        goal=jnp.where(stuck, FIRST, p.goal),
        kicked=p.kicked | stuck,
    )


@_minimum.defjvp
def _minimum_jvp(settings, primals, tangents):
    """dx = -M^-1 dg, with g the gradient at fixed positions."""
    model, glass, _ = primals
    position, constants = _minimum(*primals, settings)
    at_minimum = jax.lax.stop_gradient(glass).replace(position=position)
    bonds, _ = search.find_bonds(jax.lax.stop_gradient(model), at_minimum, settings.sizes)

    def gradient(model, glass):
        return at_bonds(model, glass.replace(position=position), bonds, order=1).gradient()

    _, slope = jax.jvp(gradient, (model, glass), tangents[:2])
    e = at_bonds(model, glass.replace(position=position), bonds, order=2)
    return (position, constants), (_displacement(e, -slope), jax.tree.map(no_tangent, constants))


def _displacement(e, b):
    """M^-1 b; NaN where conjugate gradients do not get there, also where this is transposed."""

    def solver(matvec, rhs):
        s = cg(matvec, rhs, project=remove_translation)
        return jnp.where(s.status == 0, s.x, jnp.nan)

    matvec = lambda z: remove_translation(e.second(z))
    return jax.lax.custom_linear_solve(matvec, remove_translation(b), solver, symmetric=True)
