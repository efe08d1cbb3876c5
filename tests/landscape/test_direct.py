"""The direct engine on glasses: blocks of the inverse on every bond, solves, determinant, layouts, failures."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

import jaxglass as jg
from jaxglass.landscape.direct import Layout, apply_inverse, bond_blocks, plan_layout
from jaxglass.landscape.expansion import bond_third_block


def slow(case):
    model = oracle.MODELS["ipl" if case.name.startswith("ipl") else case.name.split("_")[0]]()
    return oracle.Bonds(case.ref["position"], case.length, case.ref["kind"], model)


def test_blocks_on_every_bond_equal_the_dense_pseudo_inverse(some):
    exact = oracle.bond_blocks(slow(some), oracle.pseudo_inverse(slow(some)))
    ours = np.asarray(bond_blocks(jg.factorise(some.expansion), some.expansion.bonds))
    np.testing.assert_allclose(ours[some.order()], exact, atol=1e-11 * np.abs(exact).max())
    assert np.abs(ours[~np.asarray(some.expansion.bonds.valid)]).max(initial=0) == 0


def test_equipartition(some):
    """sum_b K_b : B_b = n d - d."""
    blocks = bond_blocks(jg.factorise(some.expansion), some.expansion.bonds)
    n, d = some.glass.position.shape
    assert float(jnp.sum(some.expansion.stiffness * blocks)) == pytest.approx(n * d - d, rel=1e-10)


def test_log_determinant(some):
    assert float(jg.log_determinant(some.expansion)) == pytest.approx(
        np.log(some.ref["eigenvalues"][some.glass.dim :]).sum(), rel=1e-11
    )


def test_gradient_of_the_log_determinant_is_the_third_derivative_on_the_inverse(ipl):
    """d log det M / dx = U''' : M^-1."""
    e = ipl.expansion
    layout = plan_layout(e)

    def at(x):
        moved = jg.expand(ipl.model, ipl.glass.replace(position=x), capacity=1600)
        from jaxglass.landscape import direct

        engine = direct.factorise(moved, layout=layout)
        return engine.factor.logdet - (2 + 2 * (layout.slabs * engine.width - 400)) * jnp.log(
            engine.spring
        )

    slope = jax.grad(at)(ipl.glass.position)
    exact = e.scatter(bond_third_block(e, bond_blocks(jg.factorise(e), e.bonds)))
    assert float(jnp.abs(exact).max()) > 1
    np.testing.assert_allclose(slope, exact, atol=1e-8 * float(jnp.abs(exact).max()))


@pytest.mark.parametrize("method", ["cg", "direct"])
def test_solve(some, method):
    s = jg.solve(some.expansion, some.direction, method=method)
    assert int(s.status) == 0
    error = jnp.linalg.norm(jg.hvp(some.expansion, s.x) - some.direction) / jnp.linalg.norm(
        some.direction
    )
    assert float(error) < 1e-8
    assert float(jnp.abs(s.x.mean(0)).max()) < 1e-12 * float(jnp.abs(s.x).max())


def test_many_right_hand_sides_with_one_factor(ipl):
    engine = jg.factorise(ipl.expansion)
    b = jax.random.normal(jax.random.key(0), (5, 400, 2))
    together = jax.vmap(lambda b: jg.solve(ipl.expansion, b, method="direct", factor=engine).x)(b)
    np.testing.assert_allclose(
        together[3],
        jg.solve(ipl.expansion, b[3], tol=1e-12).x,
        atol=1e-9 * float(jnp.abs(together[3]).max()),
    )
    columns = jnp.moveaxis(b - b.mean(1, keepdims=True), 0, -1)
    x = apply_inverse(engine, columns)[..., 3]
    np.testing.assert_allclose(
        x - x.mean(0), together[3], atol=1e-9 * float(jnp.abs(together[3]).max())
    )


def test_sheared_box(ipl):
    """A glass in a strongly sheared cell: the engine agrees with conjugate gradients."""
    start = jg.deformed(ipl.glass, jnp.array([[1.0, 0.45], [0.0, 1.0]]))
    q = jg.require(jg.quench(ipl.model, start))
    e = jg.expand(ipl.model, q.glass)
    assert plan_layout(e).slabs >= 3
    direct, cg = jg.solve(e, ipl.direction, method="direct"), jg.solve(e, ipl.direction, tol=1e-12)
    assert int(direct.status) == 0
    np.testing.assert_allclose(direct.x, cg.x, atol=1e-8 * float(jnp.abs(cg.x).max()))


def test_every_layout_gives_the_same_blocks(ipl):
    e = ipl.expansion
    exact = bond_blocks(jg.factorise(e, layout=Layout(0, 1)), e.bonds)
    for layout in (Layout(0, 3), Layout(1, 6), Layout(0, 9)):
        engine = jg.factorise(e, layout=layout)
        assert int(engine.status) == 0
        np.testing.assert_allclose(
            bond_blocks(engine, e.bonds), exact, atol=1e-11 * float(jnp.abs(exact).max())
        )


def test_slabs_too_thin_are_flagged(ipl):
    assert int(jg.factorise(ipl.expansion, layout=Layout(0, 15)).status) & jg.Status.SLABS_TOO_THIN


def test_what_is_not_a_minimum_is_flagged_without_nan(ipl):
    moved = ipl.glass.replace(position=ipl.glass.position + 0.2 * ipl.direction * 20)
    e = jg.expand(ipl.model, moved)
    s = jg.solve(e, ipl.direction, method="direct")
    assert int(s.status) & jg.Status.NOT_A_MINIMUM
    assert float(s.residual) == pytest.approx(1.0) and bool(jnp.isfinite(s.x).all())


def test_rattlers_and_disconnected_networks_are_flagged():
    x = np.array([[1.0, 1.0], [2.0, 1.0], [6.0, 6.0], [7.0, 6.0]])
    e = jg.expand(jg.models.get("ipl2d"), jg.glass(x, 12.0))
    assert int(jg.solve(e, jnp.ones((4, 2)).at[0].set(-3.0), method="direct").status)
    assert int(jg.solve(e, jnp.ones((4, 2)).at[0].set(-3.0), method="cg").status)


def test_an_expansion_without_bonds_is_refused(ipl):
    e = jg.expand(lambda x: jnp.sum(x**2), ipl.glass)
    with pytest.raises(ValueError, match="needs the bonds of a pair model"):
        jg.solve(e, ipl.direction, method="direct")
