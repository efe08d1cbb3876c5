"""The tree of nested dissection: which particles separate which, as integer arrays of static shape.

The particles of a node are halved along one axis at their median. Pairs that cross the cut are
covered by a small set of particles, the separator, which is the node's own set; the rest goes to
the two halves, level by level, and what is left after the last level is owned by the leaves. On a
torus the first cut of an axis simply has two faces. The boundary of a node is every particle of a
higher separator that is paired with one of the node's subtree.

A front lists [own | boundary] of a node. Everything is made of sorts and scatters of whole arrays,
so that it works under jit and vmap.

The static shape of a tree is that of a lattice with as many particles and pairs in a box of the
same proportions, with some room: similar glasses share compiled programs. What does not fit is told
by ``overflow``, and outside tracing the sizes can be those of the pairs themselves.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.struct import Struct, static

LEAF = 40  # particles of a leaf in the plane: 20 to 80 run alike within 1.5 times
LEAF_IN_SPACE = 60  # three dimensions and more: 31 to 125 run alike
ALL = 0.8  # share of the particles in the root from which on there is but the root
ROUNDS = 6  # of the cover; three do in the plane, six in space
# Sizes are counts, something in proportion, and something in square roots of the counts, as counts
# of disordered particles spread. Where there is no second try no mixture needed more than 1.3 times
# the lattice; elsewhere little is paid for glasses like the lattice, and the rest tries again.
ROOMY, SNUG, TIGHT = (1.3, 1.5), (1.0, 1.2), (1.0, 0.3)


class Plan(NamedTuple):
    """Static shape of a tree: particles, axis cut at each level, room for own and boundary
    particles of a node at each level, and for the pairs that reach out of a node, of all nodes.
    """

    n: int
    axes: tuple[int, ...]
    own: tuple[int, ...]
    boundary: tuple[int, ...]
    entries: int

    @property
    def depth(self):
        return len(self.axes)


class Tree(Struct):
    """Where particles and pairs stand.

    Attributes:
        i, j, valid: (b,), the pairs.
        level, home, place: (n,), level and node of each particle, place among the node's own.
        swap: (b,), whether j is the lower end of a pair, the one owned deeper.
        pos: (b,), place of the upper end in the front that owns the lower one.
        own: per level (N, a), particles, n where padded.
        up: per level but the last (N, 2, a + b), place of a front's particle in the boundary of
            each child, the child's room where absent.
        down: per level but the first (N, b), place of a boundary particle in the parent's front,
            the length of that front where padded.
        overflow: whether something did not fit; it was left out.
        plan: Plan.
    """

    i: Array
    j: Array
    valid: Array
    level: Array
    home: Array
    place: Array
    swap: Array
    pos: Array
    own: tuple
    up: tuple
    down: tuple
    overflow: Array
    plan: Plan = static()

    @property
    def ends(self):
        """Lower and upper end of every pair."""
        return _ends(self.swap, self.i, self.j)


class _Found(NamedTuple):
    """Where particles stand, and the entries of upper ends into boundaries: one for each pair and
    each level below its upper end down to its lower one, pair by pair.
    """

    level: Array
    home: Array
    place: Array
    top: Array  # (entries,), the particle
    at: Array  # (entries,), level
    node: Array  # (entries,), counted through all levels from the root, which is 1
    seat: Array  # (entries,), place in the boundary
    first: Array  # (entries,), whether it is the first of its upper end there
    last: Array  # (b,), the deepest entry of each pair that has any
    owned: Array  # (levels,), the most own particles of a node
    bounded: Array  # (levels,), the most boundary particles of a node
    overflow: Array


class _Counts(NamedTuple):
    """Axes, the most own and boundary particles of a node at each level, room for entries."""

    axes: tuple[int, ...]
    own: tuple[int, ...]
    boundary: tuple[int, ...]
    entries: int


def usual_plan(n, width, pairs, room=ROOMY):
    """The Plan for n particles in a box of given widths with at most so many pairs.

    Args:
        n: particles.
        width: static lengths of the axes; their ratios count.
        pairs: number of pairs.
        room: ROOMY where what does not fit gets no second try, else SNUG.
    """
    return _plan(n, _usual_counts(n, width, pairs), room)


def exact_plan(u, i, j, valid, width, room=TIGHT):
    """The Plan for concrete coordinates and pairs."""
    usual = _usual_counts(u.shape[0], width, i.shape[0]).entries
    return _plan(u.shape[0], _counts(u, i, j, valid, width, usual), room)


def _plan(n, counts, room):
    size = lambda c: min(_with(room, c), n)
    own, boundary = (tuple(map(size, c)) for c in (counts.own, counts.boundary))
    return Plan(n, counts.axes, own, (0, *boundary[1:]), counts.entries)


def _with(room, count):
    return math.ceil(room[0] * count + room[1] * math.sqrt(count)) + 2


@functools.lru_cache(maxsize=256)
def _usual_counts(n, width, pairs):
    with jax.core.eval_context():
        u, i, j, valid = _lattice(n, width, pairs)
        counts = _counts(u, i, j, valid, width)
    if counts.own[0] > ALL * n:  # what cuts leave is hardly anything, and not alike in any two
        return _Counts((), (n,), (0,), 1)
    return counts


def _counts(u, i, j, valid, width, entries=1):
    """Counts of concrete pairs; ``entries`` is kept where it has room, to share programs."""
    n, dim = u.shape
    leaf = LEAF if dim <= 2 else LEAF_IN_SPACE
    axes = _axes(width, max(0, round(math.log2(max(n / leaf, 1)))))
    level, home = _homes(u, i, j, valid, axes)
    low, top = (np.asarray(level)[np.asarray(ends)] for ends in (i, j))
    needed = int(np.sum(np.abs(low - top), where=np.asarray(valid)))
    if needed > entries:
        entries = _with(ROOMY, needed)
    _check_keys(n, entries, len(axes))
    found = _search(level, home, i, j, valid, len(axes), entries)
    numbers = lambda counts: tuple(map(int, jax.device_get(counts)))
    return _Counts(axes, numbers(found.owned), numbers(found.bounded), entries)


def _lattice(n, width, pairs):
    """Coordinates and pairs of a Kronecker lattice, whose particles k apart in number are all
    separated by the same vector, shaken a little.
    """
    dim, room = len(width), pairs
    pairs = min(pairs, n * (n - 1) // 2)
    golden = 1.5
    for _ in range(60):  # the root of x^(dim + 1) = x + 1 spreads the points most evenly
        golden = (1 + golden) ** (1 / (dim + 1))
    u = np.arange(n)[:, None] * golden ** -np.arange(1.0, dim + 1) % 1.0
    apart = u - np.round(u)
    near = np.argsort(np.sum((apart * np.array(width)) ** 2, axis=1)[1:], kind="stable") + 1
    enough = 1 + np.searchsorted(np.cumsum(n - near), pairs)
    i = np.concatenate([np.arange(n - k) for k in near[:enough]] or [np.zeros(0, int)])
    j = i + np.repeat(near[:enough], n - near[:enough])
    shake = np.random.default_rng(0).uniform(-0.3, 0.3, u.shape) * n ** (-1 / dim)
    # In the shapes and types of a glass, whose compiled search serves here too.
    ends = [np.pad(k[:pairs], (0, room - pairs)).astype(np.int32) for k in (i, j)]
    return tuple(map(jnp.asarray, ((u + shake) % 1.0, *ends, np.arange(room) < pairs)))


def _axes(width, depth):
    width, axes = list(width), []
    for _ in range(depth):
        axes.append(int(np.argmax(np.round(width, 9))))
        width[axes[-1]] /= 2
    return tuple(axes)


def _check_keys(n, entries, depth):
    if (2 ** (depth + 1) + 1) * n << entries.bit_length() >= 2**63:
        raise ValueError(
            f"pairs must leave sort keys below 2^63, found {n} particles, {entries} pairs that "
            "reach out of nodes"
        )


def dissect(plan, u, i, j, valid):
    """The Tree of coordinates u (n, dim) and pairs, of the static shape of a Plan."""
    # Compiled apart, for what a plan follows from has the same homes and another use for them.
    level, home = _homes(u, i, j, valid, plan.axes)
    found = _search(level, home, i, j, valid, plan.depth, plan.entries)
    return _tabulate(plan, i, j, valid, found)


@functools.partial(jax.jit, static_argnums=(5, 6))
def _search(level, home, i, j, valid, depth, entries):
    place, owned = _places(level, home, depth)
    low, top = _ends(level[i] <= level[j], i, j)
    # A last pair that is none takes the room that is left.
    count = jnp.append(jnp.where(valid, level[low] - level[top], 0), 0)
    low, top, last = jnp.append(low, 0), jnp.append(top, 0), jnp.cumsum(count) - 1
    pair = jnp.repeat(jnp.arange(count.size), count, total_repeat_length=entries)
    low, top, number = low[pair], top[pair], jnp.arange(entries)
    up = jnp.maximum(last[pair] - number, 0)  # levels above that of the lower end
    at = level[low] - up
    node = jnp.where(number <= last[-1], (1 << at) + (home[low] >> up), 2 ** (depth + 1))
    seat, first, bounded = _boundary(node, top, level.size, depth)
    of_level = [slice(2**l, 2 ** (l + 1)) for l in range(depth + 1)]
    most = lambda counts: jnp.stack([jnp.max(counts[nodes]) for nodes in of_level])
    rest = jnp.maximum(last[:-1], 0), most(owned), most(bounded), last[-1] >= entries
    return _Found(level, home, place, top, at, node, seat, first, *rest)


def _ends(swap, i, j):
    return jnp.where(swap, j, i), jnp.where(swap, i, j)


@functools.partial(jax.jit, static_argnums=4)
def _homes(u, i, j, valid, axes):
    """Level and node that own each particle."""
    n, depth = u.shape[0], len(axes)
    order = _sorted(u)
    rank = jnp.zeros_like(order).at[jnp.arange(len(order))[:, None], order].set(jnp.arange(n))
    outside = jnp.int64(2**depth) * n

    def cut(carry, axis):
        node, active, level, home, at = carry
        key = jnp.sort(jnp.where(active, node.astype(jnp.int64) * n + rank[axis], outside))
        who = jnp.where(key < outside, order[axis][key % n], n)
        count = jnp.zeros(2**depth, jnp.int32).at[node].add(active.astype(jnp.int32))
        seat = jnp.zeros(n, jnp.int32).at[who].set(jnp.arange(n, dtype=jnp.int32), mode="drop")
        right = seat - (jnp.cumsum(count) - count)[node] >= count[node] // 2
        half = jnp.where(active, 2 * node + right, -1)
        crossing = valid & (half[i] ^ half[j] == 1)
        taken = active & _cover(i, j, crossing, *u.shape)
        level, home = jnp.where(taken, at, level), jnp.where(taken, node, home)
        active = active & ~taken
        return (jnp.where(active, half, node), active, level, home, at + 1), None

    zero = jnp.zeros(n, jnp.int32)
    start = (zero, jnp.ones(n, bool), jnp.full(n, depth, jnp.int32), zero, jnp.int32(0))
    if not depth:
        return start[2], start[3]
    (node, active, level, home, _), _ = jax.lax.scan(cut, start, jnp.array(axes, jnp.int32))
    return level, jnp.where(active, node, home)


def _sorted(u):
    """Particles along each axis, (dim, n): numbers ride in the last bits of coarse coordinates,
    which sorts four times faster than what takes them along.
    """
    bits = u.shape[0].bit_length()
    low, high = jnp.min(u, axis=0), jnp.max(u, axis=0)
    span = jnp.maximum(high - low, jnp.finfo(u.dtype).tiny)
    coarse = ((u - low) / span * 2 ** (62 - bits)).astype(jnp.int64).T << bits
    return jnp.sort(coarse | jnp.arange(u.shape[0]), axis=1) & (2**bits - 1)


def _cover(i, j, crossing, n, dim):
    """A small set of particles that touches all crossing pairs.

    In rounds, over the crossing pairs alone: the only open neighbour of a particle is taken,
    elsewhere the particle with most open pairs among its neighbours. Of what is left after the last
    round, or had no room among them, alternate ends are taken.
    """
    b = i.shape[0]
    # of a large glass 0.05 b cross in the plane, 0.1 b in space
    room = b // (10 if dim <= 2 else 5) + 4 * math.isqrt(b)
    seat = jnp.where(crossing, jnp.cumsum(crossing.astype(jnp.int32)) - 1, room)
    who = jnp.full(room, b).at[seat].set(jnp.arange(b), mode="drop")
    few_i, few_j = i[who], j[who]
    even = jnp.arange(room) % 2 == 0

    def step(carry, i=few_i, j=few_j):
        cover, left, k = carry
        one = left.astype(jnp.int32)
        degree = jnp.zeros(n, jnp.int32).at[i].add(one).at[j].add(one)
        at_i, at_j = degree[i], degree[j]
        single = left & ((at_i == 1) | (at_j == 1))
        take_i = single & ((at_i > at_j) | ((at_i == at_j) & even))
        key = degree.astype(jnp.int64) * n + jnp.arange(n)
        seen = lambda k: jnp.where(left, key[k], 0)
        best = jnp.zeros(n, jnp.int64).at[i].max(seen(j)).at[j].max(seen(i))
        near = jnp.zeros(n, bool).at[i].max(single).at[j].max(single)
        cover = cover.at[i].max(take_i).at[j].max(single & ~take_i)
        cover = cover | ((degree > 1) & (key > best) & ~near)
        return cover, left & ~cover[i] & ~cover[j], k + 1

    start = jnp.zeros(n, bool), who < b, 0
    more = lambda c: jnp.any(c[1]) & (c[2] < ROUNDS)
    cover, left, _ = jax.lax.while_loop(more, step, start)

    def rest(cover):
        left, even = crossing & ~cover[i] & ~cover[j], jnp.arange(b) % 2 == 0
        return cover.at[i].max(left & even).at[j].max(left & ~even)

    return jax.lax.cond(jnp.any(left) | (jnp.sum(crossing) > room), rest, lambda c: c, cover)


def _places(level, home, depth):
    """Running number of each particle among the own particles of its node, and their counts."""
    n = level.shape[0]
    node = (1 << level.astype(jnp.int64)) + home
    count = jnp.zeros(2 ** (depth + 1), jnp.int32).at[node].add(1)
    key = jnp.sort(node * n + jnp.arange(n))
    seat = jnp.arange(n, dtype=jnp.int32) - (jnp.cumsum(count) - count)[key // n]
    return jnp.zeros(n, jnp.int32).at[key % n].set(seat), count


def _boundary(node, top, n, depth):
    """Places of upper ends in the boundaries of nodes, whether an entry is the first to bring its
    upper end there, and counts.
    """
    entries = node.shape[0]
    bits = entries.bit_length()
    number = jnp.arange(entries)
    key = jnp.sort(((node.astype(jnp.int64) * n + top) << bits) | number)
    entry, who = key & (2**bits - 1), key >> bits
    node = node[entry]
    new = (node < 2 ** (depth + 1)) & (jnp.concatenate([jnp.full(1, -1), who[:-1]]) != who)
    count = jnp.zeros(2 ** (depth + 1) + 1, jnp.int32).at[node].add(new.astype(jnp.int32))
    seat = jnp.cumsum(new.astype(jnp.int32)) - 1 - (jnp.cumsum(count) - count)[node]
    seat = jnp.zeros(entries, jnp.int32).at[entry].set(jnp.maximum(seat, 0))
    return seat, jnp.zeros(entries, bool).at[entry].set(new), count


@functools.partial(jax.jit, static_argnums=0)
def _tabulate(plan, i, j, valid, found):
    """The tables of a Tree; what does not fit is left out."""
    level, home, place = found.level, found.home, found.place
    a, b = jnp.array(plan.own), jnp.array(plan.boundary)
    swap = level[i] <= level[j]
    low, top = _ends(swap, i, j)
    nodes = 2 ** np.arange(plan.depth + 1)
    own = _tables(nodes, plan.own, (plan.n,) * nodes.size, level, home, place, jnp.arange(plan.n))

    l, its, at_parent = found.at, found.seat, jnp.roll(found.seat, 1)
    beside, seat = level[found.top] == l - 1, place[found.top]
    above = jnp.where(beside, seat, a[l - 1] + at_parent)
    fits = jnp.where(beside, seat < a[l - 1], at_parent < b[l - 1]) & (its < b[l])
    node = jnp.where(found.first & fits, found.node - (1 << l), -1)
    fronts = tuple(map(sum, zip(plan.own, plan.boundary)))[:-1]
    down = _tables(nodes[1:], plan.boundary[1:], fronts, l - 1, node, its, above)
    up = _tables(nodes[1:], fronts, plan.boundary[1:], l - 1, node, above, its)

    beside = level[top] == level[low]
    pos = jnp.where(beside, place[top], a[level[low]] + its[found.last])
    overflow = found.overflow | jnp.any(found.owned > a) | jnp.any(found.bounded > b)
    up = tuple(table.reshape(-1, 2, table.shape[1]) for table in up)
    return Tree(i, j, valid, level, home, place, swap, pos, own, up, down, overflow, plan)


def _tables(rows, columns, absent, which, row, column, value):
    """A table (rows, columns) for each level, filled by one scatter for all of them; rows below
    zero and columns beyond their table are dropped, and what is not filled is ``absent``.
    """
    if not len(rows):
        return ()
    start = np.concatenate([[0], np.cumsum(rows * np.array(columns))])
    width = jnp.array(columns)[which]
    inside = (row >= 0) & (column < width)
    at = jnp.where(inside, jnp.array(start)[which] + row * width + column, start[-1])
    empty = jnp.full(int(start[-1]), np.iinfo(np.int32).max)
    flat = empty.at[at].set(value.astype(empty.dtype), mode="drop").astype(jnp.int32)
    cut = lambda k: flat[start[k] : start[k + 1]].reshape(rows[k], columns[k])
    return tuple(jnp.minimum(cut(k), absent[k]) for k in range(len(rows)))
