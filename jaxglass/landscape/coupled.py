"""Blocks of a Hessian of triples: the pairs that share a term, and what is known on them."""

import jax.numpy as jnp

from ..core.status import Status, flag
from ..system.bonds import Bonds, pack


def blocks_of(two, groups, room):
    """Blocks M_ii, M_ij, and the pairs of the latter, bonds first."""
    bonds, n = two.bonds, two.count
    own, coupling = two.blocks
    nothing = jnp.int64(n) * n
    known = _finder(bonds, n)
    ends = [(g.particle[:, 1], g.particle[:, 2]) for g in groups]
    new = [
        jnp.where(g.valid & ~known(*pq)[0], _key(*pq, n), nothing) for g, pq in zip(groups, ends)
    ]
    ordered = jnp.sort(jnp.concatenate(new))
    fresh = (ordered < nothing) & jnp.concatenate([jnp.ones(1, bool), ordered[1:] > ordered[:-1]])
    at, valid, count = pack(fresh, room)
    more = jnp.where(valid, ordered[at], 0)
    i, j = (jnp.where(valid, k, 0).astype(jnp.int32) for k in (more // n, more % n))
    pairs = Bonds(*(jnp.concatenate(k) for k in ((bonds.i, i), (bonds.j, j), (bonds.valid, valid))))
    coupling = jnp.concatenate([coupling, jnp.zeros((room, *coupling.shape[1:]))])
    every = _finder(pairs, n)
    for group in groups:
        own, coupling = _added(own, coupling, group, every)
    return own, coupling, pairs, flag(count > room, Status.BOND_OVERFLOW)


def _added(own, coupling, group, every):
    """Blocks with those of a group of triples."""
    h = jnp.where(group.valid[:, None, None, None, None], group.stiffness, 0.0)
    p = group.particle
    own = own.at[p[:, 0]].add(jnp.sum(h, axis=(1, 3)))
    cross = [(0, 1, -jnp.sum(h[:, :, :, 0], axis=1)), (0, 2, -jnp.sum(h[:, :, :, 1], axis=1))]
    for a in (1, 2):
        own = own.at[p[:, a]].add(h[:, a - 1, :, a - 1])
    for a, b, block in (*cross, (1, 2, h[:, 0, :, 1])):
        turned = (p[:, a] > p[:, b])[:, None, None]
        block = jnp.where(turned, jnp.swapaxes(block, 1, 2), block)
        found, at = every(p[:, a], p[:, b])
        coupling = coupling.at[at].add(jnp.where(found[:, None, None], block, 0.0))
    return own, coupling


def _key(i, j, n):
    """One integer for two particles in either order."""
    return jnp.minimum(i, j).astype(jnp.int64) * n + jnp.maximum(i, j)


def _finder(pairs, n):
    """The function of particles p, q -> whether they are a pair, and its place in the list."""
    key = jnp.where(pairs.valid, _key(pairs.i, pairs.j, n), jnp.int64(n) * n)
    order = jnp.argsort(key)
    ordered = key[order]

    def find(p, q):
        wanted = _key(p, q, n)
        at = jnp.minimum(jnp.searchsorted(ordered, wanted), len(key) - 1)
        return ordered[at] == wanted, order[at]

    return find


def between(pairs, own, mixed):
    """The function of particles p, q -> blocks (..., d, d) of a symmetric matrix known on pairs."""
    find = _finder(pairs, len(own))

    def blocks(p, q):
        block = mixed[find(p, q)[1]]
        block = jnp.where((p > q)[..., None, None], jnp.swapaxes(block, -1, -2), block)
        return jnp.where((p == q)[..., None, None], own[p], block)

    return blocks
