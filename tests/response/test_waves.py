"""Attenuation of sound against the spectrum, against time steps, and where it has to vanish."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.response.waves import plane_wave

WAVE = (2, 1)
TIMES = jnp.linspace(0.0, 4.0, 120)


def spectral(e, wave, across=True):
    """Frequencies and weights of a wave by full diagonalisation."""
    value, vector = np.linalg.eigh(jg.to_scipy(e).toarray())
    field, _ = plane_wave(e.glass, jnp.asarray(wave, float), across)
    columns = np.asarray(field).reshape(e.position.size, -1)
    weight = np.sum((columns.T @ vector) ** 2, axis=0) / np.sum(columns**2)
    return np.sqrt(np.maximum(value, 0)), weight


def cosines(e, wave, times, across=True):
    frequency, weight = spectral(e, wave, across)
    return np.cos(np.outer(times, frequency)) @ weight


@pytest.mark.parametrize("polarisation", ["transverse", "longitudinal"])
def test_the_correlation_is_that_of_the_spectrum(some, polarisation):
    wave = (1, 0, 2, 0)[: some.glass.dim]
    found = jg.wave_attenuation(some.expansion, wave, polarisation, times=TIMES)
    exact = cosines(some.expansion, wave, TIMES, polarisation == "transverse")
    np.testing.assert_allclose(found.correlation, exact, atol=1e-9)
    k = 2 * np.pi * np.linalg.norm(wave) / some.length
    assert float(found.wavenumber) == pytest.approx(k, rel=1e-12)


def test_time_steps_converge_to_it_and_conserve_energy(ipl):
    """Leapfrog: errors fall with the square of the step."""
    e = ipl.expansion
    field, _ = plane_wave(ipl.glass, jnp.asarray(WAVE, float), True)
    end = 2.0

    @jax.jit
    def stepped(h):
        def step(_, state):
            x, v = state
            x = x + h / 2 * v
            v = v - h * e.second(x)
            return x + h / 2 * v, v

        return jax.lax.fori_loop(0, jnp.rint(end / h).astype(int), step, (0 * field, field))

    def error(h):
        x, v = stepped(h)
        energy = jnp.sum(v * v) + jnp.sum(x * e.second(x))
        assert float(energy / jnp.sum(field**2)) == pytest.approx(1, abs=0.2 * h)
        return float(jnp.sum(field * v) / jnp.sum(field**2) - exact)

    exact = jg.wave_attenuation(e, WAVE, times=jnp.array([0.0, 1.0, end])).correlation[-1]
    assert np.log2(error(0.02) / error(0.01)) == pytest.approx(2, abs=0.1)


def crystal(delta=0.0):
    a, rows = 12, 14
    i, j = np.divmod(np.arange(a * rows), a)
    spacing = np.sqrt(2 / (np.sqrt(3) * 0.86))
    x = spacing * np.stack([j + 0.5 * (i % 2) + 0.25, (i + 0.5) * np.sqrt(3) / 2], axis=1)
    edges = spacing * np.array([a, rows * np.sqrt(3) / 2])
    glass = jg.glass(x, edges, species=np.zeros(len(x), int))
    return jg.internal_stress(jg.expand(jg.models.get("ipl2d"), glass), delta)


@pytest.mark.parametrize("delta", [0.0, 0.4])
def test_a_crystal_does_not_attenuate_and_says_so(delta):
    e = crystal(delta)
    field, _ = plane_wave(e.glass, jnp.array([1.0, 0.0]), True)
    square = jnp.sum(field[..., 0] * jg.hvp(e, field[..., 0])) / jnp.sum(field[..., 0] ** 2)
    for found in (
        jg.wave_attenuation(e, (1, 0)),
        jg.wave_attenuation(e, (1, 0), times=jnp.linspace(0.0, 60.0, 500)),
    ):
        assert float(found.frequency) == pytest.approx(float(jnp.sqrt(square)), rel=1e-9)
        assert abs(float(found.rate)) < 1e-9 * float(found.frequency)
        assert int(found.status) == jg.Status.NO_DECAY | jg.Status.FEW_MODES
        with pytest.raises(RuntimeError, match="did not fall by a factor of e"):
            jg.require(found)


def test_a_window_of_its_own_ends_where_the_wave_has_decayed(ipl):
    found = jg.wave_attenuation(ipl.expansion, (3, 2))
    exact = cosines(ipl.expansion, (3, 2), np.linspace(0, 3 * float(found.time[-1]), 1200))
    np.testing.assert_allclose(found.correlation[:400:100], exact[:400][:400:100], atol=0.02)
    period = int(1200 / 3 * 2 * np.pi / float(found.frequency) / float(found.time[-1]))
    assert np.abs(exact[400 : 400 + period]).max() < np.exp(-1) + 0.02
    assert float(found.modes) > 15 and int(found.status) == 0
    assert 0 < float(found.rate_error) < 0.3 * float(found.rate)


def test_a_few_modes_that_share_a_line_are_marked(ipl):
    found = jg.wave_attenuation(ipl.expansion, (1, 0))
    frequency, weight = spectral(ipl.expansion, (1, 0))
    assert 1 / np.sum(weight**2) < 10
    assert int(found.status) & jg.Status.FEW_MODES


def test_many_waves_equal_one_by_one_and_are_averaged_before_the_fit(ipl):
    waves = jg.response.equivalent_waves(WAVE)
    assert waves.tolist() == [[1, -2], [1, 2], [2, -1], [2, 1]]
    together = jg.wave_attenuation(ipl.expansion, waves, times=TIMES)
    assert together.rate.shape == (4,) and together.correlation.shape == (4, 120)
    one = jg.wave_attenuation(ipl.expansion, waves[3], times=TIMES)
    np.testing.assert_allclose(together.correlation[3], one.correlation, atol=1e-12)
    mean = jg.response.damping(TIMES, together.correlation.mean(axis=0))
    assert float(mean.misfit) < float(together.misfit.mean())  # beats cancel


def test_an_ensemble_is_averaged_before_one_fit(eight):
    _, _, stacked = eight
    few = [jax.tree.map(lambda a, k=k: a[k], stacked) for k in range(3)]
    found = jg.response.mean_attenuation(few, WAVE, times=TIMES)
    waves = jg.response.equivalent_waves(WAVE)
    each = [jg.wave_attenuation(e, waves, times=TIMES) for e in few]
    total = np.mean([one.correlation for one in each], axis=(0, 1))
    np.testing.assert_allclose(found.correlation, total, atol=1e-12)
    assert float(found.rate) == pytest.approx(float(jg.response.damping(TIMES, total).rate))
    assert float(found.modes) == pytest.approx(float(sum(one.modes.sum() for one in each)))
    spread = np.std([float(one.rate.mean()) for one in each], ddof=1) / 3**0.5
    assert 0.2 * spread < float(found.rate_error) < 5 * spread
    with pytest.raises(ValueError, match="expansions must be of one glass or more"):
        jg.response.mean_attenuation([], WAVE)


def test_the_origin_of_the_wave_does_not_matter(ipl):
    moved = ipl.glass.replace(position=ipl.glass.position + jnp.array([0.7, 2.1]))
    here = jg.wave_attenuation(ipl.expansion, WAVE, times=TIMES).correlation
    there = jg.wave_attenuation(jg.expand(ipl.model, moved), WAVE, times=TIMES).correlation
    np.testing.assert_allclose(here, there, atol=1e-10)


def test_in_a_sheared_box_the_wave_vector_is_that_of_the_cell(ipl):
    """A cell sheared by a whole box is the same lattice: wave (a, b) becomes (a, b + a)."""
    whole = jg.glass(
        ipl.glass.position, ipl.length * np.array([[1.0, 1.0], [0.0, 1.0]]), **ipl.kind
    )
    here = jg.wave_attenuation(ipl.expansion, (2, 1), times=TIMES)
    there = jg.wave_attenuation(jg.expand(ipl.model, whole), (2, 3), times=TIMES)
    assert float(there.wavenumber) == pytest.approx(float(here.wavenumber), rel=1e-12)
    np.testing.assert_allclose(here.correlation, there.correlation, atol=1e-9)


def test_too_little_room_and_what_is_no_minimum_are_said(ipl):
    late = jg.wave_attenuation(ipl.expansion, WAVE, times=jnp.linspace(0, 400.0, 9), room=256)
    assert int(late.status) & jg.Status.NOT_CONVERGED and bool(jnp.isnan(late.rate))
    push = 0.3 * jax.random.normal(jax.random.key(0), ipl.glass.position.shape)
    shaken = jg.expand(ipl.model, ipl.glass.replace(position=ipl.glass.position + push))
    bad = jg.wave_attenuation(shaken, WAVE, times=TIMES)
    assert int(bad.status) & jg.Status.NOT_A_MINIMUM


def test_an_energy_of_ones_own_serves_too(small):
    model, glass, e = small
    energy = jg.expand(lambda x: jg.energy(model, glass.replace(position=x)), glass)
    times = TIMES[::6]
    own = jg.wave_attenuation(energy, (1, 1), times=times).correlation
    np.testing.assert_allclose(own, jg.wave_attenuation(e, (1, 1), times=times).correlation,
                               atol=1e-9)  # fmt: skip


def test_jit_and_vmap_equal_single_calls(eight, ipl):
    _, _, stacked = eight
    rate = lambda e: jg.wave_attenuation(e, WAVE, times=TIMES).rate
    together = jax.jit(jax.vmap(rate))(stacked)
    for k in (0, 5):
        e = jax.tree.map(lambda a, k=k: a[k], stacked)
        assert float(together[k]) == pytest.approx(float(rate(e)), rel=1e-8)
    own = jax.jit(jax.vmap(lambda e: jg.wave_attenuation(e, (3, 2)).time[-1]))(stacked)
    e = jax.tree.map(lambda a: a[5], stacked)
    assert float(own[5]) == pytest.approx(float(jg.wave_attenuation(e, (3, 2)).time[-1]), rel=1e-9)


def test_derivatives_in_the_model_through_the_minimum(small):
    model, glass, _ = small
    capacity = 300

    def rate(s):
        stretched = model.replace(sigma=model.sigma.at[0, 1].mul(s).at[1, 0].mul(s))
        e = jg.expand(stretched, jg.quench(stretched, glass, force_tol=1e-12).glass,
                      capacity=capacity)  # fmt: skip
        found = jg.wave_attenuation(jg.internal_stress(e, 0.2), WAVE, times=TIMES)
        return jnp.stack([found.rate, found.frequency])

    slope = jax.jacrev(rate)(1.0)
    difference = lambda h: (rate(1 + h) - rate(1 - h)) / (2 * h)
    extrapolated = (4 * difference(1e-5) - difference(2e-5)) / 3
    np.testing.assert_allclose(slope, extrapolated, rtol=1e-5)


def test_a_damped_cosine_is_found_from_far_and_its_error_covers_noise():
    t = jnp.linspace(0.0, 40.0, 400)
    for rate, frequency in ((0.0, 1.0), (0.05, 0.3), (0.3, 2.0), (1.0, 0.6)):
        found = jg.response.damping(t, jg.response.damped(t, rate, frequency))
        assert float(found.rate) == pytest.approx(rate, abs=1e-8)
        assert float(found.frequency) == pytest.approx(frequency, rel=1e-8)
        assert float(found.misfit) < 1e-9
    clean = jg.response.damped(t, 0.1, 1.0)
    noise = 0.05 * jax.random.normal(jax.random.key(0), (200, 400))
    fits = jax.vmap(lambda w: jg.response.damping(t, clean + w))(noise)
    spread = float(jnp.std(fits.rate))
    assert float(jnp.mean(fits.rate_error)) == pytest.approx(spread, rel=0.25)
    assert float(jnp.mean(fits.rate)) == pytest.approx(0.1, abs=4 * spread / 200**0.5)


def test_the_structure_factor_is_the_broadened_spectrum(ipl):
    f = jnp.linspace(0.05, 45.0, 900)
    s = jg.require(
        jg.response.dynamical_structure_factor(ipl.expansion, WAVE, frequency=f, width=0.2)
    )
    frequency, weight = spectral(ipl.expansion, WAVE)
    line = np.asarray(f)[:, None]
    oscillator = (line**2 - frequency**2) ** 2 + (line * 0.2) ** 2
    exact = (2 / np.pi * line**2 * 0.2 / oscillator) @ weight
    np.testing.assert_allclose(s.current, exact, atol=1e-5 * exact.max())
    np.testing.assert_allclose(s.value, (s.wavenumber / f) ** 2 * s.current, rtol=1e-12)
    assert float(jnp.sum(s.current) * (f[1] - f[0])) == pytest.approx(1, abs=0.01)
    two = jg.response.dynamical_structure_factor(
        ipl.expansion, [WAVE, (1, 0)], "longitudinal", frequency=f, width=0.2
    )
    assert two.current.shape == (2, 900)


def test_the_ioffe_regel_frequency_is_where_the_rate_passes_it():
    w = jnp.geomspace(0.1, 10.0, 30)
    assert float(jg.response.ioffe_regel_frequency(w, w**3 / jnp.pi)) == pytest.approx(1, rel=1e-9)
    assert bool(jnp.isnan(jg.response.ioffe_regel_frequency(w, 0.01 * w)))
    with pytest.raises(ValueError, match="the same two waves or more"):
        jg.response.ioffe_regel_frequency(w, w[:-1])


def test_disorder_of_normal_moduli():
    moduli = 12 + 0.6 * np.random.default_rng(0).normal(size=1000)
    found = jg.disorder_parameter(moduli, 1600)
    exact = 1600 * moduli.var() / moduli.mean() ** 2
    assert float(found.value) == pytest.approx(exact, rel=1e-10)
    width = float(found.high - found.low) / (2 * 1.96 * exact * np.sqrt(2 / 1000))
    assert 0.8 < width < 1.25
    slope = jax.grad(lambda g: jg.disorder_parameter(g, 1600).value)(jnp.asarray(moduli))
    assert float(jnp.sum(slope * moduli)) == pytest.approx(0, abs=1e-9)  # of no unit
    mapped = jax.jit(jax.vmap(lambda g: jg.disorder_parameter(g, 1600).value))(
        jnp.asarray(moduli).reshape(4, 250)
    )
    assert mapped.shape == (4,)


def test_bad_input_is_refused(ipl):
    e = ipl.expansion
    for match, call in {
        "wave must be 2 integers": lambda: jg.wave_attenuation(e, (1, 0, 0)),
        "not all zero": lambda: jg.wave_attenuation(e, (0, 0)),
        "wave must be integers": lambda: jg.wave_attenuation(e, (0.5, 0)),
        "polarisation must be one of": lambda: jg.wave_attenuation(e, WAVE, "circular"),
        "times must be ascending": lambda: jg.wave_attenuation(e, WAVE, times=[0.0, 2.0, 1.0]),
        "times must be three": lambda: jg.wave_attenuation(e, WAVE, times=[0.0, 2.0]),
        "times must be finite": lambda: jg.wave_attenuation(e, WAVE, times=[0.0, 1.0, np.nan]),
        "wave must be known": lambda: jax.jit(lambda w: jg.wave_attenuation(e, w))(jnp.ones(2)),
        "needs particles in a box": lambda: jg.wave_attenuation(
            jg.from_hessian(jg.to_scipy(e), 2), WAVE
        ),
        "frequency must be a list of positive": lambda: jg.response.dynamical_structure_factor(
            e, WAVE, frequency=[0.0, 1.0], width=0.1
        ),
        "width must be a positive": lambda: jg.response.dynamical_structure_factor(
            e, WAVE, frequency=[1.0], width=0.0
        ),
        "moduli must be of two": lambda: jg.disorder_parameter([1.0], 100),
        "n must be an integer": lambda: jg.disorder_parameter([1.0, 2.0], 0),
        "correlation must be one number for each": lambda: jg.response.damping([0.0, 1.0], [1.0]),
        "wave must be one wave": lambda: jg.response.equivalent_waves([[1, 0]]),
    }.items():
        with pytest.raises(ValueError, match=match):
            call()
            pytest.fail(match)
