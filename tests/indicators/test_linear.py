"""Maps of particles: sums over bonds and over modes."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def test_heat_capacity_is_the_anharmonic_part(small):
    _, _, e = small
    t = jg.local_thermal_energy(e)
    assert float(jg.indicators.heat_capacity(e).sum()) == pytest.approx(
        2 * float(jnp.abs(t.anharmonic).sum()), rel=1e-12
    )


def test_vibrality_is_the_sum_over_all_modes(small):
    _, _, e = small
    s = jg.modes.spectrum(e)
    exact = jnp.einsum("k,knd->n", s.frequency**-2, s.vector**2)
    for method in ("direct", "dense"):
        np.testing.assert_allclose(jg.indicators.vibrality(e, method=method), exact, rtol=1e-8)


def test_nonaffinities_sum_to_the_relaxation_modulus(small):
    _, _, e = small
    for plane in ((0, 1), (1, 0)):
        total = float(jg.indicators.nonaffinity(e, plane=plane).sum())
        assert total == pytest.approx(float(jg.shear_modulus(e, plane=plane).relaxation), rel=1e-8)
    few = jg.indicators.nonaffinity(e, modes=jg.lowest_modes(e, 30))
    assert 0 < float(few.sum()) < float(jg.shear_modulus(e).relaxation)
