"""Direct solver for symmetric positive block matrices on a tree of nested dissection: factor once,
solve many, selected inverse, determinant.

The matrix has diagonal blocks A_ii (n, d, d) and pair blocks A_ij (b, d, d), A_ji their transpose.
With F the front of a node, o its own particles and b its boundary, from the leaves to the root

    L L^T = F_oo,  X = L^-1,  W = X F_ob,  S = F_bb - W^T W,  parent's F <- F + S

A spring on the mean displacement of the particles of the root makes a matrix positive that does not
see translations, and changes nothing else that does not see them. All nodes of a level are one
batch; Cholesky factors alone are made one by one on CPUs (lapack.py).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.samples import loop_on_cpu
from ..core.struct import Struct
from .exchange import flat, to_parents
from .lapack import inverse_cholesky
from .nested_tree import Tree
from .products import transpose_times, transpose_times_few, transposed

# A pivot this much below its diagonal entry is rounding: the matrix is singular.
SINGULAR = 100 * float(np.finfo(np.float64).eps)


class Factor(Struct):
    """Cholesky factor on a tree; ``ok`` is False if the matrix is not positive or the tree
    overflowed.

    Attributes:
        tree: Tree.
        inverse: per level (N, a d, a d), inverses X of the triangles.
        coupling: per level but the root (N, a d, b d), W.
        logdet: logarithm of the determinant, the spring included.
        spring: stiffness of the spring on the root.
        ok: bool.
    """

    tree: Tree
    inverse: tuple
    coupling: tuple
    logdet: Array
    spring: Array
    ok: Array

    @property
    def dim(self):
        return self.inverse[0].shape[-1] // self.tree.plan.own[0]


def plain_factor(tree, diagonal, blocks, shift=0.0, spring=None):
    """Factors the matrix of diagonal blocks (n, d, d) and pair blocks (b, d, d).

    Args:
        tree: Tree.
        diagonal, blocks: of the matrix; blocks of pairs that are not valid are ignored.
        shift: number added to the diagonal.
        spring: stiffness of the spring on the root; None for the mean of the diagonal, 0.0 for a
            matrix that is positive without.
    """
    d = diagonal.shape[-1]
    entries = jnp.diagonal(diagonal, axis1=1, axis2=2) + shift
    if spring is None:
        mean = jax.lax.stop_gradient(jnp.mean(entries))
        spring = jnp.where(mean > 0, mean, 1.0)
    rows = matrix_rows(tree, diagonal + shift * jnp.eye(d), blocks)
    inverses, couplings, schur = [], [], None
    for l in reversed(range(tree.plan.depth + 1)):
        own, across, rest = assemble(tree, l, rows[l], schur)
        empty = jnp.repeat(tree.own[l] == tree.plan.n, d, axis=1)
        own = own + jnp.where(empty[:, :, None], jnp.eye(own.shape[-1]), 0.0)
        if l == 0:
            own = own + _spring(~empty[0], d, spring)
        x = jax.vmap(inverse_cholesky)(own)[0]
        inverses.append(x)
        if l:
            w = x @ across
            schur = rest - transpose_times(w, w)
            couplings.append(w)
    pivots = [jnp.diagonal(x, axis1=1, axis2=2) for x in inverses]
    logdet = -2 * jnp.sum(jnp.stack([jnp.sum(jnp.log(p)) for p in pivots]))
    sizes = [
        jnp.pad(entries, ((0, 1), (0, 0)))[own].reshape(p.shape)
        for own, p in zip(tree.own[::-1], pivots)
    ]
    sound = jnp.stack([jnp.all(p**2 * size < 1 / SINGULAR) for p, size in zip(pivots, sizes)])
    ok = jnp.isfinite(logdet) & jnp.all(sound) & ~tree.overflow
    return Factor(tree, tuple(inverses[::-1]), tuple(couplings[::-1]), logdet, spring, ok)


factor = loop_on_cpu(plain_factor)


def _spring(used, d, spring):
    alike = jnp.arange(used.size)[:, None] % d == jnp.arange(used.size) % d
    seen = alike & used[:, None] & used
    return jnp.where(seen, spring / jnp.maximum(jnp.sum(used) // d, 1), 0.0)


def pin(factor, z):
    """What the spring adds to M z, for fields (n, d) or columns (n, d, c)."""
    root = (factor.tree.level == 0).reshape(-1, *[1] * (z.ndim - 1))
    count = jnp.maximum(jnp.sum(root), 1)
    return jnp.where(root, factor.spring * jnp.sum(jnp.where(root, z, 0.0), axis=0) / count, 0.0)


def log_determinant(factor):
    """log det M on translation-free fields, for M that does not see translations: the spring s on m
    of n particles multiplies it by (s m / n)^d.
    """
    m = jnp.sum(factor.tree.level == 0)
    return factor.logdet - factor.dim * jnp.log(factor.spring * m / factor.tree.plan.n)


def matrix_rows(tree, diagonal, blocks):
    """Entries of the matrix in the rows of own particles, per level (N, a, a + b, d, d)."""
    plan, d = tree.plan, diagonal.shape[-1]
    a, f = np.array(plan.own), np.array(plan.own) + np.array(plan.boundary)
    start = np.concatenate([[0], np.cumsum(2 ** np.arange(plan.depth + 1) * a * f)])
    low, top = tree.ends

    def at(particle, column, keep):
        l, place = tree.level[particle], tree.place[particle]
        row = tree.home[particle] * jnp.array(a)[l] + place
        keep = keep & (place < jnp.array(a)[l]) & (column < jnp.array(f)[l])
        return jnp.where(keep, jnp.array(start)[l] + row * jnp.array(f)[l] + column, start[-1])

    beside = tree.level[low] == tree.level[top]
    block = jnp.where(tree.swap[:, None, None], transposed(blocks), blocks)
    everyone = jnp.arange(plan.n)
    places = jnp.concatenate(
        [
            at(everyone, tree.place, True),
            at(low, tree.pos, tree.valid),
            at(top, tree.place[low], tree.valid & beside),
        ]
    )
    values = jnp.concatenate([diagonal, block, transposed(block)]).reshape(-1, d * d)
    flat = jnp.zeros((int(start[-1]), d * d)).at[places].add(values, mode="drop")
    cut = lambda l: flat[start[l] : start[l + 1]].reshape(2**l, a[l], f[l], d, d)
    return [cut(l) for l in range(plan.depth + 1)]


def assemble(tree, l, rows, schur):
    """F_oo, F_ob and F_bb of all nodes of a level: rows of the matrix and what children add."""
    rows = flat(rows)
    a = rows.shape[1]
    if schur is None:
        return rows[:, :, :a], rows[:, :, a:], 0.0
    added = to_parents(schur, tree.up[l], tree.down[l])
    rows = rows + added[:, :a]
    return rows[:, :, :a], rows[:, :, a:], added[:, a:, a:]


@loop_on_cpu
def solve(factor, b):
    """G b for fields b (n, d) or (n, d, c), G the inverse with the spring; zero after a failure."""
    return masked(factor, _upwards(factor, _downwards(factor, _columns(b)))).reshape(b.shape)


def solve_lower(factor, b):
    """A^T b with A A^T = G; a particle's entries stand at its own place."""
    parts = [y.reshape(-1, factor.dim, y.shape[-1]) for y in _downwards(factor, _columns(b))]
    return masked(factor, _gather(factor.tree, parts)).reshape(b.shape)


