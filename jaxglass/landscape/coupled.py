"""Pairs of particles that share a term, and what is known on them."""

import jax.numpy as jnp

from ..system.bonds import Bonds, pack


def coupled_pairs(bonds, n, shared, room):
    """All pairs that share a term, bonds first, with room for more.

    Args:
        bonds: Bonds.
        n: number of particles.
        shared: tuples of particles p, q, and which entries count; pairs may come up twice.
        room: for pairs that are no bonds.

    Returns:
        Bonds, and how many of them are no bonds, more than the room if some were left out.
    """
    nothing = jnp.int64(n) * n
    known = finder(bonds, n)
    new = [jnp.where(held & ~known(p, q)[0], _key(p, q, n), nothing) for p, q, held in shared]
    ordered = jnp.sort(jnp.concatenate(new))
    fresh = (ordered < nothing) & jnp.concatenate([jnp.ones(1, bool), ordered[1:] > ordered[:-1]])
    at, valid, count = pack(fresh, room)
    more = jnp.where(valid, ordered[at], 0)
    i, j = (jnp.where(valid, k, 0).astype(jnp.int32) for k in (more // n, more % n))
    both = (bonds.i, i), (bonds.j, j), (bonds.valid, valid)
    return Bonds(*(jnp.concatenate(k) for k in both)), count


def _key(i, j, n):
    """One integer for two particles in either order."""
    return jnp.minimum(i, j).astype(jnp.int64) * n + jnp.maximum(i, j)


def finder(pairs, n):
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
    find = finder(pairs, len(own))

    def blocks(p, q):
        block = mixed[find(p, q)[1]]
        block = jnp.where((p > q)[..., None, None], jnp.swapaxes(block, -1, -2), block)
        return jnp.where((p == q)[..., None, None], own[p], block)

    return blocks
