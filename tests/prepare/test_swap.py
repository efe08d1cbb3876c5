"""Swap Monte Carlo against enumeration, long runs of another code, and its own balance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import DATA

import jaxglass as jg
from jaxglass.models.pair import settled
from jaxglass.prepare import swap
from jaxglass.prepare.montecarlo.board import Board, plan_board
from jaxglass.prepare.montecarlo.change import Particles, energy_change
from jaxglass.system.box import fractional

TINY = np.load(DATA / "swap_tiny.npz")


@pytest.fixture(scope="module")
def poly2d():
    return jg.models.get("poly2d")


def start(model, name, n, seed=0):
    return jg.prepare.push_apart(model, jg.random_glass(jax.random.key(seed), name, n))


@pytest.fixture(scope="module")
def small(poly2d):
    """The smallest liquid on a board: 4 x 4 cells."""
    g = start(poly2d, "poly2d", 100)
    return jg.swap_monte_carlo(jax.random.key(7), poly2d, g, temperature=0.3, sweeps=200).glass


def near(found, exact, error=0.0, sigmas=4):
    mean = jg.analysis.mean_of_series(found)
    assert abs(mean.value - exact) < sigmas * np.hypot(mean.error, error)


@pytest.mark.parametrize("at", range(3))
def test_frozen_particles_visit_all_assignments_as_boltzmann_says(poly2d, at):
    g = jg.glass(TINY["frozen_position"], TINY["frozen_length"], diameter=TINY["frozen_diameter"])
    run = jg.swap_monte_carlo(
        jax.random.key(at), poly2d, g, temperature=TINY["frozen_temperature"][at],
        sweeps=20000, swap_fraction=1.0,
    )  # fmt: skip
    near(run.energies, TINY["frozen_energy"][at])
    assert np.array_equal(run.glass.position, g.position)
    assert np.isnan(run.acceptance)


@pytest.mark.parametrize("fraction", (0.0, 0.3))
@pytest.mark.parametrize("name", ("poly2d", "ipl2d"))
def test_tiny_liquids_have_the_energy_of_another_code(name, fraction):
    kind = TINY[f"{name}_kind"]
    kind = {"diameter": kind} if name == "poly2d" else {"species": kind.astype(int)}
    g = jg.glass(TINY[f"{name}_position"], TINY[f"{name}_length"], **kind)
    run = jg.swap_monte_carlo(
        jax.random.key(3), jg.models.get(name), g, temperature=TINY[f"{name}_temperature"],
        sweeps=12000, swap_fraction=fraction, step=TINY[f"{name}_step"],
    )  # fmt: skip
    near(run.energies[500:], TINY[f"{name}_energy"], TINY[f"{name}_energy_error"])


@pytest.mark.long
def test_board_and_one_by_one_agree_with_swaps_and_without(poly2d, small, monkeypatch):
    means = []
    for board, fraction in ((True, 0.0), (True, 0.3), (False, 0.3)):
        if not board:
            monkeypatch.setattr(swap.boards, "plan_board", lambda *a: None)
        run = jg.swap_monte_carlo(
            jax.random.key(5), poly2d, small, temperature=0.3, sweeps=6000, swap_fraction=fraction,
            step=0.12,
        )  # fmt: skip
        assert int(run.status) == 0
        means.append(jg.analysis.mean_of_series(run.energies))
    for a, b in ((0, 1), (1, 2)):
        assert abs(means[a].value - means[b].value) < 4 * np.hypot(means[a].error, means[b].error)


@pytest.mark.parametrize("name, n", (("poly2d", 100), ("kalj", 200)))
def test_change_of_one_is_that_of_the_total(name, n):
    model = jg.models.get(name)
    g = start(model, name, n)
    kind = g.species if g.diameter is None else g.diameter
    all = jax.tree.map(lambda a: a[None], g)
    metric = list(swap.assembly_of(model, all).cells.metric[0])
    particles = Particles(list(fractional(g.box, g.position).T), kind)
    p, q = 3, int(np.argmax(np.asarray(kind) != np.asarray(kind)[3]))
    before = particles.at(lambda x: x[jnp.array([p])])
    after = Particles([x + 0.01 for x in before.place], kind[jnp.array([q])])
    others = particles.at(lambda x: x[:, None])
    there = jnp.arange(n)[:, None] != p
    change = energy_change(settled(model), metric, before, after, others, there)[0]
    place = jnp.stack([x[0] for x in after.place])
    new = g.replace(position=g.position.at[p].set(g.box.cell @ place))
    name = "species" if g.diameter is None else "diameter"
    new = new.replace(**{name: kind.at[p].set(after.kind[0])})
    exact = jg.energy(model, new) - jg.energy(model, g)
    assert abs(change - exact) < 1e-12 * max(1, abs(jg.energy(model, g)))


def test_sizes_are_kept_and_the_energy_is_carried_exactly(poly2d, small):
    run = jg.swap_monte_carlo(jax.random.key(1), poly2d, small, temperature=0.1, sweeps=3000)
    assert np.array_equal(np.sort(run.glass.diameter), np.sort(small.diameter))
    assert np.mean(np.asarray(run.glass.diameter) != small.diameter) > 0.8
    assert abs(run.energies[-1] - jg.energy(poly2d, run.glass)) < 1e-10 * small.count
    assert abs(run.energy - jg.energy(poly2d, run.glass)) < 1e-10 * small.count
    assert 0.25 < run.acceptance < 0.55 and 0.02 < run.swap_acceptance < 0.5


def test_same_key_same_run_however_it_is_called(poly2d, small):
    keys = jax.random.split(jax.random.key(2), 2)
    short = lambda key: jg.swap_monte_carlo(
        key, poly2d, small, temperature=0.3, sweeps=10, step=0.1, sample_every=4
    )
    one = [short(key) for key in keys]
    for other in (jax.jit(short)(keys[0]), jax.tree.map(lambda a: a[0], jax.vmap(short)(keys))):
        assert np.allclose(other.energies, one[0].energies, rtol=1e-10)
        assert np.array_equal(other.glass.diameter, one[0].glass.diameter)
    assert one[0].energies.shape == (2,)
    assert not np.array_equal(one[0].glass.position, one[1].glass.position)


def test_fewer_sweeps_than_between_samples_have_no_energies(poly2d, small):
    run = lambda key: jg.swap_monte_carlo(
        key, poly2d, small, temperature=0.3, sweeps=3, sample_every=9, step=0.1
    )
    for one in (run(jax.random.key(1)), jax.jit(run)(jax.random.key(1))):
        assert one.energies.shape == (0,) and int(one.status) == 0


def test_pieces_do_not_show(poly2d, small, monkeypatch):
    run = lambda: jg.swap_monte_carlo(
        jax.random.key(2), poly2d, small, temperature=0.3, sweeps=11, sample_every=2
    )
    whole = run()
    monkeypatch.setattr(swap, "BUFFER", 2)
    assert np.array_equal(run().energies, whole.energies)
    assert np.array_equal(run().glass.position, whole.glass.position)


def test_boxes_and_temperatures_may_differ_in_a_batch(poly2d, small):
    wide = jg.deformed(small, 1.05 * jnp.eye(2))
    two = jg.stack([small, jg.glass(wide.position, wide.box.cell, diameter=wide.diameter)])
    run = jax.vmap(
        lambda g, t: jg.swap_monte_carlo(jax.random.key(2), poly2d, g, temperature=t, sweeps=50)
    )(two, jnp.array([0.3, 0.2]))
    assert np.all(run.status == 0)
    for k in range(2):
        g = jax.tree.map(lambda a: a[k], run.glass)
        assert abs(run.energies[k, -1] - jg.energy(poly2d, g)) < 1e-8


def test_species_are_swapped_in_three_dimensions():
    model = jg.models.get("kalj")
    g = start(model, "kalj", 1450)
    assert plan_board(g.count, g.box.width, model.reach) == Board((4, 4, 4), 666)
    run = jg.swap_monte_carlo(jax.random.key(1), model, g, temperature=1.0, sweeps=10, step=0.1)
    assert int(run.status) == 0 and 0 < run.swap_acceptance < 1
    assert np.array_equal(np.bincount(run.glass.species), np.bincount(g.species))
    assert abs(run.energies[-1] - jg.energy(model, run.glass)) < 1e-9 * g.count


def test_sheared_box(poly2d, small):
    sheared = jg.deformed(small, jnp.array([[1.0, 0.2], [0.0, 1.0]]))
    run = jg.swap_monte_carlo(jax.random.key(1), poly2d, sheared, temperature=0.3, sweeps=50)
    assert int(run.status) == 0
    assert abs(run.energies[-1] - jg.energy(poly2d, run.glass)) < 1e-8


@pytest.mark.parametrize(
    "change, sentence",
    (
        ({"temperature": 0.0}, "temperature must be a positive number, found 0.0"),
        ({"sweeps": 0}, "sweeps must be an integer of at least 1"),
        ({"swap_fraction": 1.5}, "swap_fraction must lie between 0 and 1"),
        ({"step": -1.0}, "step must be a positive number"),
        ({"sample_every": 0.5}, "sample_every must be an integer"),
    ),
)
def test_refusals(poly2d, small, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        jg.swap_monte_carlo(
            jax.random.key(0), poly2d, small, **({"temperature": 0.3, "sweeps": 1} | change)
        )


def test_particles_all_alike_have_nothing_to_swap(poly2d, small):
    alike = small.replace(diameter=jnp.ones(small.count))
    with pytest.raises(ValueError, match="nothing to swap.*diameters that are all 1.0"):
        jg.swap_monte_carlo(jax.random.key(0), poly2d, alike, temperature=0.3, sweeps=1)
