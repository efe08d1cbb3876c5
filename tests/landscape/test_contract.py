"""What each kind of expansion can do: every public door answers, or says in a sentence what it
needs.
"""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.landscape import contract

ROOT = Path(jg.__file__).parent


@pytest.fixture(scope="module")
def kinds(small):
    """The same glass as pairs, as an energy, and as a bare Hessian."""
    model, glass, e = small
    energy = lambda x: jg.energy(model, glass.replace(position=x))
    return {
        "pairs": e,
        "energy": jg.expand(energy, glass),
        "hessian": jg.from_hessian(jg.to_scipy(e), 2),
    }


def test_they_have_what_they_say(kinds):
    for e in kinds.values():
        z = jnp.cos(e.position + 1.0)
        columns = jnp.stack([z, 2 * z, z**2], axis=-1)
        parts = type(e).has
        assert parts <= set(contract.NEEDS)
        assert e.second(z).shape == z.shape and e.count == 64
        assert ("bonds" in parts) == hasattr(e, "difference") == hasattr(e, "scatter")
        assert ("terms" in parts) == hasattr(e, "derivative") == hasattr(e, "stiffness")
        assert ("higher" in parts) == hasattr(e, "third") == hasattr(e, "fourth")
        assert ("glass" in parts) == hasattr(e, "glass")
        assert ("blocks" in parts) == hasattr(e, "blocks") == hasattr(e, "place")
        operations = [e.second]
        if "higher" in parts:
            operations += [lambda z: e.third(z, z + z**2), e.fourth]
        for operation in operations:  # columns are fields side by side
            together = operation(columns)
            for k in range(3):
                one = operation(columns[..., k])
                np.testing.assert_allclose(
                    together[..., k], one, atol=1e-11 * float(jnp.abs(one).max())
                )


def test_products_agree_whatever_the_kind(kinds):
    z = jnp.cos(kinds["pairs"].position + 1.0)
    exact = jg.hvp(kinds["pairs"], z)
    for e in kinds.values():
        np.testing.assert_allclose(jg.hvp(e, z), exact, atol=1e-10 * float(jnp.abs(exact).max()))


FIELD = lambda e: jax.random.normal(jax.random.key(4), e.position.shape)
# Public functions of an expansion, and the kinds that they cannot serve.
DOORS = {
    "hvp": (lambda e: jg.hvp(e, FIELD(e)), ()),
    "third": (lambda e: jg.third(e, FIELD(e), FIELD(e)), ("hessian",)),
    "fourth": (lambda e: jg.fourth(e, FIELD(e)), ("hessian",)),
    "coefficients": (lambda e: jg.coefficients(e, FIELD(e)), ("hessian",)),
    "stress": (jg.stress, ("energy", "hessian")),
    "mixed_strain": (lambda e: jg.response.mixed_strain(e, (0, 1)), ("energy", "hessian")),
    "strain_curvature": (lambda e: jg.response.strain_curvature(e, (0, 1)), ("energy", "hessian")),
    "solve": (lambda e: jg.solve(e, FIELD(e)), ()),
    "solve direct": (lambda e: jg.solve(e, FIELD(e), method="direct"), ("energy",)),
    "factorise": (jg.factorise, ("energy",)),
    "log_determinant": (jg.log_determinant, ("energy",)),
    "lowest_modes": (lambda e: jg.lowest_modes(e, 3), ()),
    "lowest_modes filter": (lambda e: jg.lowest_modes(e, 3, method="filter"), ()),
    "lowest_modes direct": (
        lambda e: jg.lowest_modes(e, 3, method="direct"),
        ("energy",),
    ),
    "spectrum": (jg.modes.spectrum, ()),
    "local_thermal_energy": (jg.local_thermal_energy, ("energy", "hessian")),
    "thermal_displacement": (jg.thermal_displacement, ("hessian",)),
    "thermal_average": (lambda e: jg.thermal_average(e, lambda x: x[0, 0] ** 2), ("hessian",)),
    "thermal_estimate": (
        lambda e: jg.thermal.thermal_estimate(e, lambda x: x[0, 0] ** 2, probes=2, lowest=2),
        ("hessian",),
    ),
    "thermal_bond_average": (
        lambda e: jg.thermal.thermal_bond_average(e, jnp.linalg.norm),
        ("energy", "hessian"),
    ),
    "fitting_bins": (jg.thermal.fitting_bins, ("energy", "hessian")),
    "softness_field": (
        lambda e: jg.softness_field(e, e.bonds.valid * 1.0 if hasattr(e, "bonds") else 0.0),
        ("energy", "hessian"),
    ),
    "particle_sum": (lambda e: jg.particle_sum(e, 1.0), ("energy",)),
    "particle_mean": (lambda e: jg.particle_mean(e, 1.0), ("energy",)),
    "heat_capacity": (jg.indicators.heat_capacity, ("energy", "hessian")),
    "vibrality": (jg.indicators.vibrality, ()),
    "nonaffinity": (jg.indicators.nonaffinity, ("energy", "hessian")),
    "dipole_stiffness": (jg.dipole_stiffness, ("energy", "hessian")),
    "dipole_response": (lambda e: jg.response.dipole_response(e, 0), ("energy", "hessian")),
    "shear_modulus": (jg.shear_modulus, ("energy", "hessian")),
    "elasticity": (jg.elasticity, ("energy", "hessian")),
    "quartic_mode": (lambda e: jg.quartic_mode(e, FIELD(e), tol=1e-5), ("hessian",)),
    "cubic_mode": (lambda e: jg.cubic_mode(e, FIELD(e), tol=1e-5), ("hessian",)),
    "pseudo_harmonic_mode": (lambda e: jg.pseudo_harmonic_mode(e, FIELD(e)), ("energy",)),
    "dipole_seeds": (lambda e: jg.modes.dipole_seeds(e, [0]), ("energy", "hessian")),
    "nonaffine_seeds": (jg.modes.nonaffine_seeds, ("energy", "hessian")),
    "random_seeds": (lambda e: jg.modes.random_seeds(jax.random.key(0), e, 2), ()),
    "soft_spots": (lambda e: jg.soft_spots(e, most=4, batch=4), ("energy", "hessian")),
    "to_scipy": (jg.to_scipy, ("energy",)),
}