def solve_upper(factor, y):
    """A y with A A^T = G: variables in which the matrix is the identity."""
    padded = jnp.pad(_columns(y), ((0, 1), (0, 0), (0, 0)))
    parts = [padded[own].reshape(own.shape[0], -1, padded.shape[-1]) for own in factor.tree.own]
    return masked(factor, _upwards(factor, parts)).reshape(y.shape)


def _columns(b):
    return b.reshape(*b.shape[:2], -1)


def masked(factor, x):
    return jnp.where(factor.ok, x, 0.0)


def _gather(tree, parts):
    """Values per level, (N a, d, c) each, in the order of particles (n, d, c)."""
    start = np.cumsum([0] + [own.size for own in tree.own[:-1]])
    room = jnp.array(tree.plan.own)[tree.level]
    at = jnp.array(start)[tree.level] + tree.home * room + tree.place
    return jnp.concatenate(parts)[at]


def _downwards(factor, b):
    """L^-1 b per level (N, a d, c), leaves first."""
    tree, (_, d, c) = factor.tree, b.shape
    padded = jnp.pad(b, ((0, 1), (0, 0), (0, 0)))
    ys, carried = [], jnp.zeros((2 ** (tree.plan.depth + 1), 0, c))
    for l in reversed(range(tree.plan.depth + 1)):
        a = tree.plan.own[l] * d
        rhs, rest = padded[tree.own[l]].reshape(2**l, a, c), jnp.zeros(())
        if l < tree.plan.depth:
            s = jnp.pad(carried.reshape(2 ** (l + 1), -1, d, c), ((0, 0), (0, 1), (0, 0), (0, 0)))
            child = 2 * jnp.arange(2**l)[:, None]
            both = s[child, tree.up[l][:, 0]] + s[child + 1, tree.up[l][:, 1]]
            both = both.reshape(2**l, -1, c)
            rhs, rest = rhs + both[:, :a], both[:, a:]
        ys.append(factor.inverse[l] @ rhs)
        if l:
            carried = rest - transpose_times_few(factor.coupling[l - 1], ys[-1])
    return ys[::-1]


def _upwards(factor, ys):
    """L^-T y as a field (n, d, c)."""
    tree, d, c = factor.tree, factor.dim, ys[0].shape[-1]
    parts, front = [], jnp.zeros((1, 0, d, c))
    for l, y in enumerate(ys):
        edge = jnp.zeros((1, 0, d, c))
        if l:
            s = jnp.pad(front, ((0, 0), (0, 1), (0, 0), (0, 0)))
            edge = s[jnp.arange(2**l)[:, None] // 2, tree.down[l - 1]]
            y = y - factor.coupling[l - 1] @ edge.reshape(2**l, -1, c)
        x = transpose_times_few(factor.inverse[l], y).reshape(2**l, -1, d, c)
        front = jnp.concatenate([x, edge], axis=1)
        parts.append(x.reshape(-1, d, c))
    return _gather(tree, parts)


def memory(plan, dim):
    """Estimate of the bytes that factor and selected inverse take: both factor and rows of the
    matrix, and fronts of two levels with their like from below.
    """
    sizes = [(2**l, a, b) for l, (a, b) in enumerate(zip(plan.own, plan.boundary))]
    rows = sum(count * a * (a + b) for count, a, b in sizes)
    fronts = sorted(count * (a + b) ** 2 for count, a, b in sizes)
    return 8 * dim**2 * (2 * rows + 2 * sum(fronts[-2:]))
