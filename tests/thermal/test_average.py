"""Thermal averages of observables, maps of particles, the softness field."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def small():
    model = jg.models.get("ipl2d")
    return model, jg.expand(
        model, jg.require(jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64))).glass
    )


def test_the_energy_takes_half_a_temperature_per_degree_of_freedom(ipl):
    energy = lambda x: jg.energy(ipl.model, ipl.glass.replace(position=x))
    assert float(jg.thermal_average(ipl.expansion, energy)) == pytest.approx(798, rel=1e-10)


@pytest.mark.parametrize("method", ["direct", "dense"])
def test_mean_square_displacement_is_the_vibrality(small, method):
    _, e = small
    motion = lambda x: jnp.sum((x[7] - e.position[7]) ** 2)
    assert float(jg.thermal_average(e, motion, method=method)) == pytest.approx(
        2 * float(jg.indicators.vibrality(e)[7]), rel=1e-9
    )
    np.testing.assert_allclose(
        jg.indicators.vibrality(e, method="dense"), jg.indicators.vibrality(e), rtol=1e-9
    )


def test_bonds_in_one_pass_equal_single_observables(small):
    model, e = small
    every = jg.thermal.thermal_bond_average(e, jnp.linalg.norm)
    for b in (0, 11):
        i, j = e.bonds.i[b], e.bonds.j[b]
        shift = e.separation[b] - (e.position[j] - e.position[i])
        length = lambda x, i=i, j=j, shift=shift: jnp.linalg.norm(x[j] - x[i] + shift)
        assert float(jg.thermal_average(e, length)) == pytest.approx(float(every[b]), rel=1e-9)


def test_probes_agree_within_their_error(small):
    """An observable with gradient and curvature that are not local: the squared local density around a point."""
    _, e = small
    density = lambda x: jnp.sum(jnp.exp(-0.5 * jnp.sum((x - 3.0) ** 2, axis=1))) ** 2
    exact = jg.thermal_average(e, density)
    found = jg.thermal.thermal_estimate(e, density, probes=256, lowest=16)
    assert abs(float(found.value - exact)) < 5 * float(found.error)
    assert float(found.error) < 0.2 * abs(float(exact))


def test_heat_capacity_is_the_anharmonic_part(small):
    _, e = small
    t = jg.local_thermal_energy(e)
    assert float(jg.indicators.heat_capacity(e).sum()) == pytest.approx(
        2 * float(jnp.abs(t.anharmonic).sum()), rel=1e-12
    )


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


def test_bad_input_is_refused(small):
    _, e = small
    with pytest.raises(ValueError, match="method must be one of"):
        jg.thermal_average(e, lambda x: x[0, 0], method="exactly")
    with pytest.raises(ValueError, match="reduce must be one of"):
        jg.softness_field(e, jnp.zeros(e.bonds.capacity), reduce="max")
    with pytest.raises(ValueError, match="field must have 2 axes"):
        jg.softness_peaks(e.glass, np.zeros(5))
