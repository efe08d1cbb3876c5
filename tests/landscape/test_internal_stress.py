"""Glasses whose internal stress is dialled against springs written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def dense(e):
    return jg.to_scipy(e).toarray()


@pytest.mark.parametrize("delta", [0.0, 0.3, 1.0])
def test_the_hessian_is_that_of_the_formula(some, delta):
    """M'' + (1 - delta) M' of bonds with phi'' along them and phi'/r across."""
    e = some.expansion
    valid = np.asarray(e.bonds.valid)
    i, j, r = (np.asarray(a)[valid] for a in (e.bonds.i, e.bonds.j, e.separation))
    f1, f2 = (np.asarray(e.derivative[k])[valid] for k in (1, 2))
    square = np.sum(r * r, axis=1)
    along, across = f1 + f2 * square, (1 - delta) * f1
    uu = r[:, :, None] * r[:, None, :] / square[:, None, None]
    block = along[:, None, None] * uu + across[:, None, None] * (np.eye(r.shape[1]) - uu)
    n, d = e.position.shape
    matrix = np.zeros((n, d, n, d))
    for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
        np.add.at(matrix, (a, slice(None), b, slice(None)), sign * block)
    matrix = matrix.reshape(n * d, n * d)
    found = dense(jg.internal_stress(e, delta))
    np.testing.assert_allclose(found, matrix, atol=1e-12 * np.abs(matrix).max())


def test_forces_shrink_and_stay_balanced(some):
    e = some.expansion
    half = jg.internal_stress(e, 0.5)
    np.testing.assert_allclose(half.force, 0.5 * e.force, rtol=1e-12)
    np.testing.assert_allclose(jg.stress(half), 0.5 * jg.stress(e), rtol=1e-10)
    assert float(jnp.abs(half.gradient()).max()) < 1e-9


def test_twice_is_once_of_both_shares(ipl):
    twice = jg.internal_stress(jg.internal_stress(ipl.expansion, 0.2), 0.5)
    once = jg.internal_stress(ipl.expansion, 0.6)
    np.testing.assert_allclose(twice.derivative[:3], once.derivative[:3], rtol=1e-10, atol=1e-10)


def test_harmonic_quantities_take_it_and_the_rest_is_nan_or_refused(ipl):
    stiffer = jg.internal_stress(ipl.expansion, 0.3)
    t = jg.require(jg.local_thermal_energy(stiffer))
    n, d = stiffer.position.shape
    assert float(t.harmonic.sum()) == pytest.approx(n * d - d, rel=1e-10)
    assert bool(jnp.all(jnp.isnan(t.value) & jnp.isnan(t.anharmonic) | ~stiffer.bonds.valid))
    assert bool(jnp.all(jnp.isnan(t.displacement)))
    z = stiffer.position
    for name, call in {
        "third": lambda: jg.third(stiffer, z, z),
        "fourth": lambda: jg.fourth(stiffer, z),
        "coefficients": lambda: jg.coefficients(stiffer, z),
        "cubic_mode": lambda: jg.cubic_mode(stiffer, z),
        "quartic_mode": lambda: jg.quartic_mode(stiffer, z),
        "thermal_displacement": lambda: jg.thermal_displacement(stiffer),
    }.items():
        with pytest.raises(ValueError, match="internal stress was dialled"):
            call()
            pytest.fail(name)
    mode = jg.require(jg.pseudo_harmonic_mode(stiffer, jnp.cos(z)))
    assert float(mode.stiffness) > 0


def test_bad_input_is_refused(ipl, small):
    for delta in (-0.1, 1.1, jnp.array([0.1, 0.2]), float("nan")):
        with pytest.raises(ValueError, match="delta must be a number from 0 to 1"):
            jg.internal_stress(ipl.expansion, delta)
    sw = jg.models.get("sw")
    glass = jg.glass(3.0 * jnp.arange(6.0).reshape(2, 3) / 6, 12.0)
    many = jg.expand(sw, glass)
    with pytest.raises(
        ValueError, match="internal_stress needs the bonds of a pair model with all"
    ):
        jg.internal_stress(many, 0.1)


def test_jit_vmap_and_derivatives(ipl):
    z = jnp.cos(ipl.expansion.position)
    form = lambda delta: jnp.sum(z * jg.hvp(jg.internal_stress(ipl.expansion, delta), z))
    deltas = jnp.array([0.0, 0.2, 0.5])
    each = jnp.stack([form(float(delta)) for delta in deltas])
    np.testing.assert_allclose(jax.jit(jax.vmap(form))(deltas), each, rtol=1e-12)
    slope = float(jax.grad(form)(0.2))  # the form is linear in delta
    assert slope == pytest.approx(float((each[2] - each[1]) / 0.3), rel=1e-9)
