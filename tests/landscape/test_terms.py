"""Expansions of models of many bodies against reference values and against derivatives of sums over
everybody; the same through jit, vmap, grad.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from manybody import (
    at,
    brute_force,
    brute_glass,
    embedded_atoms,
    expansion,
    reference,
    three_bodies,
)

import jaxglass as jg

NAMES = ("sw", "cuzr")
LONG = pytest.mark.long
BOTH = (
    pytest.param(three_bodies, marks=LONG, id="triples"),
    pytest.param(embedded_atoms, id="embedded"),
)
relative = lambda found, right: float(np.abs(np.asarray(found) - right).max() / np.abs(right).max())


@pytest.mark.parametrize("name", NAMES)
def test_products_are_those_of_the_reference(name):
    r, e = reference(name), expansion(name)
    z = jnp.asarray(r["direction"])
    assert relative(jg.hvp(e, z), r["hvp"]) < 1e-12
    assert relative(jg.third(e, z, z), r["third"]) < 1e-9
    columns = jnp.stack([z, 2 * z], axis=-1)
    assert relative(e.second(columns)[..., 1], 2 * r["hvp"]) < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_terms_are_those_of_the_reference(name):
    r, e = reference(name), expansion(name)
    for k, energy in enumerate(e.energy):
        valid = e.bonds.valid if k == 0 else e.groups[k - 1].valid
        found, right = np.asarray(energy)[np.asarray(valid)], r[f"term{k}_energy"]
        np.testing.assert_allclose(np.sort(found), np.sort(right), atol=1e-12 * np.abs(right).max())
    total = sum(float(jnp.sum(energy)) for energy in e.energy)
    assert total == pytest.approx(float(r["energy"]), rel=1e-12)
    assert float(jnp.abs(e.gradient()).max()) < 1e-12


@pytest.mark.parametrize("name", ("sw", pytest.param("cuzr", marks=LONG)))
def test_moduli_and_modes_are_those_of_the_reference(name):
    r, e = reference(name), expansion(name)
    g = jg.require(jg.shear_modulus(e))
    right = [r["shear_modulus"], r["born"], r["relaxation"]]
    assert relative([g.total, g.born, g.relaxation], np.array(right)) < 1e-9
    c = jg.require(jg.elasticity(e))
    assert float(c.total[0, 1, 0, 1]) == pytest.approx(float(r["shear_modulus"]), rel=1e-9)
    assert float(c.pressure) == pytest.approx(float(r["pressure"]), rel=1e-10)
    w = np.sqrt(r["eigenvalues"][3:13])
    assert relative(jg.require(jg.lowest_modes(e, 10)).frequency, w) < 1e-9


@pytest.mark.parametrize("make", (three_bodies, embedded_atoms), ids=("triples", "embedded"))
def test_a_model_of_ones_own_has_the_derivatives_of_the_sum_over_everybody(make):
    model = make()
    glass = jg.require(jg.quench(model, brute_glass())).glass
    e = jg.require(jg.expand(model, glass))
    slow = jg.expand(brute_force(model, glass), glass)
    a, b = jax.random.normal(jax.random.key(0), (2, *e.position.shape))
    assert float(jnp.abs(slow.gradient()).max()) < 1e-10
    for found, right in (
        (jg.hvp(e, a), jg.hvp(slow, a)),
        (jg.third(e, a, b), jg.third(slow, a, b)),
        (jg.fourth(e, a), jg.fourth(slow, a)),
        (jg.thermal_displacement(e), jg.thermal_displacement(slow)),
    ):
        assert relative(found, np.asarray(right)) < 1e-8
    assert float(jnp.abs(jg.hvp(e, jnp.ones_like(a))).max()) < 1e-10  # a translation costs nothing


@pytest.mark.parametrize("name", NAMES)
def test_blocks_are_the_hessian(name):
    e = expansion(name)
    z = jax.random.normal(jax.random.key(1), e.position.shape)
    product = (jg.to_scipy(e) @ np.asarray(z).ravel()).reshape(z.shape)
    terms = e.two.second(z)
    for group in e.groups:
        terms = terms + group.scatter(group.second(group.difference(z)), e.count)
    assert relative(product, np.asarray(terms)) < 1e-12
    solved = jg.solve(e, z - z.mean(axis=0), method="direct")
    assert int(solved.status) == 0 and float(solved.residual) < 1e-10


def test_the_stress_is_the_derivative_of_the_energy():
    r, model = reference("sw"), jg.models.get("sw")
    glass = at(r, r["position"] + r["shift"])
    direction = jnp.asarray(np.random.default_rng(0).normal(size=(3, 3)))
    energy = lambda s: float(jg.energy(model, jg.deformed(glass, jnp.eye(3) + s * direction)))
    slope = (8 * (energy(1e-5) - energy(-1e-5)) - energy(2e-5) + energy(-2e-5)) / 12e-5
    found = float(jnp.sum(jg.stress(jg.expand(model, glass)) * direction) * glass.box.volume)
    assert found == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("make", BOTH)
def test_a_relaxed_energy_differentiates_in_the_model(make):
    """Through the minimisation, against finite differences of whole quenches."""
    model, start = make(), brute_glass()
    glass = jg.require(jg.quench(model, start)).glass

    def modulus(change):
        shifted = model.replace(
            parameters={k: v * (1 + change) for k, v in model.parameters.items()}
        )
        e = jg.expand(shifted, jg.quench(shifted, glass).glass)
        return jg.shear_modulus(e).total + jg.stress(e)[0, 0]

    slope = float(jax.grad(modulus)(0.0))
    h = 1e-4
    expected = float(modulus(h) - modulus(-h)) / (2 * h)
    assert slope == pytest.approx(expected, rel=1e-5)


def test_samples_are_expanded_together():
    r, model = reference("sw"), jg.models.get("sw")
    both = jg.stack([at(r, r["position"]), at(r, np.roll(r["position"], 1, axis=0))])
    found = jax.jit(jax.vmap(lambda g: jg.shear_modulus(jg.expand(model, g))))(both)
    np.testing.assert_allclose(jg.require(found).total, float(r["shear_modulus"]), rtol=1e-9)


@pytest.mark.parametrize("make", (three_bodies, embedded_atoms), ids=("triples", "embedded"))
def test_expansions_of_several_sizes_are_stacked(make):
    model, first = make(), brute_glass()
    dense = first.replace(
        position=0.85 * first.position, box=first.box.replace(cell=0.85 * first.box.cell)
    )
    each = [jg.expand(model, jg.quench(model, g).glass) for g in (first, dense)]
    assert each[0].sizes != each[1].sizes
    z = jax.random.normal(jax.random.key(0), first.position.shape)

    def seen(e):
        modes = jg.lowest_modes(e, 3, method="direct")
        energies = jg.local_thermal_energy(e, method="direct")
        return e.second(z), e.third(z, z), modes.frequency, energies.displacement

    together = jax.vmap(seen)(jg.stack(each))
    for k, e in enumerate(each):
        for found, right in zip(together, seen(e), strict=True):
            assert relative(found[k], np.asarray(right)) < 1e-9


@pytest.mark.parametrize("make", BOTH)
def test_every_soft_mode_is_that_of_the_sum_over_everybody(make):
    """By mapping on terms and by descent on the energy as a whole."""
    model = make()
    glass = jg.require(jg.quench(model, brute_glass())).glass
    e = jg.expand(model, glass)
    slow = jg.expand(brute_force(model, glass), glass)
    start = jg.lowest_modes(e, 1).vector[0]
    for search in (jg.quartic_mode, jg.cubic_mode):
        sound = {"accept": jg.Status.NEGATIVE_QUARTIC}  # of embedded atoms: stationary all the same
        found = jg.require(search(e, start, method="mapping"), **sound)
        same = jg.require(search(slow, found.vector, method="optax"), **sound)
        assert int(found.status) == int(same.status)
        assert float(found.residual) < 1e-6
        assert float(found.cost) == pytest.approx(float(same.cost), rel=1e-8)
        assert abs(float(jnp.sum(found.vector * same.vector))) == pytest.approx(1, abs=1e-6)


def test_maps_of_terms():
    """What a softness field, a sum over particles and a heat capacity make of values of terms."""
    e = expansion("sw")
    energies = jg.require(jg.local_thermal_energy(e))
    held = [e.bonds.valid, *(group.valid for group in e.groups)]
    ones = tuple(jnp.where(k, 1.0, 0.0) for k in held)
    taken = jg.particle_sum(e, ones)
    count = 2 * int(held[0].sum()) + 3 * int(held[1].sum())
    assert float(taken.sum()) == count
    np.testing.assert_allclose(jg.particle_mean(e, ones), 1.0)
    each = jg.indicators.heat_capacity(e)
    size = [float(jnp.sum(jnp.abs(a))) for a in energies.anharmonic]
    assert float(each.sum()) == pytest.approx(2 * size[0] + 3 * size[1], rel=1e-10)
    field = jg.softness_field(e, energies.value, bins=4, threshold=0.0, reduce="sum")
    total = sum(float(jnp.sum(jnp.abs(v))) for v in energies.value)
    assert float(field.sum()) == pytest.approx(total, rel=1e-10)
    stiffness = jg.dipole_stiffness(e)
    some = jnp.array([0, 5])
    np.testing.assert_allclose(stiffness[some], jg.dipole_stiffness(e, bonds=some), rtol=1e-6)
    with pytest.raises(ValueError, match="value must hold one number per term"):
        jg.softness_field(e, energies.value[:1])


def test_what_needs_all_energy_in_bonds_says_so():
    e = expansion("cuzr")
    with pytest.raises(ValueError, match="thermal_bond_average needs the bonds of a pair model"):
        jg.thermal.thermal_bond_average(e, jnp.linalg.norm)
    with pytest.raises(ValueError, match="stack needs samples of one model"):
        jg.stack([e, jg.expand(jg.models.get("ipl3d"), e.glass)])
    with pytest.raises(ValueError, match="capacity is a number of bonds"):
        jg.expand(jg.models.get("sw"), expansion("sw").glass, capacity=10)
