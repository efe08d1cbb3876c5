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


@pytest.fixture(scope="module")
def fluid(disks):
    """Frames of the equilibrated start."""
    model, start = disks
    run = jg.swap_monte_carlo(jax.random.key(4), model, start, temperature=1.0, sweeps=500)
    of = jax.random.key(5), model, run.glass
    return jg.require(jg.prepare.position_series(*of, frames=600, sweeps=20, step=run.step))


def test_the_pressure_is_that_of_a_mixture_of_disks(disks, fluid):
    """Of the disks of one size by the equation of Henderson, carried over to a mixture as Santos,
    Yuste and Lopez de Haro do (both from memory; simulations of fluids agree within a per cent).
    """
    model, start = disks
    at = lambda x: fluid.glass.replace(position=x)
    one = jax.jit(lambda x: jg.prepare.compressibility(model, at(x), gap=0.02))
    each = np.asarray(jax.lax.map(one, fluid.position))
    fill, sizes = 0.5, np.asarray(start.diameter)
    alike = sizes.mean() ** 2 / (sizes**2).mean()
    expected = (1 - alike) / (1 - fill) + alike * (1 + fill**2 / 8) / (1 - fill) ** 2
    error = 2 * each.std() / np.sqrt(len(each))
    assert each.mean() == pytest.approx(expected, abs=3 * error + 0.02 * expected)


def test_frames_are_those_of_a_run(disks, fluid):
    """Nothing overlaps, sizes stay, and the last frame is where the next series begins."""
    model, start = disks
    assert fluid.position.shape == (600, 80, 2) and 0.2 < float(fluid.acceptance) < 0.7
    for k in (0, 300, 599):
        assert overlaps(fluid.glass.replace(position=fluid.position[k])) == 0
    assert np.array_equal(np.sort(fluid.glass.diameter), np.sort(start.diameter))
    assert np.array_equal(fluid.glass.position, fluid.position[-1])
    apart = jnp.abs(start.box.minimum_image(jnp.diff(fluid.position, axis=0)))
    assert 0 < float(apart.mean()) < 1


def test_series_under_jit_and_vmap(disks):
    model, start = disks
    one = lambda key: (
        jg.prepare.position_series(key, model, start, frames=6, sweeps=3, step=0.2).position
    )
    keys = jax.random.split(jax.random.key(0), 3)
    together = jax.jit(jax.vmap(one))(keys)
    np.testing.assert_allclose(together[1], one(keys[1]), atol=1e-12)


def test_fluctuations_of_dense_disks_have_soft_modes(disks):
    """From Monte Carlo to pseudo-harmonic modes: the effective Hessian of both halves of a run has
    about the same low modes.
    """
    model, start = disks[0], jg.prepare.hard_start(jax.random.key(3), "hard2d", 40)
    dense = jg.prepare.compress(jax.random.key(1), model, start, packing=0.83).glass
    series = jg.prepare.position_series(jax.random.key(2), model, dense, frames=4000, sweeps=10)
    edge = float(dense.box.cell[0, 0])
    halves = [jg.measured_hessian(half, edge) for half in np.split(np.asarray(series.position), 2)]
    found = jg.measured_hessian(series.position, edge)
    assert int(found.status) == 0 and bool(jnp.all(found.frequency > 0))
    low = np.stack([half.frequency[:8] for half in halves])
    assert np.abs(low[0] / low[1] - 1).mean() < 0.4
    pairs = jg.nearest_pairs(found.position, edge)
    assert 3 * 40 <= len(pairs) < 5 * 40
    e = jg.from_hessian(found.matrix, 2, pairs=pairs, position=found.position)
    modes = jg.require(jg.lowest_modes(e, 4))
    soft = jg.pseudo_harmonic_mode(e, modes.vector)
    assert np.all(soft.status == 0) and np.all(soft.stiffness >= modes.frequency[0] ** 2)


def test_refusals(disks):
    model, start = disks
    with pytest.raises(ValueError, match="model must be one of hard particles, found ipl2d"):
        jg.prepare.compressibility(
            jg.models.get("ipl2d"), jg.random_glass(jax.random.key(0), "ipl2d", 64)
        )
    with pytest.raises(ValueError, match="frames must be an integer of at least 1, found 0"):
        jg.prepare.position_series(jax.random.key(0), model, start, frames=0, sweeps=1)
    with pytest.raises(ValueError, match="more than 6 particles, found"):
        jg.nearest_pairs(np.zeros((5, 2)), 1.0)
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