@pytest.mark.parametrize("name", DOORS)
def test_a_door_answers_or_says_what_it_needs(name, kinds):
    function, closed = DOORS[name]
    for kind, e in kinds.items():
        if kind in closed:
            first = name.split()[0]
            with pytest.raises(ValueError, match="needs .*, found .*: ") as error:
                function(e)
            assert first in str(error.value) or "mode" in first or "seeds" in first
            assert e.kind in str(error.value)
        else:
            assert all(np.isfinite(leaf).all() for leaf in leaves_of(function(e), kind))


def leaves_of(result, kind):
    """Numbers of a result; a bare Hessian leaves third and fourth derivatives unknown."""
    result = result.data if hasattr(result, "data") and hasattr(result, "indptr") else result
    if kind == "hessian" and isinstance(result, jg.SoftMode):
        assert np.isnan(result.asymmetry) and np.isnan(result.quartic)
        result = result.replace(asymmetry=0.0, quartic=0.0)
    return [np.asarray(leaf, float) for leaf in jax.tree.leaves(result)]


def test_what_is_no_expansion_or_a_stack_is_refused(kinds):
    e = kinds["pairs"]
    with pytest.raises(TypeError, match="e must be an expansion.*found Glass"):
        jg.hvp(e.glass, e.position)
    with pytest.raises(ValueError, match="e must be of a single glass.*use jax.vmap"):
        jg.elasticity(jg.stack([e, e]))


def test_expansions_of_every_kind_can_be_stacked(kinds):
    for e in kinds.values():
        if e.kind == kinds["energy"].kind:
            continue  # its function is no number: a stack of energies would need one of the stack
        two = jg.stack([e, e])
        z = FIELD(e)
        np.testing.assert_allclose(jax.vmap(lambda e, z=z: jg.hvp(e, z))(two)[1], jg.hvp(e, z))


def test_only_the_contract_asks_what_an_expansion_is():
    asks = re.compile(r"isinstance\(e, |hasattr\(e,")
    users = {p.name for p in ROOT.rglob("*.py") if asks.search(p.read_text())}
    assert users <= {"contract.py"}
    arranged = {p.name for p in ROOT.rglob("*.py") if "dissect(" in p.read_text()}
    assert arranged <= {"nested_tree.py", "dissection.py"}
