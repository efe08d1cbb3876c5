"""The softness field: bins, sums, peaks, the same under jit as outside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def test_a_softness_field_by_hand(ipl):
    """One loud bond: its bin, averaged over nine, wherever the bins are."""
    e = ipl.expansion
    value = jnp.zeros(e.bonds.capacity).at[5].set(-9.0).at[6].set(1.0)
    field = np.asarray(jg.softness_field(e, value, bins=10))
    assert np.count_nonzero(field) == 9
    np.testing.assert_allclose(field[field > 0], 1.0)
    spots = jg.softness_peaks(
        ipl.glass, field + 1e-3 * (field > 0) * np.arange(100).reshape(10, 10) % 7
    )
    assert spots.delta[0] == 1
    quiet = jg.softness_field(e, value, bins=10, threshold=10.0)
    assert float(quiet.max()) == 0


def test_bins_hold_two_bonds(ipl):
    e = ipl.expansion
    bins = jg.thermal.fitting_bins(e)
    assert 3 <= bins < 40 == jg.thermal.fitting_bins(e, least=0)
    every = jg.softness_field(e, jnp.ones(e.bonds.capacity), bins=bins, reduce="sum")
    assert every.shape == (bins, bins)
    assert float(every.sum()) == 0  # the threshold leaves out ones
    assert float(every.size) * 2 <= int(e.bonds.count)
    field = jg.softness_field(e, jg.local_thermal_energy(e).value, bins=bins)
    peaks = jg.softness_peaks(ipl.glass, field)
    assert len(peaks.score) > 1 and np.all(np.diff(peaks.delta) >= 0)


def test_a_softness_field_in_three_dimensions_under_jit():
    from shared import made

    e = made("ipl3d_512").expansion
    field = jax.jit(lambda e, v: jg.softness_field(e, v, bins=6, reduce="sum"))(
        e, jg.local_thermal_energy(e).value
    )
    value = np.abs(np.asarray(jg.local_thermal_energy(e).value))
    assert float(field.sum()) == pytest.approx(value[value >= 1.1].sum(), rel=1e-10)


def test_bins_are_the_same_under_jit(ipl):
    e, value = ipl.expansion, jg.local_thermal_energy(ipl.expansion).value
    field = jg.softness_field(e, value)
    np.testing.assert_allclose(jax.jit(jg.softness_field)(e, value), field, atol=1e-12)
    assert field.shape == (40, 40)


def test_bad_input_is_refused(ipl):
    e = ipl.expansion
    with pytest.raises(ValueError, match="reduce must be one of"):
        jg.softness_field(e, jnp.zeros(e.bonds.capacity), reduce="max")
    with pytest.raises(ValueError, match="field must have 2 axes"):
        jg.softness_peaks(e.glass, np.zeros(5))
    with pytest.raises(TypeError, match="call it outside jit"):
        jax.jit(jg.thermal.fitting_bins)(e)
