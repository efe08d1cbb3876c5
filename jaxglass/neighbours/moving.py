"""Lists of pairs that stay right while particles move.

A list holds every pair closer than its cutoff plus a skin: it is right until someone has moved by
half a skin. An outer loop makes lists, an inner loop moves. The particles are sorted into clusters
again every eighth list.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..models.pair import kinds, range_of
from . import clusters, search
from .listing import with_scales
from .ranges import ranges_of

RESORT = 8  # lists made in one order of the clusters


class MovingPlan(NamedTuple):
    """Sizes of the lists of one sample, and their skin."""

    clusters: clusters.ClusterPlan
    skin: float


def skin_of(model):
    """Extra radius of the lists.

    0.14 cutoffs: wide enough for ten steps or more between lists, narrow enough to keep them short.
    """
    return 0.14 * model.reach


def plan_moving(model, glass, room=1.0):
    """The MovingPlan for a glass like this one, from plain numbers only: it works on tracers."""
    skin = skin_of(model)
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
        move: a pair of functions: context = prepare(state, pairs) after each new list,
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

    def outer(carry):
        state, _, sorted, made, _ = carry
        begun, origin = state.steps, state.position
        place = all.place(origin).reshape(origin.shape)
        sort = lambda: clusters.clusters_of(sizes, place)
        sorted = jax.lax.cond(made % RESORT == 0, sort, lambda: sorted)
        pairs, full = make(place, sorted)
        state = state.replace(status=state.status | full)
        context = prepare(state, pairs)

        def moved(inner, by):
            """Whether anyone has; one who is lost (NaN) does not count."""
            return jnp.any(jnp.sum((inner.position - origin) ** 2, axis=-1) >= by)

        going = lambda inner: unfinished(inner) & (inner.steps < limit)
        state, _ = bounded_loop(
            lambda s: going(s) & ~moved(s, still),
            lambda s: advance(s, pairs, context),
            state,
            limit,
        )
        stale = moved(state, 1e-300 if list_at_end else still)
        alive = jnp.any(jnp.all(jnp.isfinite(state.position), axis=(1, 2)))
        usable = (full == 0) & (state.steps > begun) & alive
        return state, pairs, sorted, made + 1, usable & (going(state) | stale)

    sorted = jnp.zeros(clusters.shape(sizes), jnp.int32)
    place = state.position
    pairs = jax.eval_shape(lambda: make(place, sorted)[0])
    pairs = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), pairs)
    first = (state, pairs, sorted, jnp.int32(0), jnp.bool_(True))
    return bounded_loop(lambda carry: carry[4], outer, first, limit + 2)[0][:2]
