"""A walk along a branch with lists of bonds, and trees to factor on, that are made anew in time."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import is_traced
from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..landscape.dissection import own_plan, plan_of, tree_on
from ..linalg.nested_tree import ROOMY, SNUG, Plan
from ..minimise.lists import Listing, list_bonds, used_share
from ..neighbours import search
from . import branch, near
from .ball import BallPlan, list_ball
from .branch import Walk
from .engine import Dense, OnTree
from .near import NearPlan
from .strained import Strained, compact

OVERFLOWS = search.OVERFLOWS | Status.SEPARATOR_OVERFLOW
MIDDLE = (1.15, 1.3)  # between the margins of trees for what is seen and what is not
RENEWALS = 1000  # of the lists, at most; a strain of 0.1 needs ten
# Extra radius of the lists, in reaches. Narrower ones are made more often, and what is factored
# shrinks with the pairs in them.
SKIN = 0.06


class Sizes(NamedTuple):
    """Static sizes of everything that depends on who touches whom.

    Attributes:
        list: of the lists of who may interact, of all or of a ball.
        tree: of the tree; None for a ball, whose block is dense, and where nothing is factored.
    """

    list: NearPlan | BallPlan
    tree: Plan | None


class March(Struct):
    """A Walk and what it goes on: a listing of bonds, the particles strained, a tree.

    Attributes:
        listing: Listing, made at a point of the branch.
        system: Strained.
        engine: what factors its Hessians; None where nothing does.
        walk: Walk.
        status: bits of the lists and trees so far.
    """

    listing: Listing
    system: Strained
    engine: OnTree | Dense | None
    walk: Walk
    status: Array


def sizes_of(model, glass, room=1.0, *, factored=True):
    """The Sizes for a glass like this one, whose box may be sheared, and is factored or not."""
    widest = jnp.inf if glass.box.width is None else min(glass.box.width)
    # of a narrower box a list could not be told right: a pair would meet itself through two images
    skin = min(SKIN * model.reach, 0.49 * widest - model.reach)
    if skin <= 0:
        raise ValueError(
            f"box must be wide enough for two cutoffs at every strain, "
            f"{model.reach / 0.49:.6g} for the model {model.name}, found {widest:.6g}"
        )
    plan = near.plan_near(model, glass, skin, room)
    if not factored:
        return Sizes(plan, None)
    likely = near.room_for_coupled(plan)
    if room > 1 or is_traced(model, glass):
        return Sizes(plan, plan_of(glass, likely, ROOMY))
    # of several sizes that similar glasses share the smallest that holds this one, or its own
    pairs = _pairs_of(model, glass, plan=plan)
    trees = (plan_of(glass, likely, margin) for margin in (SNUG, MIDDLE, ROOMY))
    fits = lambda tree: not bool(_overflows(glass, pairs, tree=tree))
    return Sizes(plan, next(filter(fits, trees), None) or own_plan(glass, pairs, MIDDLE))


@functools.partial(jax.jit, static_argnames="plan")
def _pairs_of(model, glass, *, plan):
    return near.coupled(near.find_near(model, glass, plan)[0])


@functools.partial(jax.jit, static_argnames="tree")
def _overflows(glass, pairs, *, tree):
    return tree_on(tree, glass, pairs).overflow


def set_out(model, glass, direction, sizes, strain=0.0, free=None, spacing=None):
    """A March that has still to look at its first point, a glass at a strain, and to make lists.

    Args:
        model, glass, direction: as in Strained.
        sizes: Sizes.
        strain: of the box of the glass.
        free: (n,), which particles are free, the first ones; None for all.
        spacing: mean distance of particles; that of the glass by default.
    """
    if spacing is None:
        spacing = glass.spacing
    walk = branch.begin(glass.position, strain, spacing)
    make = functools.partial(_on_lists, sizes=sizes)
    shapes = jax.eval_shape(make, model, glass, direction, walk, free)
    hollow = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), shapes)
    system = hollow.system.replace(
        model=model, glass=glass, origin=walk.strain, direction=direction, free=free
    )
    listing = hollow.listing.replace(status=jnp.int32(int(Status.NEIGHBOUR_OVERFLOW)))
    return hollow.replace(walk=walk, system=system, listing=listing)


def march(march: March, sizes, target, limit) -> March:
    """Goes on to a strain, or to where the branch ends, or until lost."""
    march = march.replace(walk=branch.resume(march.system, march.walk, target))

    def on(march):
        stale = _used(march, march.walk, sizes) > 1
        march = jax.lax.cond(stale, lambda: _renewed(march, sizes, target), lambda: march)
        usable = lambda walk: _used(march, walk, sizes) <= 1
        walk = branch.follow(march.system, march.engine, march.walk, target, limit, usable)
        return march.replace(walk=walk)

    going = lambda march: branch.is_going(march.walk, limit) & (march.status == 0)
    return bounded_loop(going, on, march, RENEWALS)[0]


def _on_lists(model, glass, direction, walk, free, status=0, *, sizes):
    """A March on lists made at the last point of a walk, where the box is that of the glass."""
    glass = glass.replace(position=walk.position, box=compact(glass.box))
    engine: OnTree | Dense
    if free is None:
        listing = list_bonds(model, glass, near.bonds_plan(sizes.list))
        who, found = near.near_on(model, glass, listing.bonds, sizes.list)
        tree = tree_on(sizes.tree, glass, near.coupled(who))
        overflow = flag(tree.overflow, Status.SEPARATOR_OVERFLOW)
        engine, status = OnTree(tree), status | found | overflow
    else:
        listing = list_ball(model, glass, free, sizes.list)
        who, engine = listing.bonds, Dense(free, sizes.list.free)
    system = Strained(model, glass, walk.strain, direction, who, free)
    return March(listing, system, engine, walk, status | listing.status)


def _renewed(march, sizes, target):
    """The March on new lists; with a shorter step where even these do not hold for the trial."""
    old, walk = march.system, march.walk
    glass = old.glass.replace(box=old.box(walk.strain))
    new = _on_lists(old.model, glass, old.direction, walk, old.free, march.status, sizes=sizes)
    short = branch.shorter(new.system, walk, target)
    stale = _used(new, walk, sizes) > 1
    return new.replace(walk=branch.choose(stale, short, walk))


def _used(march, walk, sizes):
    """Share of the skin that the trial of a walk uses up."""
    box = march.system.box(walk.trial_strain)
    glass = march.system.glass.replace(position=walk.trial, box=box)
    return used_share(march.listing, march.system.model, glass, sizes.list.skin)
