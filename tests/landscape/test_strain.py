"""Stress, mixed derivatives and strain curvature against the oracle and derivatives of the energy
of a deformed glass.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.landscape.strain import shear_direction


def deformed_energy(case, direction):
    def energy(gamma, x):
        map = jnp.eye(case.glass.dim) + gamma * direction
        return jg.energy(case.model, jg.deformed(case.glass.replace(position=x), map))

    return energy


@pytest.mark.parametrize("plane", [(0, 1), (1, 0)])
def test_derivatives_along_simple_shear(some, plane):
    e, x = some.expansion, some.glass.position
    direction = shear_direction(plane, some.glass.dim)
    energy = deformed_energy(some, direction)
    volume = float(some.glass.box.volume)
    first = jax.grad(energy)
    assert float(jg.stress(e)[plane]) == pytest.approx(
        float(first(0.0, x)) / volume, rel=1e-9, abs=1e-9
    )
    assert float(jg.response.strain_curvature(e, plane)) == pytest.approx(
        float(jax.grad(first)(0.0, x)), rel=1e-9
    )
    mixed = jax.grad(first, argnums=1)(0.0, x)
    assert float(jnp.abs(mixed).max()) > 1
    np.testing.assert_allclose(jg.response.mixed_strain(e, plane), mixed, atol=1e-8)


def test_born_term_and_mixed_derivative_of_the_oracle(case):
    born = float(jg.response.strain_curvature(case.expansion, (0, 1))) / float(
        case.glass.box.volume
    )
    assert born == pytest.approx(float(case.ref["born"]), rel=1e-10)
    np.testing.assert_allclose(
        jg.response.mixed_strain(case.expansion, (0, 1)),
        case.ref["mixed"],
        atol=1e-9 * np.abs(case.ref["mixed"]).max(),
    )


def test_pressure_is_the_volume_derivative(ipl):
    energy = deformed_energy(ipl, jnp.eye(2))
    pressure = -float(jnp.trace(jg.stress(ipl.expansion))) / 2
    assert pressure > 1
    assert -float(jax.grad(energy)(0.0, ipl.glass.position)) / (2 * ipl.length**2) == pytest.approx(
        pressure, rel=1e-10
    )


def test_stress_is_symmetric_at_any_configuration(ipl):
    s = np.asarray(jg.stress(ipl.expansion))
    np.testing.assert_allclose(s, s.T, atol=1e-12 * np.abs(s).max())


def test_a_plane_needs_two_axes(ipl):
    with pytest.raises(ValueError, match="plane must name two different axes below 2"):
        jg.response.mixed_strain(ipl.expansion, (0, 2))
