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

from ..core.checks import choice, integer, positive
from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import no_tangent
from ..landscape.energy import EnergyExpansion
from ..landscape.expansion import at_bonds
from ..landscape.solve import remove_translation
from ..landscape.total import energy_of_terms
from ..linalg.cg import cg
from ..models.manybody.model import is_many
from ..models.pair import settled
from ..neighbours import search
from ..neighbours.assembly import assembly_of, over_samples
from ..neighbours.listing import pairs_of
from ..neighbours.moving import MovingPlan, plan_moving, skin_of, soundness, where
from ..system.box import wrap
from ..system.glass import Glass
from . import conjugate, fire, flow
from .lists import Listing, list_bonds, used_share
from .newton import Approach, kick, look, newton, nowhere
from .snapshot import snapshot

METHODS = {"fire": fire, "flow": flow, "conjugate": conjugate}
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
    method: str
    at_once: bool
    keep_list: bool


class _Progress(Struct):
    """Where the quenches of many samples stand, a leading axis of samples on everything: positions,
    gradients evaluated, status, Approach, FIRE's goal, whether kicked.
    """

    position: Array
    steps: Array
    status: Array
    at: Approach
    goal: Array
    kicked: Array


def quench(
    model: Any,
    glass: Glass,
    *,
    force_tol: float = FORCE_TOL,
    max_steps: int = 200_000,
    method: str = "fire",
    after: "Quenched | None" = None,
    keep_list: bool = False,
) -> Quenched:
    """The inherent structure below a configuration.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass, any finite start.
        force_tol: largest force component allowed at the minimum, in units of the root mean square
            of the bond forces there. What rounding of the positions makes of a zero force is always
            allowed. From 1e-3 on the result is smooth but no minimum: its curvature is not looked
            at.
        max_steps: limit of gradient evaluations.
        method: how to go down before Newton's method finishes: "fire"; "flow", steepest descent
            followed as a motion with error control, whose end depends on nothing but the
            landscape; or "conjugate", conjugate gradients as LAMMPS has them.
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
    search.check(model, glass, many=True)
    search.check_forces(model)
    positive("force_tol", force_tol)
    integer("max_steps", max_steps, at_least=1)
    choice("method", method, METHODS)
    if not isinstance(after, Quenched | None):
        raise TypeError(f"after must be a Quenched, from quench, found {type(after).__name__}")
    kept = None if after is None else after.listing

    def attempt(room):
        sizes = search.plan(model, glass, skin=skin_of(model, glass.dim), room=room)
        # A list of the same capacity, so that scans can carry it.
        if kept is not None and room == 1:
            sizes = sizes._replace(capacity=kept.bonds.capacity)
        settings = _Settings(
            sizes=sizes,
            moving=plan_moving(model, glass, room),
            force_tol=float(force_tol),
            max_steps=max_steps,
            method=method,
            at_once=after is not None,
            keep_list=keep_list or after is not None,
        )
        return _quench(model, glass, kept if room == 1 else None, settings=settings)

    return search.with_room(attempt, model, glass, kept)


def quench_all(model, glasses, *, force_tol=FORCE_TOL, max_steps=200_000):
    """``quench`` of stacked glasses; lists are enlarged as needed."""
    one = jax.tree.map(lambda a: a[0], glasses)

    def attempt(room):
        sizes = search.plan(model, one, skin=skin_of(model, one.dim), room=room)
        moving = plan_moving(model, one, room)
        settings = _Settings(sizes, moving, float(force_tol), max_steps, "fire", False, False)
        return _quench_all(model, glasses, settings=settings)

    return search.with_room(attempt, model, glasses)


@functools.partial(jax.jit, static_argnames="settings")
def _quench_all(model, glasses, *, settings):
    return jax.vmap(lambda glass: _quench(model, glass, None, settings=settings))(glasses)


def push_apart(model, glass):
    """Separates overlapping particles, so that dynamics can start; the Glass is no minimum.

    Example:
        >>> model, start = jg.models.get("ipl2d"), jg.random_glass(jax.random.key(0), "ipl2d", 64)
        >>> bool(jg.energy(model, jg.prepare.push_apart(model, start)) < jg.energy(model, start))
        True
    """
    search.check(model, glass, many=True)
    attempt = lambda room: _push_apart(model, glass, plan=plan_moving(model, glass, room))
    return _placed(glass, search.with_room(attempt, model, glass).position)


class _Pushed(Struct):
    position: Array
    status: Array


@functools.partial(jax.jit, static_argnames="plan")
def _push_apart(model, glass, *, plan):
    def push(model, glasses):
        all, none = assembly_of(model, glasses), jnp.zeros(len(glasses.position), jnp.int32)
        state = fire.start(glasses.position, none, True)
        state, _ = fire.descend(model, all, plan, state, ANY, fire.PUSHES + 1)
        return _Pushed(state.position, state.status | soundness(model, all, glasses))

    return over_samples(push)(settled(model), glass)


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
    """Positions, and what has no derivative: the last Approach, a list, steps, status."""
    run = functools.partial(_minima, settings)
    return over_samples(run)(settled(model), glass, kept)


def _minima(settings, model, glasses, kept):
    """The same of many samples, with a leading axis on everything but the model."""
    all = assembly_of(model, glasses)
    fresh = functools.partial(_lists_of, model, glasses, settings)
    p, listing, found = _beginning(settings, all, glasses), None, jnp.zeros(all.samples, bool)
    if settings.at_once:
        p, listing, found = _go_on(model, all, glasses, kept, settings, p)
    p = _descend(model, all, settings, p)
    if settings.keep_list:
        anew = lambda: fresh(p.at.position)
        listing = anew() if listing is None else jax.lax.cond(jnp.all(found), lambda: listing, anew)
    at = p.at
    # without finite positions no bond pulls
    finite = jnp.isfinite(at.force) & jnp.all(jnp.isfinite(at.position), axis=(1, 2))
    status = (
        p.status
        | soundness(model, all, glasses)
        | flag(~at.at_rest, Status.NOT_CONVERGED)
        | flag(at.negative, Status.NOT_A_MINIMUM)
        | flag(~jnp.all(at.touched, axis=1), Status.RATTLERS)
        | flag(~finite, Status.NOT_FINITE)
    )
    if listing is not None:
        status = status | listing.status
    return jax.vmap(wrap)(glasses.box, at.position), (at, listing, p.steps, status)


def _beginning(settings, all, glasses):
    samples = all.samples
    none = jnp.zeros(samples, jnp.int32)
    start = FIRST if _is_tight(settings) else 0.5 * settings.force_tol
    goal, no = jnp.full(samples, start), none > 0
    return _Progress(glasses.position, none, none, nowhere(glasses.position), goal, no)


def _lists_of(model, glasses, settings, position):
    """Listings of all samples."""
    listed = lambda glass: list_bonds(model, glass, settings.sizes)
    return jax.vmap(listed)(glasses.replace(position=position))


def _go_on(model, all, glasses, kept, settings, p):
    """Newton's method at once, on the kept list where it will do.

    Returns:
        What to go on from: the minimum where one was found, else the start; the lists; which were
        found.
    """
    fresh = lambda: _lists_of(model, glasses, settings, glasses.position)
    share = jax.vmap(lambda listing, glass: used_share(listing, model, glass, settings.sizes.skin))
    if kept is None:
        listing, reused = fresh(), jnp.bool_(False)
    else:
        reused = jnp.all(share(kept, glasses) <= RESERVE)
        listing = jax.lax.cond(reused, lambda: kept, fresh)
    pairs = pairs_of(model, all, listing.bonds)
    at = _approach(model, all, pairs, glasses.position, settings)
    still = ~reused | (share(listing, glasses.replace(position=at.position)) <= 1)
    found = at.at_rest & ~at.negative & still
    there = p.replace(position=at.position, at=at)
    return where(found, there, p).replace(steps=at.steps), listing, found


def _descend(model, all, settings, p):
    """From any start: overlaps apart, then rounds of FIRE and Newton until at rest."""
    force_tol, limit, plan = settings.force_tol, settings.max_steps, settings.moving

    def unfinished(p):
        whole = (p.status & int(search.OVERFLOWS)) == 0
        usable = whole & ~jnp.isnan(p.at.force) & (p.steps < limit)
        return (p.at.steps == 0) | (usable & ~p.at.at_rest)

    def one_round(p):
        going = unfinished(p)
        way = METHODS[settings.method]
        state = way.start(p.position, p.steps, going & (p.at.steps == 0))
        goal = jnp.where(going, p.goal, ANY)
        state, pairs = way.descend(model, all, plan, state, goal, limit)
        at = _approach(model, all, pairs, state.position, settings)
        after = _Progress(
            position=at.position,
            steps=state.evaluated + at.steps,
            status=p.status | state.status,
            at=at,
            goal=jnp.maximum(0.1 * p.goal, 0.5 * force_tol),
            kicked=p.kicked,
        )
        return where(going, _kicked(settings, after), p)

    return bounded_loop(lambda p: jnp.any(unfinished(p)), one_round, p, limit)[0]


def _is_tight(settings):
    """Whether a minimum is asked for, not only a smooth start."""
    return settings.force_tol < FIRST


def _approach(model, all, pairs, position, settings):
    """Newton's method, or only a look where the tolerance is loose."""
    tol, skin = settings.force_tol, settings.moving.skin
    if not _is_tight(settings):
        return look(snapshot(model, all, pairs, position), tol)
    return newton(model, all, pairs, position, force_tol=tol, skin=skin)


