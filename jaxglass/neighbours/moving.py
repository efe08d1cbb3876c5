"""Lists of pairs that stay right while particles move.

A list holds every pair closer than its cutoff plus a skin: it is right until someone has moved by
half a skin. An outer loop makes lists, an inner loop moves. The particles are sorted into clusters
again every eighth list.

Samples share a list, but each part of it is made from the positions at which that sample needed it:
what happens to a sample does not depend on the others.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..models.manybody.model import is_many
from ..models.pair import kinds, range_of
from . import clusters, search
from .listing import with_scales
from .many import crowded
from .ranges import ranges_of

RESORT = 8  # lists made in one order of the clusters


class MovingPlan(NamedTuple):
    """Sizes of the lists of one sample, and their skin."""

    clusters: clusters.ClusterPlan
    skin: float


def skin_of(model, dim):
    """Extra radius of the lists.

    Wide enough for ten steps or more between lists, narrow enough to keep them short: 0.14 to 0.22
    cutoffs run alike within a tenth, the wider ones better where lists grow as their square.
    """
    return (0.18 if dim <= 2 else 0.14) * model.reach


def plan_moving(model, glass, room=1.0):
    """The MovingPlan for a glass like this one, from plain numbers only: it works on tracers."""
    skin = skin_of(model, glass.dim)
    n, box = glass.count, glass.box
    pairs = search.plan(model, glass, skin=skin, room=room).capacity
    radius = model.reach + skin
    width, volume = box.width, box.least_volume
    if width is None:  # nothing is known: as if all were neighbours
        width = (2 * radius,) * glass.dim
        volume = (2 * radius) ** glass.dim
    return MovingPlan(clusters.plan_clusters(n, width, volume, radius, pairs, room), skin)


def _lists(model, all, plan):
    """The plan for all samples, and the function (position, sorted) -> (PairList, status)."""
    sizes = clusters.for_samples(plan.clusters, all.samples)
    ranges = ranges_of(model, all.kind, plan.skin)

    def make(place, sorted):
        i, j, found, full = clusters.near_pairs(sizes, all.cells, place, sorted, ranges)
        status = flag(full, Status.NEIGHBOUR_OVERFLOW)
        status = status | flag(found > sizes.capacity, Status.BOND_OVERFLOW)
        if is_many(model):
            status = status | flag(crowded(model, i, j, len(all.kind)), Status.NEIGHBOUR_OVERFLOW)
        return with_scales(model, all, i, j, found), status

    return sizes, make


def first_list(model, all, plan, position):
    """The PairList of an Assembly at positions (s, n, d), and the status of its making."""
    sizes, make = _lists(model, all, plan)
    place = all.place(position).reshape(position.shape)
    return make(place, clusters.clusters_of(sizes, place))


def soundness(model, all, glasses):
    """Status (s,) of samples whose particles the model cannot describe in their box."""
    kind = kinds(model, glasses)
    if model.sigma is None:
        largest = jnp.max(kind, axis=1)
        reach, strange = range_of(model, largest, largest), jnp.zeros(all.samples, bool)
    else:
        species = jnp.arange(len(model.sigma))
        here = jnp.any(kind[:, :, None] == species, axis=1)
        both = here[:, :, None] & here[:, None, :]
        reach = jnp.where(both, range_of(model, species[:, None], species), 0.0)
        reach, strange = jnp.max(reach, axis=(1, 2)), jnp.any(kind >= len(species), axis=1)
    return (
        flag(reach > model.reach, Status.BEYOND_REACH)
        | flag(jnp.min(all.cells.width, axis=1) < 2 * reach, Status.BOX_TOO_SMALL)
        | flag(strange, Status.UNKNOWN_SPECIES)
    )


def where(chosen, a, b):
    """Structs of samples: a where chosen (s,), b elsewhere."""
    shaped = lambda x: chosen.reshape(-1, *[1] * (x.ndim - 1))
    return jax.tree.map(lambda x, y: jnp.where(shaped(x), x, y), a, b)


def on_fresh_lists(model, all, plan, move, unfinished, state, limit, *, list_at_end=False):
    """Applies ``move`` to a state, with lists made on the way, while ``unfinished(state)``.

    Args:
        model: settled model.
        all: Assembly.
        plan: MovingPlan.
        move: a pair of functions: context = prepare(state, pairs) after each new list, a struct of
            arrays with a leading axis of samples or None,
            state = advance(state, pairs, context).
        unfinished: predicate of a state; it must hold at the start.
        state: with ``position`` (s, n, d), ``steps`` and ``status``.
        limit: on state.steps.
        list_at_end: whether the last list must be one of the last positions.

    Returns:
        The last state and the last PairList.
    """
    prepare, advance = move
    sizes, make = _lists(model, all, plan)
    still = (plan.skin / 2) ** 2
    going = lambda state: unfinished(state) & (state.steps < limit)

    def moved(state, origin):
        """Largest square (s,) of a way; NaN, which is more than nothing, for who is lost."""
        return jnp.max(jnp.sum((state.position - origin) ** 2, axis=-1), axis=-1)

    def outer(carry):
        state, _, last, _ = carry
        begun = state.steps
        way = moved(state, last.origin)
        due = (last.made == 0) | (way >= still)
        if list_at_end:
            due = due | (~going(state) & (way > 0))
        origin = where(due, state.position, last.origin)
        place = all.place(origin).reshape(origin.shape)
        resort = due & (last.made % RESORT == 0)
        sort = lambda: where(resort, clusters.clusters_of(sizes, place), last.sorted)
        sorted = jax.lax.cond(jnp.any(resort), sort, lambda: last.sorted)
        pairs, full = make(place, sorted)
        state = state.replace(status=state.status | full)
        context = where(due, prepare(state, pairs), last.context)
        state, _ = bounded_loop(
            lambda s: going(s) & ~jnp.any(moved(s, origin) >= still),
            lambda s: advance(s, pairs, context),
            state,
            limit,
        )
        way = moved(state, origin)
        stale = jnp.any(way > 0 if list_at_end else way >= still)
        alive = jnp.any(jnp.all(jnp.isfinite(state.position), axis=(1, 2)))
        again = (full == 0) & (state.steps > begun) & alive & (going(state) | stale)
        return state, pairs, _Last(origin, sorted, last.made + due, context), again

    sorted = jnp.zeros(clusters.shape(sizes), jnp.int32)
    pairs = _like(lambda: make(all.place(state.position).reshape(state.position.shape), sorted)[0])
    context = _like(lambda: prepare(state, pairs))
    made = jnp.zeros(all.samples, jnp.int32)
    first = state, pairs, _Last(state.position, sorted, made, context), jnp.bool_(True)
    return bounded_loop(lambda carry: carry[3], outer, first, limit + 2)[0][:2]


class _Last(Struct):
    """What was there when the list of each sample was last made.

    Attributes:
        origin: (s, n, d), positions.
        sorted: clusters.
        made: (s,), number of lists so far.
        context: what ``prepare`` gave.
    """

    origin: Array
    sorted: Array
    made: Array
    context: Any


def _like(function):
    """Zeros in the form of a result."""
    return jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(function))
