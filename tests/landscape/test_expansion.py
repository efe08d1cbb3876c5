"""Expansions against the NumPy oracle's exact values, automatic differentiation of the total
energy, and finite differences.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def relative(a, b):
    return float(np.abs(np.asarray(a) - b).max() / np.abs(b).max())


def test_energy_through_smap(case):
    assert abs(float(jg.energy(case.model, case.glass)) / float(case.ref["energy"]) - 1) < 1e-12


def test_force_vanishes_at_the_minimum(case):
    f = np.asarray(jg.force(case.model, case.glass))
    assert np.abs(f).max() < 1e-9
    assert np.abs(np.asarray(case.expansion.force)).max() > 0.1


def test_bond_energies(case):
    assert (
        relative(np.asarray(case.expansion.energy)[case.order()], case.ref["bond_energy"]) < 1e-11
    )


def test_contractions(case):
    e, z = case.expansion, case.direction
    assert relative(jg.hvp(e, z), case.ref["hvp"]) < 1e-11
    assert relative(jg.third(e, z, z), case.ref["third"]) < 1e-10
    assert relative(jg.fourth(e, z), case.ref["fourth"]) < 1e-9


def test_coefficients_do_not_depend_on_the_norm(case):
    for scale in (1.0, 3.0):
        k = jg.coefficients(case.expansion, scale * case.direction)
        assert (
            relative(
                [k.stiffness, k.asymmetry, k.quartic, k.participation], case.ref["coefficients"]
            )
            < 1e-9
        )


def test_third_is_symmetric_and_linear(ipl):
    e, a = ipl.expansion, ipl.direction
    b = jax.random.normal(jax.random.key(0), a.shape)
    c = jax.random.normal(jax.random.key(1), a.shape)
    dot = lambda p, q: float(jnp.sum(p * q))
    assert dot(jg.third(e, a, b), c) == pytest.approx(dot(jg.third(e, c, a), b), rel=1e-10)
    assert dot(jg.third(e, a, b), c) == pytest.approx(dot(jg.third(e, b, a), c), rel=1e-12)


def test_block_contraction_agrees_with_the_two_field_one(ipl):
    from jaxglass.landscape.expansion import bond_third, bond_third_block

    z = ipl.expansion.difference(ipl.direction)
    np.testing.assert_allclose(
        bond_third_block(ipl.expansion, z[:, :, None] * z[:, None, :]),
        bond_third(ipl.expansion, z, z),
        rtol=1e-10,
        atol=1e-12,
    )


def test_stiffness_property_is_the_product(ipl):
    e = ipl.expansion
    z = e.difference(ipl.direction)
    np.testing.assert_allclose(
        e.scatter(jnp.einsum("bij,bj->bi", e.stiffness, z)),
        jg.hvp(e, ipl.direction),
        rtol=1e-9,
        atol=1e-12,
    )


def test_translations_cost_nothing(case):
    shift = jnp.ones_like(case.direction)
    assert float(jnp.abs(jg.hvp(case.expansion, shift)).max()) == 0.0
    assert float(jnp.abs(jg.fourth(case.expansion, shift)).max()) == 0.0


@pytest.mark.parametrize("order", [2, 3, 4])
def test_each_order_is_the_derivative_of_the_one_before(ipl, order):
    """Central differences of the contraction below converge with the square of the step."""
    z = ipl.direction
    at = lambda s: jg.expand(
        ipl.model, ipl.glass.replace(position=ipl.glass.position + s * z), capacity=1600
    )
    below = {2: lambda e: e.gradient(), 3: lambda e: jg.hvp(e, z), 4: lambda e: jg.third(e, z, z)}[
        order
    ]
    exact = {
        2: lambda e: jg.hvp(e, z),
        3: lambda e: jg.third(e, z, z),
        4: lambda e: jg.fourth(e, z),
    }[order](at(0.0))
    error = lambda h: float(jnp.linalg.norm((below(at(h)) - below(at(-h))) / (2 * h) - exact))
    assert abs(np.log2(error(2e-2) / error(1e-2)) - 2) < 0.15


def test_many_body_expansion_agrees_with_the_bonds(ipl):
    """The plain automatic derivatives of jax-md's total energy are the oracle of the
    per-bond ones.
    """
    energy = lambda x: jg.energy(ipl.model, ipl.glass.replace(position=x))
    e = jg.expand(energy, ipl.glass)
    z = ipl.direction
    assert relative(jg.hvp(e, z), ipl.ref["hvp"]) < 1e-11
    assert relative(jg.third(e, z, z), ipl.ref["third"]) < 1e-10
    assert relative(jg.fourth(e, z), ipl.ref["fourth"]) < 1e-9
    k = jg.coefficients(e, z)
    assert (
        relative([k.stiffness, k.asymmetry, k.quartic, k.participation], ipl.ref["coefficients"])
        < 1e-9
    )
    assert float(jnp.abs(e.gradient()).max()) < 1e-9


def test_model_derivative_of_the_energy(case):
    """The gradient with respect to every leaf of the model equals central differences, to second
    order.
    """
    leaves, tree = jax.tree.flatten(case.model)

    def energy(s, k):
        return jg.energy(
            jax.tree.unflatten(tree, [leaf + s * (m == k) for m, leaf in enumerate(leaves)]),
            case.glass,
        )

    for k in range(len(leaves)):
        slope = float(jax.grad(energy)(0.0, k))
        finite = float(energy(1e-5, k) - energy(-1e-5, k)) / 2e-5
        assert slope == pytest.approx(finite, rel=1e-5, abs=1e-6)


def test_wrong_shapes_and_models_get_a_sentence(ipl):
    with pytest.raises(ValueError, match=r"z must be a field of shape \(400, 2\), found \(3, 2\)"):
        jg.hvp(ipl.expansion, jnp.ones((3, 2)))
    with pytest.raises(TypeError, match="model must be a PairModel or a function"):
        jg.expand(3.0, ipl.glass)
    with pytest.raises(ValueError, match="capacity must be an integer of at least 1"):
        jg.expand(ipl.model, ipl.glass, capacity=0)
