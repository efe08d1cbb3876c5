"""Modes by three engines against the oracle, their derivatives, and spectra."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.mark.parametrize("method", ["direct", "filter", "dense"])
def test_twenty_lowest_frequencies(some, method):
    d = some.glass.dim
    m = jg.lowest_modes(some.expansion, 20, method=method)
    exact = np.sqrt(some.ref["eigenvalues"][d : d + 20])
    assert int(m.status) == 0
    np.testing.assert_allclose(m.frequency, exact, rtol=1e-8)
    v = np.asarray(m.vector).reshape(20, -1)
    np.testing.assert_allclose(v @ v.T, np.eye(20), atol=1e-10)
    assert np.abs(np.asarray(m.vector).sum(1)).max() < 1e-9
    products = jax.vmap(lambda z: jg.hvp(some.expansion, z))(m.vector)
    left = np.linalg.norm(
        np.asarray(products - m.vector * m.frequency[:, None, None] ** 2).reshape(20, -1), axis=1
    )
    np.testing.assert_allclose(m.residual, left / exact**2, atol=1e-9)


def test_engines_agree_on_a_vector_and_its_sign(ipl):
    vectors = [
        np.asarray(jg.lowest_modes(ipl.expansion, 3, method=k).vector[0])
        for k in ("direct", "filter", "dense")
    ]
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-7)
    np.testing.assert_allclose(vectors[1], vectors[2], atol=1e-5)
    assert vectors[0].ravel()[np.abs(vectors[0]).argmax()] > 0


@pytest.mark.long
def test_vmap_of_eight_glasses_equals_one_by_one(eight):
    _, _, e = eight
    for method in ("direct", "dense"):
        together = jax.vmap(
            lambda e, method=method: jg.lowest_modes(e, 6, method=method).frequency
        )(e)
        for k in range(8):
            one = jax.tree.map(lambda a, k=k: a[k], e)
            np.testing.assert_allclose(
                together[k], jg.lowest_modes(one, 6, method=method).frequency, rtol=1e-9
            )


def test_many_body_expansion_has_the_same_modes(ipl):
    small = jg.require(jg.quench(ipl.model, jg.random_glass(jax.random.key(1), "ipl2d", 100))).glass
    e = jg.expand(lambda x: jg.energy(ipl.model, small.replace(position=x)), small)
    np.testing.assert_allclose(
        jg.lowest_modes(e, 5).frequency,
        jg.lowest_modes(jg.expand(ipl.model, small), 5).frequency,
        rtol=1e-9,
    )


def changed(ipl, s):
    model = ipl.model.replace(
        sigma=ipl.model.sigma * (1 + s * jnp.array([[1.0, 0.3], [0.3, -1.0]]))
    )
    return jg.expand(model, ipl.glass, capacity=1600)


@pytest.mark.parametrize("method", [pytest.param("direct", marks=pytest.mark.long), "dense"])
def test_derivative_of_frequencies_and_vectors(ipl, method):
    """At a frozen configuration: forward and reverse against central differences, to second order
    in the step.
    """
    field = ipl.direction
    probe = jax.jit(lambda s: _probe(ipl, s, field, method))
    forward = jax.jvp(probe, (0.0,), (1.0,))[1]
    error = lambda h: np.abs(np.asarray((probe(h) - probe(-h)) / (2 * h) - forward))
    assert np.abs(forward).min() > 1e-4
    assert np.all(error(2e-5) < 1e-4 * np.abs(forward))
    for k in range(2):
        assert float(jax.grad(lambda s, k=k: probe(s)[k])(0.0)) == pytest.approx(
            float(forward[k]), rel=1e-6
        )


def _probe(ipl, s, field, method):
    m = jg.lowest_modes(changed(ipl, s), 3, method=method)
    return jnp.stack([jnp.sum(m.frequency**2), jnp.sum(field * m.vector[0])])


def test_a_saddle_is_flagged_and_its_unstable_mode_found(ipl):
    moved = ipl.glass.replace(position=ipl.glass.position + 4.0 * ipl.direction)
    e = jg.expand(ipl.model, moved)
    for method in ("dense", "filter"):
        m = jg.lowest_modes(e, 4, method=method)
        assert int(m.status) & jg.Status.NOT_A_MINIMUM and float(m.frequency[0]) < 0
    m = jg.lowest_modes(e, 4, method="direct")
    assert int(m.status) & jg.Status.NOT_A_MINIMUM


def test_spectrum_and_density_of_states(ipl):
    s = jg.modes.spectrum(ipl.expansion)
    np.testing.assert_allclose(s.frequency**2, ipl.ref["eigenvalues"][2:], rtol=1e-8)
    edges = np.linspace(0, 40, 30)
    dos = jg.analysis.density_of_states(s.frequency, edges, degrees=798)
    assert float(np.sum(dos * np.diff(edges))) == pytest.approx(1.0)
    assert (
        float(jg.analysis.cumulative_states(s.frequency, np.array([40.0]), degrees=798)[0]) == 1.0
    )
    assert float(jnp.sum(s.vector[:, 7] ** 2)) == pytest.approx(
        2 * (1 - 1 / 400)
    )  # completeness, translations aside


def test_phonons_of_a_crystal_match_its_modes():
    """The lowest modes of a perfect triangular crystal are its longest plane waves, in number and
    in frequency.
    """
    n = 24
    cell = np.array([[n, n / 2], [0, n * np.sqrt(3) / 2]]) * 1.1
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    x = np.stack([i.ravel(), j.ravel()], 1) / n @ cell.T
    glass = jg.glass(x, cell)
    model = jg.models.inverse_power(sigma=1.0, cutoff=1.4)
    e = jg.expand(model, glass)
    w = np.asarray(jg.lowest_modes(e, 12, method="direct").frequency)
    # Speeds from the moduli of the isotropic triangular lattice with pressure: rho c^2 = second
    # derivative along the wave.
    rho = float(glass.density)
    speed = []
    for direction in ([[0.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]):
        speed.append(
            float(
                jnp.sqrt(
                    jg.response.strain_curvature(e, jnp.array(direction)) / glass.box.volume / rho
                )
            )
        )
    waves = jg.response.phonon_frequencies(glass.box, min(speed), max(speed), 1.2 * w[5])
    np.testing.assert_allclose(w[:6], waves[:6], rtol=2e-2)
    assert w[6] > 1.3 * w[5]


def test_debye_frequency_counts_all_modes():
    for d in (2, 3, 4):
        omega = jg.response.debye_frequency(0.9, d, 1.3, 2.4)
        unit = np.pi ** (d / 2) / math.gamma(d / 2 + 1)
        waves = unit * omega**d / (2 * np.pi) ** d * (2.4**-d + (d - 1) * 1.3**-d)
        assert waves == pytest.approx(0.9 * d)


def test_bad_input_gets_a_sentence(ipl):
    with pytest.raises(ValueError, match="count must be at most 798"):
        jg.lowest_modes(ipl.expansion, 799)
    with pytest.raises(ValueError, match="method must be one of"):
        jg.lowest_modes(ipl.expansion, 3, method="arpack")
    with pytest.raises(ValueError, match="count must be an integer of at least 1"):
        jg.lowest_modes(ipl.expansion, 0)
    with pytest.raises(ValueError, match="edges must be ascending"):
        jg.analysis.density_of_states(np.ones(3), [1.0, 0.5], degrees=3)


def test_equal_frequencies_are_all_found_or_said_to_be_missing():
    """An fcc crystal of 500, its lowest level twelvefold: more equal modes than vectors."""
    corner = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    x = ((cells + corner) * 1.5).reshape(-1, 3)
    model = jg.models.inverse_power(sigma=1.0, cutoff=1.48)
    e = jg.require(jg.expand(model, jg.glass(x, 7.5)))
    exact = np.asarray(jg.lowest_modes(e, 30, method="dense").frequency)
    assert np.sum(np.abs(exact / exact[0] - 1) < 1e-6) == 12
    for count in (10, 25):
        found = jg.require(jg.lowest_modes(e, count, method="direct"))
        np.testing.assert_allclose(found.frequency, exact[:count], rtol=1e-7)
    traced = jax.jit(lambda e: jg.lowest_modes(e, 10, method="direct"))(e)
    assert int(traced.status) & jg.Status.CROWDED


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_smallest_clusters_have_modes(n):
    """By every method that says it converged; a single particle gets a sentence."""
    x = np.array([[0.0, 0.0], [0.9, 0.0], [0.45, 0.8], [1.35, 0.8]])[:n] + 3
    model = jg.models.inverse_power(sigma=1.0, cutoff=1.3)
    e = jg.expand(model, jg.glass(x, 9.0))
    exact = jg.lowest_modes(e, 1, method="dense")
    for method in ("direct", "filter"):
        found = jg.lowest_modes(e, 1, method=method)
        if int(found.status) == 0:
            np.testing.assert_allclose(found.frequency, exact.frequency, rtol=1e-6)
    with pytest.raises(ValueError, match="at least 2 particles"):
        jg.lowest_modes(jg.expand(model, jg.glass(x[:1], 9.0)), 1)
