"""Results that are bare arrays carry no status: where they would be wrong they are NaN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

BARE = {
    "thermal_displacement": lambda e, m: jg.thermal_displacement(e, method=m),
    "thermal_average": lambda e, m: jg.thermal_average(
        e, lambda x: jnp.sum(jnp.cos(x[0] - x[1])), method=m
    ),
    "thermal_bond_average": lambda e, m: jg.thermal.thermal_bond_average(
        e, jnp.linalg.norm, method=m
    )[e.bonds.valid],
    "heat_capacity": lambda e, m: jg.indicators.heat_capacity(e, method=m),
    "vibrality": lambda e, m: jg.indicators.vibrality(e, method=m),
    "log_determinant": lambda e, m: jg.log_determinant(e),
    "dipole_stiffness": lambda e, m: jg.dipole_stiffness(e)[e.bonds.valid],
}


@pytest.fixture(scope="module")
def states():
    """A minimum of 64 particles, a saddle beside it, and the minimum with too few bonds."""
    model = jg.models.get("ipl2d")
    glass = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    shaken = glass.position + 0.3 * jax.random.normal(jax.random.key(1), glass.position.shape)
    few = jax.jit(lambda g: jg.expand(model, g, capacity=100))(glass)
    return jg.expand(model, glass), jg.expand(model, glass.replace(position=shaken)), few


@pytest.mark.parametrize("method", ("direct", "dense"))
@pytest.mark.parametrize("name", BARE)
def test_nan_at_a_saddle(name, method, states):
    minimum, saddle, _ = states
    assert np.isfinite(BARE[name](minimum, method)).all()
    assert np.isnan(BARE[name](saddle, method)).all()


def test_a_bond_overflow_is_carried_on(states):
    few = states[2]
    overflow = int(jg.Status.BOND_OVERFLOW)
    field = jnp.zeros(few.position.shape).at[0, 0].set(1.0)
    results = (
        few,
        jg.solve(few, field),
        jg.lowest_modes(few, 2),
        jg.local_thermal_energy(few),
        jg.factorise(few),
    )
    assert all(int(r.status) & overflow for r in results)
    assert np.isnan(jg.indicators.vibrality(few)).all()


def test_an_estimate_that_did_not_converge_is_nan(states):
    found = jg.thermal.thermal_estimate(
        states[1], lambda x: jnp.sum(jnp.cos(x[0] - x[1])), probes=4, lowest=4
    )
    assert np.isnan(found.value) and np.isnan(found.error)
