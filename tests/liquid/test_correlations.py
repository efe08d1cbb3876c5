"""Correlations of trajectories: motion whose answer is known, slow versions, stored reference."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import jv

import jaxglass as jg

liquid = jg.liquid
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def reference():
    return dict(np.load(DATA / "liquid_ipl3d_500.npz"))


@pytest.fixture(scope="module")
def walk():
    """A random walk of 60 particles in the plane, 33 frames."""
    steps = np.random.default_rng(0).normal(size=(33, 60, 2))
    return jnp.asarray(0.2 * np.cumsum(steps, axis=0)), 0.5 * np.arange(33)


def slowly(position, observe):
    """A mean over pairs of equally spaced frames, written out."""
    x = np.asarray(position)
    return np.array(
        [
            np.mean([observe(x[k + m] - x[k]) for k in range(len(x) - m)], axis=0)
            for m in range(len(x))
        ]
    )


def test_they_equal_the_reference(reference):
    frames = jnp.asarray(reference["trajectory"], jnp.float64)
    time, large = reference["time"], reference["species"] == 1
    msd = liquid.mean_square_displacement(frames, time, select=large)
    np.testing.assert_allclose(msd.value, reference["msd"], atol=1e-10 * reference["msd"].max())
    f = liquid.intermediate_scattering(frames, time, 6.35, select=large)
    np.testing.assert_allclose(f.value, reference["fs"], atol=1e-12)
    s = liquid.structure_factor_peak(frames, float(reference["length"]), select=large)
    assert float(s.peak) == pytest.approx(float(reference["q_peak"]), abs=0.05)


def test_they_equal_slow_versions_with_transforms_and_without(walk):
    x, time = walk
    square = slowly(x, lambda u: np.mean(np.sum(u * u, axis=1)))
    for lags in (None, time):
        found = liquid.mean_square_displacement(x, time, lags=lags)
        np.testing.assert_allclose(found.value, square, atol=1e-12 * square.max())
    box = 7.0
    vectors = liquid.wave_vectors_near(box, 2, 3.0, most=32)
    mean = slowly(x, lambda u: np.mean(np.cos(u @ vectors.T)))
    for lags in (None, time):
        found = liquid.intermediate_scattering(x, time, 3.0, box=box, lags=lags)
        np.testing.assert_allclose(found.value, mean, atol=1e-12)
    fourth = slowly(x, lambda u: np.mean(np.sum(u * u, axis=1) ** 2))
    found = liquid.non_gaussian_parameter(x, time)
    np.testing.assert_allclose(found.value[1:], fourth[1:] / (2 * square[1:] ** 2) - 1, atol=1e-10)
    q = liquid.overlap(x, time, distance=0.5)
    stay = lambda u: np.mean(np.sum(u * u, axis=1) < 0.25)
    np.testing.assert_allclose(q.value, slowly(x, stay), atol=1e-12)
    chi = 60 * (slowly(x, lambda u: stay(u) ** 2) - slowly(x, stay) ** 2)
    np.testing.assert_allclose(q.chi_4, chi, atol=1e-10)


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_ballistic_particles_are_exact(dim):
    """Free flight with Maxwell's velocities: F_s = exp(-q^2 T t^2 / 2), alpha_2 = 0."""
    v = np.random.default_rng(1).normal(size=(200_000, dim))
    time = np.array([0.0, 0.3, 1.0])
    x = jnp.asarray(time[:, None, None] * v)
    one = x[:, :1] * 0 + time[:, None, None] * np.eye(1, dim)
    f = liquid.intermediate_scattering(one, time, 2.5).value  # one particle, exactly
    np.testing.assert_allclose(f, liquid.over_directions(2.5 * jnp.asarray(time), dim), atol=1e-13)
    f = liquid.intermediate_scattering(x, time, 2.0).value
    np.testing.assert_allclose(f, np.exp(-2 * time**2), atol=5 / 200_000**0.5)
    assert abs(float(liquid.non_gaussian_parameter(x, time).value[1])) < 0.02
    msd = liquid.mean_square_displacement(x, time).value
    np.testing.assert_allclose(msd, np.mean(np.sum(v * v, axis=1)) * time**2, rtol=1e-10)


def test_means_over_directions_equal_bessel_functions():
    x = np.concatenate([[0.0], np.geomspace(1e-6, 400, 3000), [49.999999, 50.0, 50.000001]])
    exact = {
        1: np.cos(x),
        2: jv(0, x),
        3: np.sinc(x / np.pi),
        4: np.where(x > 0, 2 * jv(1, x) / np.where(x > 0, x, 1), 1),
    }
    for dim, value in exact.items():
        np.testing.assert_allclose(liquid.over_directions(jnp.asarray(x), dim), value, atol=2e-14)
    with pytest.raises(ValueError, match="dim must be 1, 2, 3 or 4"):
        liquid.over_directions(jnp.ones(1), 5)


