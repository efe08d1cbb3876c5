"""Structs are pytrees whose static fields belong to the structure."""

import jax
import jax.numpy as jnp

from jaxglass.core.loop import bounded_loop
from jaxglass.core.struct import Struct, static


class Point(Struct):
    x: object
    name: str = static("origin")


def test_leaves_and_structure():
    assert len(jax.tree.leaves(Point(jnp.ones(3), "a"))) == 1
    assert jax.tree.structure(Point(1.0, "a")) != jax.tree.structure(Point(1.0, "b"))
    assert Point(1.0).replace(x=2.0).x == 2.0


def test_bounded_loop_stops_at_the_condition_and_at_the_limit():
    assert [int(v) for v in bounded_loop(lambda s: s < 5, lambda s: s + 1, jnp.int32(0), 100)] == [
        5,
        5,
    ]
    assert [int(v) for v in bounded_loop(lambda s: s < 5, lambda s: s + 1, jnp.int32(0), 3)] == [
        3,
        3,
    ]
