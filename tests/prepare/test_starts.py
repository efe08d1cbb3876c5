"""Starts and tiles."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def test_tiles_of_a_minimum_are_at_rest_with_the_same_local_energies(small):
    model, glass, e = small
    large = jg.prepare.tiled(glass, 2)
    tiles = jg.expand(model, large)
    assert large.count == 4 * glass.count
    assert float(jnp.abs(tiles.gradient()).max()) < 1e-9
    once = np.sort(np.asarray(e.energy)[np.asarray(e.bonds.valid)])
    four = np.sort(np.asarray(tiles.energy)[np.asarray(tiles.bonds.valid)])
    np.testing.assert_allclose(four[::4], once, atol=1e-12)


def test_what_nothing_holds_is_left_out():
    """What stays is at rest, as what goes carries no force, and its Hessian is positive."""
    model = jg.models.get("hertz")
    entry = jg.models.entry("hertz")
    loose = jg.random_glass(jax.random.key(1), dataclasses.replace(entry, density=0.75), 100)
    glass = jg.quench(model, loose).glass
    with pytest.raises(RuntimeError, match="touch nothing"):
        jg.require(jg.factorise(jg.expand(model, glass)))
    held = jg.prepare.without_rattlers(model, glass)
    assert 80 < held.count < 100 and held.species.shape == (held.count,)
    e = jg.expand(model, held)
    scale = float(jnp.abs(e.force).max())
    assert float(jnp.abs(e.gradient()).max()) < 1e-6 * scale
    assert int(jg.factorise(e).status) == 0
    apart = jg.glass([[0.0, 0.0], [5.0, 5.0]], 10.0, species=[0, 1])
    with pytest.raises(ValueError, match="glass must be jammed"):
        jg.prepare.without_rattlers(model, apart)


def test_tiles_of_sheared_cells_in_space():
    start = jg.deformed(
        jg.random_glass(jax.random.key(0), "poly3d", 80), jnp.eye(3).at[0, 1].set(0.3)
    )
    tiles = jg.prepare.tiled(start, 2)
    np.testing.assert_allclose(tiles.box.cell, 2 * start.box.cell)
    np.testing.assert_array_equal(tiles.diameter, np.tile(start.diameter, 8))
    with pytest.raises(ValueError, match="copies must be"):
        jg.prepare.tiled(start, 0)
