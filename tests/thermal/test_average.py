"""Thermal averages of observables."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def test_the_energy_takes_half_a_temperature_per_degree_of_freedom(ipl):
    energy = lambda x: jg.energy(ipl.model, ipl.glass.replace(position=x))
    assert float(jg.thermal_average(ipl.expansion, energy)) == pytest.approx(798, rel=1e-10)


@pytest.mark.parametrize("method", ["direct", "dense"])
def test_mean_square_displacement_is_the_vibrality(small, method):
    _, _, e = small
    motion = lambda x: jnp.sum((x[7] - e.position[7]) ** 2)
    assert float(jg.thermal_average(e, motion, method=method)) == pytest.approx(
        2 * float(jg.indicators.vibrality(e)[7]), rel=1e-9
    )
    np.testing.assert_allclose(
        jg.indicators.vibrality(e, method="dense"), jg.indicators.vibrality(e), rtol=1e-9
    )


def test_bonds_in_one_pass_equal_single_observables(small):
    model, _, e = small
    every = jg.thermal.thermal_bond_average(e, jnp.linalg.norm)
    for b in (0, 11):
        i, j = e.bonds.i[b], e.bonds.j[b]
        shift = e.separation[b] - (e.position[j] - e.position[i])
        length = lambda x, i=i, j=j, shift=shift: jnp.linalg.norm(x[j] - x[i] + shift)
        assert float(jg.thermal_average(e, length)) == pytest.approx(float(every[b]), rel=1e-9)


def test_probes_agree_within_their_error(small):
    """An observable with gradient and curvature that are not local: the squared local density
    around a point.
    """
    _, _, e = small
    density = lambda x: jnp.sum(jnp.exp(-0.5 * jnp.sum((x - 3.0) ** 2, axis=1))) ** 2
    exact = jg.thermal_average(e, density)
    found = jg.thermal.thermal_estimate(e, density, probes=256, lowest=16)
    assert abs(float(found.value - exact)) < 5 * float(found.error)
    assert float(found.error) < 0.2 * abs(float(exact))


def test_bad_input_is_refused(small):
    _, _, e = small
    with pytest.raises(ValueError, match="method must be one of"):
        jg.thermal_average(e, lambda x: x[0, 0], method="exactly")
