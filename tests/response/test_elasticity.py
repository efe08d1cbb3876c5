"""Elastic constants against the quenched energy, the oracle and jax-md; both conventions; dipole
stiffness.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def relaxed_energy(case, direction, gamma):
    map = jnp.eye(case.glass.dim) + gamma * direction
    moved = jg.deformed(case.glass, map)
    return jg.energy(case.model, jg.quench(case.model, moved, force_tol=1e-12).glass)


def curvature(case, direction, h=1e-4):
    """Second difference of the energy at the minimum, fourth order in h."""
    u = {k: float(relaxed_energy(case, direction, k * h)) for k in (-2, -1, 0, 1, 2)}
    return (
        (-u[2] + 16 * u[1] - 30 * u[0] + 16 * u[-1] - u[-2])
        / (12 * h * h)
        / float(case.glass.box.volume)
    )


def test_moduli_equal_the_reference(some):
    g = jg.require(jg.shear_modulus(some.expansion))
    for found, name in ((g.total, "shear_modulus"), (g.born, "born"), (g.relaxation, "relaxation")):
        assert float(found) == pytest.approx(float(some.ref[name]), rel=1e-9)
    v = some.ref["nonaffine_velocity"]
    np.testing.assert_allclose(g.nonaffine, v - v.mean(0), atol=1e-8 * np.abs(v).max())


def test_the_tensor_is_the_curvature_of_the_quenched_energy(ipl):
    c = jg.require(jg.elasticity(ipl.expansion))
    rng = np.random.default_rng(0)
    for direction in (np.array([[0.0, 1.0], [0.0, 0.0]]), rng.normal(size=(2, 2))):
        expected = np.einsum("ij,ijkl,kl->", direction, np.asarray(c.total), direction)
        assert curvature(ipl, jnp.asarray(direction)) == pytest.approx(expected, rel=1e-4)


def test_bulk_modulus_is_the_derivative_of_the_pressure(ipl):
    def pressure(s):
        moved = jg.deformed(ipl.glass, (1 + s) * jnp.eye(2))
        return float(
            -jnp.trace(
                jg.stress(jg.expand(ipl.model, jg.quench(ipl.model, moved, force_tol=1e-12).glass))
            )
            / 2
        )

    h = 1e-4
    bulk = -(pressure(h) - pressure(-h)) / (2 * h) / 2  # dV / V = 2 ds
    assert float(jg.elasticity(ipl.expansion).bulk) == pytest.approx(bulk, rel=1e-5)


def test_strain_convention_differs_by_the_prestress_and_equals_jax_md(ipl):
    """jax-md differentiates along symmetric strains."""
    from jax_md import elasticity, space

    c = jg.elasticity(ipl.expansion)
    glass, model = ipl.glass, ipl.model
    i, j, valid = (
        np.asarray(a)
        for a in (ipl.expansion.bonds.i, ipl.expansion.bonds.j, ipl.expansion.bonds.valid)
    )
    from jaxglass.models.pair import energy_of, mixed

    scales = mixed(model, glass, jnp.asarray(i[valid]), jnp.asarray(j[valid]))
    image = ipl.expansion.separation[valid] - (glass.position[j[valid]] - glass.position[i[valid]])

    def energy(x, perturbation=None, **unused):
        r = x[j[valid]] - x[i[valid]] + image
        r = r if perturbation is None else space.transform(perturbation, r)
        return jnp.sum(energy_of(model)(0.5 * jnp.sum(r * r, axis=1), scales))

    theirs = elasticity.athermal_moduli(energy, cg_tol=1e-12)(glass.position, glass.box.cell)
    scale = float(jnp.abs(c.strain).max())
    np.testing.assert_allclose(theirs, c.strain, atol=1e-6 * scale)
    # Isotropic prestress -P: C_xyxy exceeds G by P/2 plus half the deviatoric stress.
    s = np.asarray(c.stress)
    assert abs(float(c.strain[0, 1, 0, 1] - c.total[0, 1, 0, 1])) > 0.05 * float(
        c.total[0, 1, 0, 1]
    )
    np.testing.assert_allclose(
        c.total[0, 1, 0, 1] - c.total[0, 1, 1, 0], s[1, 1], atol=1e-8 * scale
    )


@pytest.mark.parametrize("mu", [1.5, 0.2])
def test_sound_speeds_of_an_isotropic_tensor(mu):
    """lambda, mu and a pressure put together give back their speeds, bulk modulus and Poisson
    ratio; the modulus of transverse waves is a number where it is negative.
    """
    d, lame, pressure = 3, 2.0, 0.3
    eye = np.eye(d)
    one = lambda text: np.einsum(text, eye, eye)
    stress = -pressure * eye
    total = (
        lame * one("ij,kl->ijkl")
        + mu * (one("ik,jl->ijkl") + one("il,jk->ijkl"))
        + np.einsum("ik,jl->ijkl", eye, stress)
    )
    c = jg.response.elasticity.Elasticity(
        *map(jnp.asarray, (total, total, 0 * total, 0, stress, 1.0, 0))
    )
    transverse, longitudinal = c.sound_speeds
    assert float(c.shear) == pytest.approx(mu - pressure)
    assert np.isfinite(c.poisson) and bool(jnp.isnan(transverse)) == (mu < pressure)
    if mu > pressure:
        assert float(transverse) ** 2 == pytest.approx(mu - pressure)
    assert float(longitudinal) ** 2 == pytest.approx(lame + 2 * mu - pressure)
    assert float(c.pressure) == pytest.approx(pressure)
    # P(V) with U''(eta) / V = d^2 lambda + 2 d mu - d P, so d^2 K = that + d (d - 1) P.
    assert float(c.bulk) == pytest.approx(
        (d * d * lame + 2 * d * mu - d * pressure + d * (d - 1) * pressure) / d**2
    )


def test_cg_equals_direct(ipl):
    direct, cg = (jg.elasticity(ipl.expansion, method=m) for m in ("direct", "cg"))
    np.testing.assert_allclose(cg.total, direct.total, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(
        cg.nonaffine[0, 1], jg.shear_modulus(ipl.expansion).nonaffine, atol=1e-7
    )


def test_dipole_stiffness_of_every_bond(some):
    k = np.asarray(jg.dipole_stiffness(some.expansion))
    np.testing.assert_allclose(k[some.order()], some.ref["dipole_stiffness"], rtol=1e-7)
    chosen = jg.dipole_stiffness(some.expansion, bonds=jnp.array([0, 3]))
    np.testing.assert_allclose(chosen, k[[0, 3]], rtol=1e-7)


def test_dipole_stiffness_off_a_minimum_is_nan(ipl):
    shaken = ipl.glass.replace(
        position=ipl.glass.position + 0.2 * jax.random.normal(jax.random.key(1), (400, 2))
    )
    e = jg.expand(ipl.model, shaken)
    assert bool(jnp.isnan(jg.dipole_stiffness(e)[0]))


def test_bad_input_is_refused(ipl):
    with pytest.raises(ValueError, match="plane must name two different axes"):
        jg.shear_modulus(ipl.expansion, plane=(0, 0))
    with pytest.raises(ValueError, match="method must be one of"):
        jg.elasticity(ipl.expansion, method="dense")
