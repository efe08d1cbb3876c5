"""Local thermal energy of terms of any number of particles."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from manybody import brute_glass, expansion, reference, three_bodies

import jaxglass as jg


def _held(e, values):
    """Values of the terms that are there."""
    kept = [e.bonds.valid, *(group.valid for group in e.groups)]
    return [np.asarray(v)[np.asarray(k)] for v, k in zip(values, kept, strict=True)]


@pytest.mark.parametrize("name, method", [("sw", "direct"), ("sw", "dense"), ("cuzr", "auto")])
def test_values_are_those_of_the_reference(name, method):
    r, e = reference(name), expansion(name)
    t = jg.require(jg.local_thermal_energy(e, method=method))
    for k, (value, harmonic) in enumerate(zip(_held(e, t.value), _held(e, t.harmonic))):
        scale = np.abs(r[f"term{k}_lte"]).max()
        np.testing.assert_allclose(np.sort(value), np.sort(r[f"term{k}_lte"]), atol=1e-9 * scale)
        right = np.sort(r[f"term{k}_harmonic"])
        np.testing.assert_allclose(np.sort(harmonic), right, atol=1e-9 * np.abs(right).max())
    count = e.position.size - 3
    for parts in (t.harmonic, t.value):
        total = sum(float(jnp.sum(part)) for part in parts)
        assert total == pytest.approx(count, rel=1e-10)
    x = r["thermal_displacement"] - r["thermal_displacement"].mean(axis=0)
    np.testing.assert_allclose(t.displacement, x, atol=1e-9 * np.abs(x).max())


@pytest.fixture(scope="module")
def planar():
    model = three_bodies()
    glass = jg.require(jg.quench(model, brute_glass())).glass
    return model, jg.require(jg.expand(model, glass))


def test_probes_agree_within_their_errors(planar):
    _, e = planar
    exact = jg.require(jg.local_thermal_energy(e))
    found = jg.require(jg.local_thermal_energy(e, method="stochastic", probes=400, lowest=20))
    for value, right, error in zip(found.value, exact.value, found.error, strict=True):
        off = np.abs(np.asarray(value - right)) / np.maximum(np.asarray(error), 1e-12)
        assert np.mean(off[np.asarray(error) > 0] < 3) > 0.97
    every = jg.require(jg.local_thermal_energy(e, method="modes", lowest=58))
    for value, right in zip(every.value, exact.value, strict=True):
        np.testing.assert_allclose(value, right, atol=1e-7 * float(jnp.abs(right).max()))


def test_it_is_the_derivative_of_the_free_energy_by_the_strength_of_all_triples(planar):
    """d log det M / d log(strength), the minimum following, is the sum over triples."""
    model, e = planar

    def half(change):
        parameters = model.parameters | {"stiffness": model.parameters["stiffness"] * (1 + change)}
        shifted = model.replace(parameters=parameters)
        return jg.log_determinant(jg.expand(shifted, jg.quench(shifted, e.glass).glass))

    h = 1e-4
    slope = float(half(h) - half(-h)) / (2 * h)
    of_triples = float(jnp.sum(jg.local_thermal_energy(e).value[1]))
    assert of_triples == pytest.approx(slope, rel=1e-5)
    assert float(jax.grad(half)(0.0)) == pytest.approx(slope, rel=1e-5)


def test_under_jit_and_vmap(planar):
    model, e = planar
    glasses = jg.stack([e.glass, e.glass])
    of = lambda g: jg.local_thermal_energy(jg.expand(model, g)).displacement
    both = jax.jit(jax.vmap(of))(glasses)
    right = jg.local_thermal_energy(e).displacement
    np.testing.assert_allclose(both[1], right, atol=1e-8 * float(jnp.abs(right).max()))