def test_logarithmic_times_with_many_origins_find_their_pairs(walk):
    """Blocks of times repeated: every lag has all origins, and they equal the dense mean."""
    x, time = walk
    blocks = jg.prepare.blocks_of_times([0.0, 0.5, 1.0, 2.0, 4.0], 2.0, 7)
    kept = np.unique(np.rint(blocks / 0.5).astype(int))
    found = liquid.mean_square_displacement(x[kept], time[kept], lags=[0.0, 0.5, 1.0, 2.0, 4.0])
    moved = lambda a, b: float(jnp.mean(jnp.sum((x[b] - x[a]) ** 2, axis=1)))
    for lag, value in zip(found.lag, found.value, strict=True):
        gap = round(float(lag) / 0.5)
        pairs = [(a, a + gap) for a in kept if a + gap in kept]
        assert float(value) == pytest.approx(np.mean([moved(*p) for p in pairs]), abs=1e-12)
    own = liquid.mean_square_displacement(x[kept], time[kept])
    assert own.lag.shape == (len(kept),) and float(own.lag[1]) == 0.5


def test_errors_from_blocks_and_samples_cover_the_truth():
    steps = np.random.default_rng(2).normal(size=(20, 400, 40, 2))
    walks = jnp.asarray(np.cumsum(steps, axis=1))
    time = np.arange(400.0)
    msd = lambda x, t: liquid.mean_square_displacement(x, t, lags=np.arange(4.0))
    off = []
    for x in walks:
        found = liquid.in_blocks(msd, x, time, blocks=8)
        off.append((found.value[1] - 2) / found.error[1])
    assert 0.5 < np.std(off) < 2 and abs(np.mean(off)) < 4 / 20**0.5 * np.std(off)
    mean = liquid.over_samples([msd(x, time) for x in walks])
    assert abs(float(mean.value[1]) - 2) < 4 * float(mean.error[1])
    assert bool(jnp.isnan(msd(walks[0], time).error).all())


def test_diffusion_of_a_walk():
    """Steps of unit variance in each direction: D = 1/2 a step."""
    x = jnp.asarray(np.cumsum(np.random.default_rng(3).normal(size=(300, 4000, 3)), axis=0))
    msd = liquid.mean_square_displacement(x, np.arange(300.0))
    found = liquid.diffusion_coefficient(msd.lag[:100], msd.value[:100], 3)
    assert float(found.value) == pytest.approx(0.5, rel=0.02)
    assert float(found.exponent) == pytest.approx(1, abs=0.03)


def test_the_relaxation_time_is_where_the_threshold_is_passed():
    t = jnp.concatenate([jnp.zeros(1), jnp.geomspace(0.01, 100, 200)])
    of = lambda tau: liquid.relaxation_time(t, jnp.exp(-t / tau))
    assert float(of(3.0)) == pytest.approx(3 * np.log(5), rel=1e-3)
    assert bool(jnp.isnan(of(1e4)))
    np.testing.assert_allclose(jax.vmap(of)(jnp.array([3.0, 6.0]))[0], of(3.0))
    slope = jax.grad(of)(3.0)
    assert float(slope) == pytest.approx(np.log(5), rel=0.02)


def test_structure_of_a_crystal_and_of_a_gas():
    grid = np.stack(np.meshgrid(*(np.arange(12),) * 2), -1).reshape(-1, 2)
    s = liquid.structure_factor_peak(jnp.asarray(1.0 * grid[None]), 12.0, largest=8.0)
    bragg = np.argmax(np.asarray(s.value) * np.asarray(s.vectors))
    assert abs(float(s.q[bragg]) - 2 * np.pi) < 0.2  # the square lattice's first reflections
    gas = jnp.asarray(12 * np.random.default_rng(0).uniform(size=(20, 400, 2)))
    s = liquid.structure_factor_peak(gas, 12.0)
    assert float(jnp.average(s.value, weights=s.vectors)) == pytest.approx(1, abs=0.05)
    g = liquid.radial_distribution(gas, 12.0, bins=24)
    np.testing.assert_allclose(g.value[3:], 1, atol=0.1)
    half = np.arange(400) < 200
    partial = liquid.radial_distribution(gas, 12.0, select=half, around=~half, bins=24)
    np.testing.assert_allclose(partial.value[3:], 1, atol=0.15)


def test_neighbour_relative_displacements_do_not_feel_long_waves(ipl):
    x = ipl.glass.position
    wave = 0.5 * jnp.sin(2 * jnp.pi * x[:, :1] / ipl.length) * jnp.array([0.0, 1.0])
    both = jnp.stack([x, x + wave + 7.0])
    relative = liquid.neighbour_relative(both, ipl.glass, cutoff=1.7)
    left = jnp.sum((relative[1] - relative[0]) ** 2)
    assert float(left) < 0.01 * float(jnp.sum(wave**2))
    r = np.asarray(x)[:, None] - np.asarray(x)
    r -= ipl.length * np.round(r / ipl.length)
    near = (np.linalg.norm(r, axis=2) < 1.7) & ~np.eye(len(x), dtype=bool)
    u = np.asarray(wave)
    expected = u - (near @ u) / near.sum(axis=1)[:, None]
    np.testing.assert_allclose(relative[1] - relative[0], expected, atol=1e-11)


