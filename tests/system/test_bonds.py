"""Packing of masks and the transpose relation of differences and sums."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.system.bonds import Bonds, compress, difference, pack, scatter


@pytest.mark.parametrize("fill", [0.0, 0.03, 0.5, 1.0])
def test_pack_finds_every_true_entry_in_order(fill):
    mask = np.random.default_rng(0).random(3367) < fill
    (expected,) = np.nonzero(mask)
    index, valid, found = pack(jnp.asarray(mask), mask.size + 10)
    assert int(found) == len(expected) == int(valid.sum())
    np.testing.assert_array_equal(index[: len(expected)], expected)


def test_compress_reports_what_did_not_fit():
    i = jnp.arange(1000)
    bonds, found = compress(i, i + 1, i % 3 == 0, 100)
    assert int(found) == 334 and int(bonds.count) == 100
    np.testing.assert_array_equal(bonds.i, jnp.arange(0, 300, 3))


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_scatter_is_the_transpose_of_difference(d):
    i, j = jax.random.randint(jax.random.key(0), (2, 50), 0, 20)
    bonds = Bonds(i, j, jnp.ones(50, bool))
    z, p = (
        jax.random.normal(jax.random.key(1), (20, d)),
        jax.random.normal(jax.random.key(2), (50, d)),
    )
    assert float(jnp.sum(difference(bonds, z) * p)) == pytest.approx(
        float(jnp.sum(z * scatter(bonds, p, 20))), rel=1e-13
    )
