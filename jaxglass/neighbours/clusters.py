"""Lists of near pairs for particles that move, made from clusters of eight.

Particles are sorted into slabs of equal number, the slabs into columns, the columns into clusters:
static tables, in which nothing can overflow. Boxes around clusters tell which of them come near
each other, first of groups of 32 clusters, then of the clusters themselves, then particles are
compared eight by eight. The answers of every round are bits, packed into the list of the next.

All is done in fractional coordinates, so that any cell will do, and for many samples at once:
particle p of sample s is s n + p. Sizes are static; what does not fit shows in the counts.

The order of the list matters to those who sum over it. A sum into the same row waits for the one
before: so neighbouring entries seldom share a particle, and the padding, which pairs a particle
with itself, goes over all particles in turn. And the order in which the pairs of a sample come
depends on that sample alone: what moves along the list goes the same way in any company.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..core.arrays import take
from ..core.geometry import ball
from ..core.samples import one_by_one
from ..system.bonds import pack, pack_words
from .cells import nearest, of_sample, square

SIZE, GROUP = 8, 32  # particles of a cluster, clusters of a group: the bits of a word
CHUNK = 2048  # pairs whose forces are worked out together: 16 kB an array stay in the cache
WHOLE = 16384  # pairs in the plane that are better worked out at once, by 5 to 20 per cent
STRIP = 1024  # pairs of clusters compared together: what they need stays in the cache


class ClusterPlan(NamedTuple):
    """Sizes, fixed before tracing.

    Attributes:
        samples, n: systems, and particles of each.
        grid: parts of each axis but the last.
        radius: no pair farther apart is listed.
        groups: room for pairs of a group and a cluster.
        pairs: room for pairs of clusters.
        capacity: room for pairs of particles.
    """

    samples: int
    n: int
    grid: tuple[int, ...]
    radius: float
    groups: int
    pairs: int
    capacity: int


def plan_clusters(n, width, volume, radius, capacity, room=1.0):
    """A ClusterPlan for particles spread evenly in a box.

    Args:
        n: particles of a sample.
        width: distances between opposite faces (d,), plain numbers.
        volume: of the box.
        radius: of the list.
        capacity: pairs of particles of a sample.
        room: multiplies the room for pairs of clusters.
    """
    dim = len(width)
    edge = (SIZE * volume / n) ** (1 / dim)
    grid = tuple(max(1, round(w / edge)) for w in width[:-1])
    count = _columns(n, grid)[1]
    long = min(GROUP, count // math.prod(grid)) * edge  # a group is a column, or several
    wide = edge * -(-GROUP * math.prod(grid) // count)
    shape = [edge] * (dim - 2) + [wide, long] if dim > 1 else [GROUP * edge]
    balls = [ball(k) * radius**k for k in range(dim + 1)]
    around = sum(math.comb(dim, k) * (2 * edge) ** k * balls[dim - k] for k in range(dim + 1))
    share = math.prod(min(1, (2 * radius + a + edge) / w) for a, w in zip(shape, width))
    words = -(-count // GROUP)
    groups = min(count * words, int(room * (0.8 * count * words * share + 2 * count + 64)))
    pairs = int(room * (0.8 * count * min(count, around * count / volume) + 64))
    pairs = min(pairs, count * (count + 1) // 2)
    return ClusterPlan(1, n, grid, radius, groups, pairs, capacity)


def chunks_of(capacity, dim):
    """Number of chunks, of equal length, that forces along so many pairs are worked out in."""
    return 1 if dim <= 2 and capacity <= WHOLE else -(-capacity // CHUNK)


def chunked(capacity, dim):
    """The next capacity that is made of chunks of equal length."""
    chunks = chunks_of(capacity, dim)
    return chunks * 16 * -(-capacity // (16 * chunks))


def for_samples(plan, samples):
    """The ClusterPlan of many samples, from that of one; pairs in chunks of equal length."""
    capacity = chunked(plan.capacity * samples, len(plan.grid) + 1)
    sizes = plan.groups * samples, plan.pairs * samples, capacity
    return ClusterPlan(samples, plan.n, plan.grid, plan.radius, *sizes)


def shape(plan):
    """Of the array that holds the particles of all clusters."""
    return plan.samples, _columns(plan.n, plan.grid)[1], SIZE


def _columns(n, grid):
    """Index tables that deal sorted particles out, axis by axis, and the number of clusters."""
    counts, tables, width = np.array([n]), [], n
    for parts in (*grid, 1):
        share = np.stack(
            [(q + 1) * counts // parts - q * counts // parts for q in range(parts)], axis=1
        )
        first, old = np.cumsum(share, axis=1) - share, width
        width = -(-share.max() // SIZE) * SIZE
        at = first[:, :, None] + np.arange(width)
        empty = np.arange(width) >= share[:, :, None]
        tables.append((np.where(empty, old, at).reshape(len(counts), -1), parts))
        counts = share.reshape(-1)
    return tables, len(counts) * width // SIZE


def clusters_of(plan, place):
    """Particles in clusters near in space, (samples, clusters, 8), n where empty.

    Args:
        place: (samples, n, d), fractional.
    """
    place = place - jnp.floor(place)
    return jax.vmap(lambda u: _clusters(plan, u))(place)


def _clusters(plan, place):
    tables, count = _columns(plan.n, plan.grid)
    order = jnp.argsort(place[:, 0]).astype(jnp.int32)[None]
    for axis, (at, parts) in enumerate(tables):
        if axis:
            along = jnp.append(place[:, axis], jnp.inf)[order]
            order = jnp.take_along_axis(order, jnp.argsort(along, axis=1), axis=1)
        order = jnp.pad(order, ((0, 0), (0, 1)), constant_values=plan.n)
        order = jnp.take_along_axis(order, jnp.asarray(at, jnp.int32), axis=1)
        order = order.reshape(-1, order.shape[1] // parts)
    return order.reshape(count, SIZE)


@functools.partial(jax.jit, static_argnums=0)
def near_pairs(plan, cells, place, clusters, ranges):
    """Pairs of particles closer than their range, each by its nearest image.

    Args:
        plan: ClusterPlan.
        cells: Cells of the samples.
        place: (samples, n, d), fractional, inside or outside of the cell.
        clusters: (samples, clusters, 8), from ``clusters_of``, of these places or earlier ones.
        ranges: Ranges of the particles.

    Returns:
        i, j: (capacity,), numbers over all samples, i = j where padded.
        found: number of pairs, more than the capacity if some were left out.
        overflow: whether there were more pairs of groups or clusters than there is room for.
    """
    empty = clusters >= plan.n
    filled = jnp.where(empty, clusters[:, :, :1], clusters)
    first = plan.n * jnp.arange(plan.samples, dtype=jnp.int32)[:, None, None]
    who, empty = _in_groups(filled + first), _in_groups(empty)
    points = take(jnp.moveaxis(place, -1, 0).reshape(place.shape[-1], -1), who, axis=1)
    box = _hull(points, points)
    group = _hull(box[0] - box[1], box[0] + box[1])
    near = _near_groups(plan, cells, group, box, clusters.shape[1])
    pairs = _near_clusters(plan, cells, jnp.concatenate(box).reshape(2 * len(points), -1), *near)
    flat = lambda a: a.reshape(*a.shape[:-4], -1, SIZE)
    points = flat(jnp.where(empty, jnp.nan, points))
    return _near_particles(plan, cells, points, flat(who), ranges, *pairs)


def _in_groups(clusters):
    """(samples, clusters, 8) -> (samples, groups, 32, 8), the last cluster repeated."""
    samples, count, size = clusters.shape
    whole = jnp.pad(clusters, ((0, 0), (0, -count % GROUP), (0, 0)), mode="edge")
    return whole.reshape(samples, -1, GROUP, size)


def _hull(low, high):
    """Centre and half width of boxes along the last axis, in one piece about the first of them."""
    image = jnp.round(low - low[..., :1])
    low, high = jnp.min(low - image, axis=-1), jnp.max(high - image, axis=-1)
    return (low + high) / 2, (high - low) / 2


def _touch(plan, cells, sample, apart, half):
    """Whether boxes come within the radius: distances of centres, sums of half widths, by axis."""
    width = of_sample(cells.width, sample)
    gaps = [
        w * jnp.maximum(jnp.abs(nearest(r)) - h, 0.0)
        for w, r, h in zip(width, apart, half, strict=True)
    ]
    if cells.orthogonal:
        return sum(g * g for g in gaps) < plan.radius**2
    return functools.reduce(jnp.maximum, gaps) < plan.radius


def _near_groups(plan, cells, group, box, count):
    """Pairs of a group and a cluster, not before it, that come near.

    Returns:
        first, cluster: numbers over all samples and padding, (groups,), of the first of the group
            and of the cluster.
        valid: (groups,).
        overflow: bool.
    """
    samples, words = group[0].shape[1:]
    every = lambda a: a.reshape(len(a), samples, 1, -1)[..., :count]
    apart = group[0][..., None] - every(box[0])
    half = group[1][..., None] + every(box[1])
    sample = jnp.arange(samples)[:, None, None]
    near = _touch(plan, cells, sample, apart, half)
    near = near & (GROUP * jnp.arange(words)[:, None] <= jnp.arange(count))
    at, valid, found = pack(near.reshape(-1), plan.groups)
    sample, word, cluster = at // (words * count), at // count % words, at % count
    start = sample * words * GROUP
    return start + word * GROUP, start + cluster, valid, found > plan.groups


def _near_clusters(plan, cells, box, first, cluster, valid, overflow):
    """Pairs of clusters i >= j that come near, by the bits of the 32 clusters of a group.

    The bits are summed as float64, which XLA vectorises; powers on a GPU are not exact, hence the
    table.
    """
    dim = len(box) // 2
    sample = cluster // (box.shape[1] // plan.samples)
    mine = take(box, cluster, axis=1)
    theirs = take(box, first + jnp.arange(GROUP, dtype=first.dtype)[:, None], axis=1)
    apart, half = theirs[:dim] - mine[:dim, None], theirs[dim:] + mine[dim:, None]
    near = _touch(plan, cells, sample, apart, half)
    power = jnp.asarray(np.ldexp(1.0, np.arange(GROUP)))[:, None]
    word = jnp.sum(jnp.where(near, power, 0.0), axis=0)
    up_to = jnp.where(valid, jnp.clip(cluster - first + 1, 0, GROUP), 0).astype(jnp.uint64)
    bits = word.astype(jnp.int64).astype(jnp.uint64) & ((jnp.uint64(1) << up_to) - jnp.uint64(1))
    at, bit, valid, found = pack_words(bits.astype(jnp.uint32), plan.pairs)
    i, j = take(cluster, at), take(first, at) + bit
    seat = _apart(plan, take(sample, at), valid)
    keep = lambda k: jnp.zeros_like(k).at[seat].set(jnp.where(valid, k, 0), unique_indices=True)
    return keep(i), keep(j), found, overflow | (found > plan.pairs)


def _apart(plan, sample, valid):
    """Where pairs of clusters go so that neighbours come apart, (pairs,).

    Every t-th pair of a sample of c pairs follows the one before, t the root of c.
    """
    mine = jnp.where(valid, sample, plan.samples)
    count = jnp.zeros(plan.samples + 1, jnp.int32).at[mine].add(1)
    start = take(jnp.cumsum(count) - count, mine)
    stride = jnp.maximum(jnp.ceil(jnp.sqrt(count)).astype(jnp.int32), 1)
    c, t = take(count, mine), take(stride, mine)
    rank = jnp.arange(len(mine), dtype=jnp.int32) - start
    return start + rank % t * (c // t) + jnp.minimum(rank % t, c % t) + rank // t


# The bits of a word go through four members of one cluster in turn, and through all of the other.
_MINE = tuple(q % 4 for q in range(32))
_THEIRS = tuple((q // 4 + 2 * q) % SIZE for q in range(32))
_WORDS = SIZE * SIZE // 32


def _near_particles(plan, cells, points, who, ranges, ci, cj, count, overflow):
    """Pairs of particles of near clusters."""
    per_sample = points.shape[1] // plan.samples
    ours, others = (jnp.concatenate([points, f(who)]) for f in (ranges.rows, ranges.columns))
    tests = functools.partial(_compared, ranges, len(points))

    def words_of(i, j, valid, tests=tests):
        mine, theirs = take(ours, i, axis=1), take(others, j, axis=1)
        metric = [jnp.broadcast_to(g, i.shape) for g in of_sample(cells.metric, i // per_sample)]
        mine, theirs = jnp.moveaxis(mine, -1, 0), jnp.moveaxis(theirs, -1, 0)
        return tests(mine, theirs, jnp.stack(metric), i == j, valid)

    if one_by_one():
        words = _in_strips(words_of, tests, ci, cj, count)
        ci, cj = (jnp.pad(k, (0, -len(k) % STRIP)) for k in (ci, cj))
    else:
        words = words_of(ci, cj, jnp.arange(len(ci)) < count)
    word, bit, ok, found = pack_words(words.reshape(-1), plan.capacity)
    pair, part = word // _WORDS, word % _WORDS
    a, b = 4 * part + take(jnp.array(_MINE), bit), take(jnp.array(_THEIRS), bit)
    who = who.reshape(-1)
    i, j = take(who, take(ci, pair) * SIZE + a), take(who, take(cj, pair) * SIZE + b)
    spread = jnp.arange(plan.capacity, dtype=jnp.int32) % (plan.samples * plan.n)
    return jnp.where(ok, i, spread), jnp.where(ok, j, spread), found, overflow


def _in_strips(words_of, tests, ci, cj, count):
    """Words of pairs of clusters, a strip after the other, as far as there are any."""
    most = -(-len(ci) // STRIP)
    used = jnp.clip(-(-count // STRIP), 1, most)
    strips = [jnp.pad(k, (0, -len(k) % STRIP)).reshape(most, STRIP) for k in (ci, cj)]
    nothing = lambda *unused: jnp.zeros((STRIP, _WORDS), jnp.uint32)

    def strip(at, words):
        # What enters a branch is stored once; without it XLA gathers every number eight times over.
        if_used = lambda *a: jax.lax.cond(at < used, tests, nothing, *a)
        valid = at * STRIP + jnp.arange(STRIP) < count
        return words.at[at].set(words_of(strips[0][at], strips[1][at], valid, if_used))

    words = jnp.zeros((most, STRIP, _WORDS), jnp.uint32)
    return jax.lax.fori_loop(0, used, strip, words)


def _compared(ranges, dim, mine, theirs, metric, same, valid):
    """Words (k, 2) of k pairs of clusters: which of their members are within range."""
    words = []
    for half in range(_WORDS):
        word, later = jnp.zeros(same.shape), 0
        for q, (a, b) in enumerate(zip(_MINE, _THEIRS, strict=True)):
            p, s = mine[a + 4 * half], theirs[b]
            apart = [nearest(s[k] - p[k]) for k in range(dim)]
            near = square(apart, list(metric)) < ranges.squared(p[dim:], s[dim:])
            word = word + jnp.where(near, float(1 << q), 0.0)
            later |= (b > a + 4 * half) << q
        allowed = jnp.where(same, jnp.uint32(later), jnp.uint32(2**32 - 1))
        words.append(word.astype(jnp.int64).astype(jnp.uint32) & jnp.where(valid, allowed, 0))
    return jnp.stack(words, axis=1)