def test_the_mesoelastic_fit_finds_its_own_law_and_differentiates():
    t = jnp.array([0.5, 0.6, 0.8, 1.0])
    kappa = jnp.array([9.0, 8.0, 7.0, 6.5])
    tau = 0.1 * jnp.exp((0.4 * 1.07) ** 2 * kappa / t)
    found = liquid.mesoelastic_fit(t, tau, kappa, length=1.07)
    assert float(found.length) == pytest.approx(0.4, rel=1e-9)
    assert float(found.time) == pytest.approx(0.1, rel=1e-9)
    assert float(found.misfit) < 1e-12
    slope = jax.grad(lambda k: liquid.mesoelastic_fit(t, tau, k, length=1.07).length)(kappa)
    assert float(jnp.sum(slope * kappa)) == pytest.approx(-0.2, rel=1e-6)  # kappa ~ 1 / l^2


def test_jit_vmap_and_derivatives(walk):
    x, time = walk
    both = jnp.stack([x, 2 * x])
    for observe in (
        lambda x: liquid.mean_square_displacement(x, time).value,
        lambda x: liquid.intermediate_scattering(x, time, 2.0).value,
        lambda x: liquid.intermediate_scattering(x, time, 2.0, box=9.0).value,
        lambda x: liquid.non_gaussian_parameter(x, time).value[1:],
        lambda x: liquid.overlap(x, time, distance=0.4).chi_4,
        lambda x: liquid.structure_factor_peak(x, 9.0).value,
        lambda x: liquid.radial_distribution(x, 9.0, bins=10).value,
    ):
        together = jax.jit(jax.vmap(observe))(both)
        np.testing.assert_allclose(together[1], observe(2 * x), rtol=1e-9, atol=1e-12)
    total = lambda s: jnp.sum(liquid.mean_square_displacement(s * x, time).value)
    assert float(jax.grad(total)(1.0)) == pytest.approx(2 * float(total(1.0)), rel=1e-9)
    f = lambda s: jnp.sum(liquid.intermediate_scattering(s * x, time, 2.0).value)
    difference = float(f(1 + 1e-5) - f(1 - 1e-5)) / 2e-5
    assert float(jax.grad(f)(1.0)) == pytest.approx(difference, rel=1e-6)


def test_a_second_call_does_not_compile(walk, monkeypatch):
    from jaxglass.liquid import displacements

    x, time = walk
    traced, powers = [], displacements._powers
    monkeypatch.setattr(displacements, "_powers", lambda u, p: traced.append(1) or powers(u, p))
    lags = time[:5] + 0.0
    first = liquid.non_gaussian_parameter(x, time, lags=lags)
    count = len(traced)
    second = liquid.non_gaussian_parameter(x + 1.0, time, lags=lags)
    assert count > 0 and len(traced) == count
    np.testing.assert_allclose(first.value[1:], second.value[1:], rtol=1e-9)


def test_bad_input_is_refused(walk, ipl):
    x, time = walk
    few = jnp.ones((3,), bool)
    for match, call in {
        "time must be one number for each": lambda: liquid.mean_square_displacement(x, time[:-1]),
        "position must be frames": lambda: liquid.mean_square_displacement(x[0], time),
        "time must be two ascending": lambda: liquid.mean_square_displacement(x, 0 * time),
        "select must be 60 booleans": lambda: liquid.mean_square_displacement(x, time, select=few),
        "no two frames are 0.3 apart": lambda: liquid.mean_square_displacement(x, time, lags=[0.3]),
        "lags must be a list": lambda: liquid.mean_square_displacement(x, time, lags=[-1.0]),
        "q must be a positive": lambda: liquid.intermediate_scattering(x, time, -1.0),
        "distance must be a positive": lambda: liquid.overlap(x, time, distance=0.0),
        "blocks must leave two": lambda: liquid.in_blocks(
            liquid.mean_square_displacement, x, time, blocks=20
        ),
        "found must be of two": lambda: liquid.over_samples([]),
        "largest must be at most half": lambda: liquid.radial_distribution(x, 9.0, largest=8.0),
        "temperature must be a positive": lambda: liquid.reduced_units(ipl.glass, 0.0),
        "position must be of the particles": lambda: liquid.neighbour_relative(
            x, ipl.glass, cutoff=1.0
        ),
        "cutoff must be at most half": lambda: liquid.neighbour_relative(
            ipl.glass.position, ipl.glass, cutoff=50.0
        ),
        "the same two state points": lambda: liquid.mesoelastic_fit([1.0], [1.0], [1.0], length=1),
        "value must be one number for each of two": lambda: liquid.relaxation_time([0.0], [1.0]),
        "value must be one number for each of three": lambda: liquid.diffusion_coefficient(
            [0.0, 1.0], [0.0, 1.0], 2
        ),
        "box must be known": lambda: jax.jit(
            lambda edge: liquid.structure_factor_peak(x, edge).value
        )(9.0),
        "time must be known": lambda: jax.jit(
            lambda t: liquid.mean_square_displacement(x, t).value
        )(time),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
            pytest.fail(match)
