"""Hard disks: no overlaps, packing reached, and a pressure that the virial theorem confirms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def disks():
    return jg.models.get("hard2d"), jg.prepare.hard_start(jax.random.key(0), "hard2d", 80)


def overlaps(glass):
    r = glass.box.minimum_image(glass.position[:, None] - glass.position)
    ratio = jnp.linalg.norm(r, axis=-1) / (0.5 * (glass.diameter[:, None] + glass.diameter))
    return int(jnp.sum(ratio < 1)) - glass.count


def test_starts_and_compressed_disks_do_not_overlap(disks):
    model, start = disks
    assert float(jg.prepare.packing_fraction(start)) == pytest.approx(0.5)
    assert overlaps(start) == 0 and float(jg.energy(model, start)) == 0
    dense = jg.prepare.compress(jax.random.key(1), model, start, packing=0.78)
    assert int(dense.status) == 0 and float(dense.packing) == pytest.approx(0.78)
    assert overlaps(dense.glass) == 0 and dense.rounds > 3
    assert np.array_equal(np.sort(dense.glass.diameter), np.sort(start.diameter))


def test_moves_and_swaps_keep_disks_apart(disks):
    model, start = disks
    run = jg.swap_monte_carlo(jax.random.key(2), model, start, temperature=1.0, sweeps=300)
    assert int(run.status) == 0 and np.all(run.energies == 0) and overlaps(run.glass) == 0
    assert 0.1 < float(run.acceptance) < 0.9 and 0 < float(run.swap_acceptance) < 1
    assert float(jnp.abs(run.glass.position - start.position).max()) > 0.1


def test_two_disks_in_a_box_are_spread_evenly(disks):
    """The share of the separations within a ring outside of contact is its area."""
    model, _ = disks
    g = jg.glass([[0.0, 0.0], [3.0, 3.0]], 6.0, diameter=[2.0, 1.0])

    def far(key):
        run = lambda g, k: (
            jg.swap_monte_carlo(
                k, model, g, temperature=1.0, sweeps=8, swap_fraction=0.2, step=1.5
            ).glass
        )

        def later(g, k):
            g = run(g, k)
            r = g.box.minimum_image(g.position[1] - g.position[0])
            return g, jnp.linalg.norm(r) < 2.5

        return jnp.mean(jax.lax.scan(later, g, jax.random.split(key, 400))[1])

    share = np.asarray(jax.jit(jax.vmap(far))(jax.random.split(jax.random.key(3), 16)))
    exact = np.pi * (2.5**2 - 1.5**2) / (36 - np.pi * 1.5**2)
    assert abs(share.mean() - exact) < 4 * share.std(ddof=1) / 4


def test_refusals(disks):
    model, start = disks
    with pytest.raises(ValueError, match="packing must lie between the glass' 0.5 and 1"):
        jg.prepare.compress(jax.random.key(0), model, start, packing=0.4)
    with pytest.raises(ValueError, match="packing must lie between 0 and 0.75"):
        jg.prepare.hard_start(jax.random.key(0), packing=0.9)
    random = jg.random_glass(jax.random.key(0), "hard2d", 80)
    with pytest.raises(ValueError, match="no overlaps, found some"):
        jg.prepare.compress(jax.random.key(0), model, random, packing=0.9)
    for call in (
        lambda: jg.quench(model, start),
        lambda: jg.make_glass(jax.random.key(0), "hard2d", 50),
        lambda: jg.prepare.start_dynamics(jax.random.key(0), model, start, temperature=1.0),
    ):
        with pytest.raises(ValueError, match="forces, found the hard particles of hard2d"):
            call()
    run = jg.swap_monte_carlo(jax.random.key(0), model, random, temperature=1.0, sweeps=1)
    assert int(run.status) & jg.Status.NOT_FINITE
