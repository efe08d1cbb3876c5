"""Particles of different masses: frequencies, vibrality, dynamics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def heavy(ipl):
    """The expansion of a glass, its masses and the eigenvalues of m^-1/2 M m^-1/2."""
    e = jg.expand(ipl.model, ipl.glass)
    mass = jnp.where(ipl.glass.species == 0, 1.0, 3.0)
    root = np.repeat(np.sqrt(np.asarray(mass)), 2)
    matrix = jg.to_scipy(e).toarray() / root[:, None] / root
    return e, mass, np.linalg.eigvalsh(matrix)[2:]


@pytest.mark.parametrize("method", ("dense", "direct", "filter"))
def test_frequencies_are_those_of_the_weighted_matrix(heavy, method):
    e, mass, values = heavy
    modes = jg.require(jg.lowest_modes(e, 6, method=method, mass=mass))
    np.testing.assert_allclose(modes.frequency**2, values[:6], rtol=1e-9)
    drift = jnp.einsum("n,knd->kd", jnp.sqrt(mass), modes.vector)
    assert float(jnp.abs(drift).max()) < 1e-10


def test_masses_of_one_change_nothing(heavy):
    e, mass, _ = heavy
    for method in ("dense", "direct"):
        plain = jg.lowest_modes(e, 4, method=method)
        same = jg.lowest_modes(e, 4, method=method, mass=jnp.ones_like(mass))
        np.testing.assert_allclose(same.frequency, plain.frequency, rtol=1e-12)
    plain, same = jg.indicators.vibrality(e), jg.indicators.vibrality(e, mass=jnp.ones_like(mass))
    np.testing.assert_allclose(same, plain, rtol=1e-11)


@pytest.mark.parametrize("method", ("dense", "direct"))
def test_vibrality_is_the_sum_over_weighted_modes(heavy, method):
    e, mass, values = heavy
    modes = jg.modes.spectrum(e, mass=mass)
    np.testing.assert_allclose(modes.frequency**2, values, rtol=1e-9)
    right = jnp.sum(modes.vector**2 / modes.frequency[:, None, None] ** 2, axis=(0, 2))
    found = jg.indicators.vibrality(e, method=method, mass=mass)
    np.testing.assert_allclose(found, right, rtol=1e-9)


def test_modes_differentiate_in_the_masses(heavy):
    e, mass, _ = heavy
    ramp = jnp.linspace(0.0, 1.0, len(mass))

    @jax.jit
    def number(s):
        modes = jg.lowest_modes(e, 3, method="direct", mass=mass * (1 + s * ramp))
        return jnp.sum(modes.frequency) + jnp.sum(jnp.abs(modes.vector[:, :50]) ** 3)

    h = 1e-5
    slope = (number(h) - number(-h)) / (2 * h)
    assert float(jax.grad(number)(0.0)) == pytest.approx(float(slope), rel=1e-6)


def test_masses_under_vmap(heavy):
    e, mass, _ = heavy
    both = jnp.stack([mass, 2 * mass])
    light, slow = jax.vmap(lambda m: jg.lowest_modes(e, 3, method="direct", mass=m).frequency)(both)
    np.testing.assert_allclose(light / slow, np.sqrt(2.0), rtol=1e-9)


def test_heavy_particles_conserve_energy_and_momentum(ipl, heavy):
    _, mass, _ = heavy
    start = {"temperature": 0.05, "thermostat": "none", "mass": mass}
    drift = []
    for dt in (0.01, 0.005):
        of = jax.random.key(0), ipl.model, ipl.glass
        motion = jg.prepare.start_dynamics(*of, dt=dt, **start)
        times = np.linspace(0.0, 2.0, 41)
        end, seen = jg.prepare.record(ipl.model, motion, times, temperature=0.05)
        assert int(end.status) == 0
        momentum = jnp.sum(mass[:, None] * end.velocity, axis=0)
        assert float(jnp.abs(momentum).max()) < 1e-11
        total = np.asarray(seen.energy + seen.kinetic)
        drift.append(total.std())
    assert drift[0] / drift[1] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize("thermostat", ("nose-hoover", "langevin"))
def test_species_share_the_kinetic_energy(ipl, heavy, thermostat):
    _, mass, _ = heavy
    of = jax.random.key(1), ipl.model, ipl.glass
    start = {"temperature": 0.2, "thermostat": thermostat, "mass": mass}
    motion = jg.prepare.start_dynamics(*of, dt=0.005, **start)
    sums = np.zeros(2)
    for _ in range(60):
        motion = jg.prepare.run_dynamics(ipl.model, motion, 100, temperature=0.2)
        own = mass * jnp.sum(motion.velocity**2, axis=1) / 2
        for kind in (0, 1):
            sums[kind] += float(jnp.mean(own[ipl.glass.species == kind])) / 60
    np.testing.assert_allclose(sums, 0.2, rtol=0.06)  # 12,000 velocities of each: two per cent


@pytest.mark.parametrize(
    ("mass", "sentence"),
    (
        (jnp.zeros(400), "mass must be positive, found 0.0 at index 0"),
        (jnp.ones(2), r"mass must have one entry per particle, shape \(400,\), found \(2,\)"),
        (jnp.full(400, jnp.nan), "mass must be finite"),
    ),
)
def test_bad_masses_get_a_sentence(ipl, heavy, mass, sentence):
    with pytest.raises(ValueError, match=sentence):
        jg.lowest_modes(heavy[0], 3, mass=mass)
    with pytest.raises(ValueError, match=sentence):
        of = jax.random.key(1), ipl.model, ipl.glass
        jg.prepare.start_dynamics(*of, temperature=0.2, mass=mass)
