"""A sweep of n attempts one after the other, for boxes of fewer than four cells along an axis."""

import jax
import jax.numpy as jnp

from ...core.arrays import take
from .change import Particles, energy_change
from .noise import uniforms
from .tally import accepted


def sweep(model, all, state, temperature, step, swap_chance, key):
    """One sweep; arguments as those of ``board.sweep``."""
    n, dim = len(state.kind), len(state.place)
    draws = uniforms(key, (n, dim + 4))
    who = jnp.arange(n)[:, None]

    def attempt(k, carry):
        particles, tally = carry
        draw = draws[k]
        swap = draw[0] < swap_chance
        p = jnp.floor(draw[1] * n).astype(jnp.int32)
        q = (p + 1 + jnp.floor(draw[2] * (n - 1)).astype(jnp.int32)) % n
        pair, first = jnp.stack([p, q]), jnp.array([True, False])
        before = particles.at(lambda x: take(x, pair))
        moved = all.moved(before.place, [step * (2 * u - 1) for u in draw[4:]])
        still = swap | ~first
        after = Particles(
            [jnp.where(still, x, y) for x, y in zip(before.place, moved, strict=True)],
            jnp.where(swap, before.kind[::-1], before.kind),
        )
        there = (who != pair) & ((who != pair[::-1]) | ~swap)
        others = particles.at(lambda x: x[:, None])
        change = energy_change(model, all.metric, before, after, others, there)
        difference = jnp.where(swap, change, jnp.where(first, change, 0.0))
        tried = jnp.where(swap, before.kind[0] != before.kind[1], first)
        yes = tried & accepted(jnp.sum(difference), draw[3], temperature)
        write = lambda x, y, z: x.at[pair].set(jnp.where(yes, y, z), unique_indices=True)
        particles = jax.tree.map(write, particles, after, before)
        return particles, tally.counting(swap, tried, yes, difference)

    begin = Particles(state.place, state.kind), state.tally
    particles, tally = jax.lax.fori_loop(0, n, attempt, begin)
    return state.replace(place=particles.place, kind=particles.kind, tally=tally)
