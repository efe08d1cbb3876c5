"""Selected inverse on a tree of nested dissection, and its derivative: blocks of the inverse on all
pairs and particles.

From the root to the leaves, with C = X^T X and Y = X^T W of the factor (nested.py):

    G_ob = -Y G_bb,   G_oo = C - G_ob Y^T

Their change under dA follows from the same fronts without another factor: upwards
dS = dF_bb - Y^T E - dF_ob^T Y with E = dF_ob - dF_oo Y, and downwards, with dY = C E,

    dG_ob = -dY G_bb - Y dG_bb,   dG_oo = -C dF_oo C - dG_ob Y^T - G_ob dY^T
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..core.samples import loop_on_cpu
from .exchange import to_children
from .nested import assemble, masked, matrix_rows, plain_factor
from .products import transpose_times, transposed

# Bytes of fronts alive at a time: 4 to 64 MB run alike, and fewer bytes are more to compile.
SUBTREE = 64e6
CHUNK = 2048  # blocks read at a time below a subtree: 500 run alike


@loop_on_cpu
def selected(factor):
    """Blocks G_ij on the pairs (b, d, d), zero where not valid, and G_ii (n, d, d)."""
    return in_subtrees(factor, SUBTREE)


def in_subtrees(factor, subtree):
    """The same; levels are taken tier after tier, and below a tier one subtree after another, so
    that the fronts alive in a tier take that many bytes.
    """
    tree, d = factor.tree, factor.dim
    tiers = _tiers(tree.plan, d, subtree)
    reader = _Reader(tree, tiers)

    def visit(t, node, front, found):
        """Everything below one node of the level above tier t, of which front is given."""
        rows, above = [], _above(tiers[t])
        for l in tiers[t]:
            part = functools.partial(_piece, node=node, count=2 ** (l - above))
            x = part(factor.inverse[l])
            own, across, edge = transpose_times(x, x), None, None
            if l:
                up = _piece(tree.up[l - 1], node, 2 ** (l - 1 - above))
                edge = to_children(front, up, part(tree.down[l - 1]))
                y = transpose_times(x, part(factor.coupling[l - 1]))
                across = -y @ edge
                own = own - across @ transposed(y)
            rows_here, front = _front_of(own, across, edge, l == tree.plan.depth)
            rows.append(rows_here)
        found = reader(found, t, node, rows)
        if t + 1 == len(tiers):
            return found
        first = node * front.shape[0]
        below = lambda k, found: visit(t + 1, first + k, front[k][None], found)
        return jax.lax.fori_loop(0, front.shape[0], below, found)

    return _of_pairs(factor, reader.sorted_back(visit(0, 0, None, reader.nothing(d))))


def _piece(part, node, count):
    """The rows of a level that belong to one node, count of them."""
    if count == part.shape[0]:
        return part
    return jax.lax.dynamic_slice_in_dim(part, node * count, count)


def _tiers(plan, dim, room):
    """The levels from the root in groups, whose fronts below one node take so many bytes, at most
    or by one level alone.
    """
    tiers: list[list[int]] = []
    taken = np.inf
    for l, (a, b) in enumerate(zip(plan.own, plan.boundary)):
        front = 8 * dim**2 * (a + b) ** 2
        if taken + front * 2 ** (l - _above(tiers[-1]) if tiers else 0) > room:
            tiers, taken = [*tiers, []], 0
        tiers[-1].append(l)
        taken += front * 2 ** (l - _above(tiers[-1]))
    return tiers


def _above(levels):
    """The level of the nodes below which a tier is one piece."""
    return max(levels[0] - 1, 0)


def change_of_selected(factor, diagonal, blocks):
    """Change -(G dA G) of ``selected`` when the matrix changes by symmetric diagonal blocks
    (n, d, d) and pair blocks (b, d, d).
    """
    tree = factor.tree
    rows, moved, schur = matrix_rows(tree, diagonal, blocks), {}, None
    for l in reversed(range(tree.plan.depth + 1)):
        own, across, rest = assemble(tree, l, rows[l], schur)
        moved[l] = own, across
        if l:
            y = transpose_times(factor.inverse[l], factor.coupling[l - 1])
            schur = rest - transpose_times(y, across - own @ y) - transpose_times(across, y)
    slopes, front, slope = [], None, None
    for l in range(tree.plan.depth + 1):
        x, (d_own, d_across) = factor.inverse[l], moved[l]
        c = transpose_times(x, x)
        own, change = c, -c @ d_own @ c
        across = d_ob = edge = d_edge = None
        if l:
            y = transpose_times(x, factor.coupling[l - 1])
            dy = c @ (d_across - d_own @ y)
            edge, d_edge = (
                to_children(f, tree.up[l - 1], tree.down[l - 1]) for f in (front, slope)
            )
            across, d_ob = -y @ edge, -dy @ edge - y @ d_edge
            own, change = (
                own - across @ transposed(y),
                change - d_ob @ transposed(y) - across @ transposed(dy),
            )
        last = l == tree.plan.depth
        rows, slope = _front_of(change, d_ob, d_edge, last)
        slopes.append(rows)
        front = _front_of(own, across, edge, last)[1]
    levels = range(tree.plan.depth + 1)
    return _of_pairs(factor, _Rows(tree, levels, 0, slopes)(*_rows_and_columns(tree)))


def _front_of(own, across, edge, last):
    """The rows of own particles, and the whole front where there are children to read it."""
    if edge is None:
        return own, own
    rows = jnp.concatenate([own, across], axis=2)
    if last:
        return rows, None
    return rows, jnp.concatenate(
        [rows, jnp.concatenate([transposed(across), edge], axis=2)], axis=1
    )


class _Rows:
    """Rows of own particles, of consecutive levels below one node, to read blocks from."""

    def __init__(self, tree, levels, node, rows):
        self.tree, self.levels, self.node = tree, levels, node
        self.counts, _, self.widths = map(np.array, zip(*(r.shape for r in rows)))
        self.start = np.cumsum([0] + [r.size for r in rows[:-1]])
        self.dim = rows[0].shape[1] // tree.plan.own[levels[0]]
        self.flat = jnp.concatenate([r.reshape(-1) for r in rows])

    def __call__(self, who, column):
        """Blocks (k, d, d)."""
        first, last = self.levels[0], self.levels[-1]
        own = jnp.array(self.tree.plan.own[first : last + 1])
        l = jnp.clip(self.tree.level[who], first, last) - first
        width = jnp.array(self.widths)[l]
        node = self.tree.home[who] - self.node * jnp.array(self.counts)[l]
        row = (node * own[l] + self.tree.place[who]) * self.dim
        corner = jnp.array(self.start)[l] + row * width + column * self.dim
        k = jnp.arange(self.dim)
        at = corner[:, None, None] + k[:, None] * width[:, None, None] + k
        return self.flat.at[at].get(mode="clip")


class _Reader:
    """Reads all blocks of pairs and particles, those of one subtree and tier after another."""

    def __init__(self, tree, tiers):
        self.tree, self.tiers = tree, tiers
        who, column = _rows_and_columns(tree)
        level = tree.level[who]
        tier = jnp.array(np.repeat(np.arange(len(tiers)), [len(levels) for levels in tiers]))[level]
        node = tree.home[who] >> (level - jnp.array(list(map(_above, tiers)))[tier])
        key = self._key(tier, node)
        self.order = jnp.argsort(key)
        self.key = key[self.order]
        self.where = tuple(jnp.pad(k[self.order], (0, CHUNK)) for k in (who, column))

    def _key(self, tier, node):
        return tier * 2**self.tree.plan.depth + node

    def nothing(self, dim):
        return jnp.zeros((self.where[0].size, dim, dim))

    def __call__(self, found, t, node, rows):
        """Adds what belongs to tier t below one node."""
        read = _Rows(self.tree, self.tiers[t], node, rows)
        if len(self.tiers) == 1:
            return read(*self.where)
        key = self._key(t, node)
        start, end = (jnp.searchsorted(self.key, key, side=side) for side in ("left", "right"))
        inner = jnp.arange(CHUNK)[:, None, None]

        def step(carry):
            at, found = carry
            cut = lambda k: jax.lax.dynamic_slice_in_dim(k, at, CHUNK)
            block = jnp.where(at + inner < end, read(*map(cut, self.where)), cut(found))
            return at + CHUNK, jax.lax.dynamic_update_slice_in_dim(found, block, at, 0)

        return jax.lax.while_loop(lambda c: c[0] < end, step, (start, found))[1]

    def sorted_back(self, found):
        found = found[: self.order.size]
        return jnp.zeros_like(found).at[self.order].set(found, unique_indices=True)


def _rows_and_columns(tree):
    """Who owns the row, and which column, of the block of every pair and particle."""
    who = jnp.concatenate([tree.ends[0], jnp.arange(tree.plan.n)])
    return who, jnp.concatenate([tree.pos, tree.place])


def _of_pairs(factor, found):
    """Blocks of pairs, as they are named, and of particles."""
    tree, count = factor.tree, factor.tree.i.size
    found = masked(factor, found)
    pairs = jnp.where(tree.swap[:, None, None], transposed(found[:count]), found[:count])
    return jnp.where(tree.valid[:, None, None], pairs, 0.0), found[count:]


@jax.custom_jvp
def inverse_blocks(factor, diagonal, blocks):
    """``selected`` as a function of the matrix that was factored, the factor a constant."""
    return selected(factor)


@inverse_blocks.defjvp
def _inverse_blocks_jvp(primals, tangents):
    (factor, *matrix), (_, *change) = primals, tangents
    return selected(factor), change_of_selected(attached(factor, *matrix), *change)


@jax.custom_jvp
def attached(factor, diagonal, blocks):
    """The factor as a function of the matrix that was factored: second derivatives need it."""
    return factor


@attached.defjvp
def _attached_jvp(primals, tangents):
    (constant, *matrix), (_, *change) = primals, tangents
    anew = lambda diagonal, blocks: plain_factor(
        constant.tree, diagonal, blocks, 0.0, constant.spring
    )
    slope = jax.jvp(anew, tuple(matrix), tuple(change))[1]
    return constant, slope
