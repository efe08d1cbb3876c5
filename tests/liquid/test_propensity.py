"""Mobility, inherent structures along a trajectory, ranks by species."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

liquid = jg.liquid


@pytest.fixture(scope="module")
def ran(small):
    """A liquid of 64 particles moving, and its frames."""
    model, glass, _ = small
    motion = jg.prepare.start_dynamics(jax.random.key(0), model, glass, temperature=1.2)
    motion = jg.prepare.run_dynamics(model, motion, 400, temperature=1.2)
    _, run = jg.prepare.record(model, motion, jg.prepare.linear_times(4.0, 10), temperature=1.2)
    return model, motion.now(), run


def test_propensity_is_the_mean_of_runs_one_by_one(ran):
    model, glass, _ = ran
    key = jax.random.key(3)
    found = jg.require(
        liquid.propensity(key, model, glass, temperature=0.5, time=[0.05, 0.2], runs=6)
    )
    assert found.value.shape == (2, 64)
    moved = []
    for k in jax.random.split(key, 6):
        motion = jg.prepare.start_dynamics(k, model, glass, temperature=0.5)
        motion = jg.prepare.run_dynamics(model, motion, 10, temperature=0.5)
        early = motion.position
        motion = jg.prepare.run_dynamics(model, motion, 30, temperature=0.5)
        moved.append(
            [jnp.linalg.norm(x - glass.position, axis=1) for x in (early, motion.position)]
        )
    moved = np.array(moved)
    np.testing.assert_allclose(found.value, moved.mean(axis=0), atol=1e-6)
    error = moved.std(axis=0, ddof=1) / 6**0.5
    np.testing.assert_allclose(found.error, error, atol=1e-6)


def test_ballistic_propensity_is_that_of_maxwell(small):
    """After a step all move with their velocities: <|v|> t = sqrt(pi T / 2) t in the plane."""
    model, glass, _ = small
    found = liquid.propensity(
        jax.random.key(0), model, glass, temperature=0.5, time=0.001, dt=0.001, runs=400
    )
    ratio = np.asarray(found.value[0]) / (np.sqrt(np.pi * 0.5 / 2) * 0.001)
    assert ratio.mean() == pytest.approx(1, abs=0.02)
    off = (ratio - 1) / (np.asarray(found.error[0]) / (np.sqrt(np.pi * 0.5 / 2) * 0.001))
    assert 0.6 < off.std() < 1.5


def test_propensity_under_jit_and_relative_to_neighbours(ran):
    model, glass, _ = ran
    one = lambda key: (
        liquid.propensity(
            key, model, glass, temperature=0.5, time=0.05, runs=4, neighbours=1.7
        ).value
    )
    keys = jax.random.split(jax.random.key(0), 2)
    together = jax.jit(jax.vmap(one))(keys)
    np.testing.assert_allclose(together[1], one(keys[1]), atol=1e-8)
    free = liquid.propensity(keys[1], model, glass, temperature=0.5, time=0.05, runs=4).value
    assert float(jnp.abs(together[1] - free).max()) > 1e-3


def test_inherent_structures_are_those_of_single_quenches(ran):
    model, glass, run = ran
    found = jg.require(liquid.inherent_trajectory(model, glass, run.position, run.time, batch=4))
    assert found.energy.shape == (11,) and bool(jnp.all(found.energy < run.energy))
    for k in (0, 10):
        frame = glass.replace(position=run.position[k])
        alone = jg.quench(model, frame).glass
        assert float(found.energy[k]) == pytest.approx(float(jg.energy(model, alone)), abs=1e-9)
    rate = liquid.jump_rate(found, temperature=1.2)
    jumps = int(np.sum(np.abs(np.diff(np.asarray(found.energy))) > 1e-5))
    unit = 0.1 * np.sqrt(float(glass.box.volume) / 64) / np.sqrt(1.2)
    assert rate.jumps == jumps > 0
    assert rate.value == pytest.approx(jumps * unit * 1000 / 64 / 4.0, rel=1e-6)


def test_stiffness_of_an_ensemble_is_the_mean_of_its_glasses(eight, ipl):
    _, quenched, _ = eight
    few = jax.tree.map(lambda a: a[:3], quenched.glass)
    found = liquid.ensemble_stiffness(ipl.model, few)
    each = [jg.expand(ipl.model, jax.tree.map(lambda a, k=k: a[k], few)) for k in range(3)]
    kappa = [float(jnp.mean(jg.dipole_stiffness(e)[e.bonds.valid])) for e in each]
    moduli = [float(jg.shear_modulus(e).total) for e in each]
    assert found.stiffness.value == pytest.approx(np.mean(kappa), rel=1e-8)
    assert found.modulus.value == pytest.approx(np.mean(moduli), rel=1e-8)
    assert min(moduli) <= found.modulus.low <= found.modulus.value <= found.modulus.high
    with pytest.raises(ValueError, match="glasses must be stacked"):
        liquid.ensemble_stiffness(ipl.model, ipl.glass)


def test_ranks_compare_within_species():
    species = np.array([0, 1, 0, 1, 0, 1])
    a = np.array([1.0, 100.0, 2.0, 200.0, 3.0, 300.0])
    assert liquid.ranks_by_species(a, species).tolist() == [0, 0, 0.5, 0.5, 1, 1]
    b = np.array([30.0, 1.0, 20.0, 2.0, 10.0, 3.0])
    assert liquid.spearman_by_species(a, b, species) == pytest.approx(0)
    assert liquid.spearman_by_species(a, b, 0 * species) == pytest.approx(
        jg.analysis.spearman(a, b)
    )


def test_extremes_are_local_and_apart(ipl):
    mobility = np.random.default_rng(0).uniform(size=400)
    found = liquid.extremes(ipl.glass, mobility, cutoff=2.5, species=1, count=5)
    x, species = np.asarray(ipl.glass.position), np.asarray(ipl.glass.species)
    r = x[:, None] - x
    r -= ipl.length * np.round(r / ipl.length)
    near = (np.linalg.norm(r, axis=2) < 2.5) & (species[:, None] == species)
    highest = [k for k in range(400) if species[k] == 1 and mobility[k] == mobility[near[k]].max()]
    best = sorted(highest, key=lambda k: -mobility[k])[:5]
    assert found.mobile.tolist() == best
    lowest = [k for k in range(400) if species[k] == 1 and mobility[k] == mobility[near[k]].min()]
    assert found.immobile.tolist() == sorted(lowest, key=lambda k: mobility[k])[:5]


def test_bad_input_is_refused(ran):
    model, glass, run = ran
    go = lambda **changed: liquid.propensity(
        jax.random.key(0), model, glass, **{"temperature": 0.5, "time": 0.1, **changed}
    )
    none = jnp.zeros(2, int)
    frames = jg.stack([glass, glass])
    one = liquid.InherentTrajectory(jnp.arange(2.0), jnp.array([0.0, jnp.nan]), frames, none, none)
    for match, call in {
        "temperature must be a positive": lambda: go(temperature=-1.0),
        "time must be positive numbers": lambda: go(time=[0.2, 0.1]),
        "runs must be an integer of at least 2": lambda: go(runs=1),
        "dt must be a positive": lambda: go(dt=0.0),
        "position must be frames": lambda: liquid.inherent_trajectory(
            model, glass, run.position[:, :10], run.time
        ),
        "time must be one number": lambda: liquid.inherent_trajectory(
            model, glass, run.position, run.time[1:]
        ),
        "found must be of minima": lambda: liquid.jump_rate(one, temperature=1.0),
        "species must be one number per particle": lambda: liquid.ranks_by_species([1.0], [0, 1]),
        "species must be one of the glass": lambda: liquid.extremes(
            glass, np.ones(64), cutoff=1.0, species=7
        ),
        "mobility must be 64 numbers": lambda: liquid.extremes(glass, np.ones(3), cutoff=1.0),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
            pytest.fail(match)
