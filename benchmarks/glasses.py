"""Glasses that the benchmarks share: quenched from a random start."""

import functools

import jax

import jaxglass as jg


@functools.cache
def expansion(name, n, seed=0):
    """Expansion of a random start's inherent structure."""
    model = jg.models.get(name)
    return jg.expand(
        model, jg.require(jg.quench(model, jg.random_glass(jax.random.key(seed), name, n))).glass
    )