def _kicked(settings, p):
    """Moves off a saddle, once; not where the mean curvature is negative: nothing holds there."""
    stuck = p.at.at_rest & p.at.negative & p.at.firm & ~p.kicked
    push = KICK * settings.moving.skin * kick(p.at)
    position = jnp.where(stuck[:, None, None], p.at.position + push, p.at.position)
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
        return _along(model, glass.replace(position=position), bonds, order=1).gradient()

    _, slope = jax.jvp(gradient, (model, glass), tangents[:2])
    e = _along(model, glass.replace(position=position), bonds, order=2)
    return (position, constants), (_displacement(e, -slope), jax.tree.map(no_tangent, constants))


def _along(model, glass, bonds, order):
    """The derivatives of a glass along given bonds."""
    if not is_many(model):
        return at_bonds(model, glass, bonds, order)
    energy = functools.partial(energy_of_terms, model, glass, bonds)
    return EnergyExpansion(glass, jnp.int32(0), energy)


def _displacement(e, b):
    """M^-1 b; NaN where conjugate gradients do not get there, also where this is transposed."""

    def solver(matvec, rhs):
        s = cg(matvec, rhs, project=remove_translation)
        return jnp.where(s.status == 0, s.x, jnp.nan)

    matvec = lambda z: remove_translation(e.second(z))
    return jax.lax.custom_linear_solve(matvec, remove_translation(b), solver, symmetric=True)
