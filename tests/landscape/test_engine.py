"""The factor as a value on glasses: blocks of the inverse, solves, determinant, what it belongs to,
derivatives, failures.
"""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

import jaxglass as jg
from jaxglass.landscape import dissection
from jaxglass.landscape.engine import apply_inverse, inverse_blocks
from jaxglass.landscape.expansion import bond_third_block
from jaxglass.linalg import nested, nested_tree


def slow(case):
    name = "ipl" if case.name.startswith("ipl") else case.name.split("_")[0]
    return oracle.Bonds(case.ref["position"], case.length, case.ref["kind"], oracle.MODELS[name]())


def blocks_of(e):
    return inverse_blocks(e, jg.factorise(e))[0]


def test_blocks_on_every_bond_equal_the_dense_pseudo_inverse(some):
    exact = oracle.bond_blocks(slow(some), oracle.pseudo_inverse(slow(some)))
    ours = np.asarray(blocks_of(some.expansion))
    np.testing.assert_allclose(ours[some.order()], exact, atol=1e-11 * np.abs(exact).max())
    assert np.abs(ours[~np.asarray(some.expansion.bonds.valid)]).max(initial=0) == 0


def test_equipartition(some):
    """sum_b K_b : B_b = n d - d."""
    n, d = some.glass.position.shape
    total = jnp.sum(some.expansion.stiffness * blocks_of(some.expansion))
    assert float(total) == pytest.approx(n * d - d, rel=1e-10)


def test_log_determinant(some):
    expected = np.log(some.ref["eigenvalues"][some.glass.dim :]).sum()
    assert float(jg.log_determinant(some.expansion)) == pytest.approx(expected, rel=1e-11)


def test_gradient_of_the_log_determinant_is_the_third_derivative_on_the_inverse(ipl):
    """d log det M / dx = U''' : M^-1, and both are the slope of log det M between two positions."""
    e = ipl.expansion
    at = lambda x: jg.expand(ipl.model, ipl.glass.replace(position=x), capacity=1600)
    slope = jax.grad(lambda x: jg.log_determinant(at(x)))(ipl.glass.position)
    exact = e.scatter(bond_third_block(e, blocks_of(e)))
    assert float(jnp.abs(exact).max()) > 1
    np.testing.assert_allclose(slope, exact, atol=1e-8 * float(jnp.abs(exact).max()))
    along = lambda s: float(jg.log_determinant(at(ipl.glass.position + s * ipl.direction)))
    h = 1e-3
    finite = (8 * (along(h) - along(-h)) - along(2 * h) + along(-2 * h)) / (12 * h)
    assert float(jnp.sum(exact * ipl.direction)) == pytest.approx(finite, rel=1e-6)


@pytest.mark.parametrize("method", ["cg", "direct"])
def test_solve(some, method):
    s = jg.solve(some.expansion, some.direction, method=method)
    assert int(s.status) == 0
    left = jg.hvp(some.expansion, s.x) - some.direction
    assert float(jnp.linalg.norm(left) / jnp.linalg.norm(some.direction)) < 1e-8
    assert float(jnp.abs(s.x.mean(0)).max()) < 1e-12 * float(jnp.abs(s.x).max())


def test_many_right_hand_sides_with_one_factor(ipl):
    e, factor = ipl.expansion, jg.factorise(ipl.expansion)
    b = jax.random.normal(jax.random.key(0), (5, 400, 2))
    together = jax.vmap(lambda b: jg.solve(e, b, factor=factor).x)(b)
    scale = float(jnp.abs(together[3]).max())
    np.testing.assert_allclose(together[3], jg.solve(e, b[3], tol=1e-12).x, atol=1e-9 * scale)
    columns = jnp.moveaxis(b - b.mean(1, keepdims=True), 0, -1)
    x = apply_inverse(e, factor, columns)[..., 3]
    np.testing.assert_allclose(x - x.mean(0), together[3], atol=1e-9 * scale)


# Every door that solves with the Hessian, as a function of an expansion and a factor.
DOORS = {
    "solve": lambda e, f: jg.solve(e, jnp.cos(e.position), method="direct", factor=f),
    "lowest_modes": lambda e, f: jg.lowest_modes(e, 3, method="direct", factor=f),
    "local_thermal_energy": lambda e, f: jg.local_thermal_energy(e, factor=f),
    "thermal_displacement": lambda e, f: jg.thermal_displacement(e, factor=f),
    "thermal_average": lambda e, f: jg.thermal_average(e, lambda x: jnp.cos(x[0, 0]), factor=f),
    "thermal_bond_average": lambda e, f: jg.thermal.thermal_bond_average(
        e, jnp.linalg.norm, factor=f
    ),
    "heat_capacity": lambda e, f: jg.indicators.heat_capacity(e, factor=f),
    "vibrality": lambda e, f: jg.indicators.vibrality(e, factor=f),
    "dipole_stiffness": lambda e, f: jg.dipole_stiffness(e, factor=f),
    "dipole_response": lambda e, f: jg.response.dipole_response(e, 3, method="direct", factor=f),
    "shear_modulus": lambda e, f: jg.shear_modulus(e, factor=f),
    "elasticity": lambda e, f: jg.elasticity(e, factor=f),
    "log_determinant": lambda e, f: jg.log_determinant(e, factor=f),
    "dipole_seeds": lambda e, f: jg.modes.dipole_seeds(e, jnp.arange(3), factor=f),
    "nonaffine_seeds": lambda e, f: jg.modes.nonaffine_seeds(e, factor=f),
    "quartic_mode": lambda e, f: jg.quartic_mode(e, jnp.cos(e.position), factor=f),
    "soft_spots": lambda e, f: jg.soft_spots(e, factor=f, most=8, batch=8),
}


@pytest.fixture(scope="module")
def two(small):
    """Expansions of two glasses of one size, with their factors."""
    model, _, e = small
    start = jg.random_glass(jax.random.key(5), "ipl2d", 64)
    other = jg.require(jg.expand(model, jg.require(jg.quench(model, start)).glass))
    return (e, jg.factorise(e)), (other, jg.factorise(other))


@pytest.mark.parametrize("name", DOORS)
def test_a_factor_given_changes_nothing_and_that_of_another_glass_is_refused(name, two):
    (e, own), (_, foreign) = two
    with_factor, without = DOORS[name](e, own), DOORS[name](e, None)
    for a, b in zip(*map(jax.tree.leaves, (with_factor, without)), strict=True):
        # Soft modes and solutions are as exact as their residuals of 1e-9.
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * max(np.abs(b).max(), 1e-300))
    result = DOORS[name](e, foreign)
    if hasattr(result, "status"):
        assert np.all(np.asarray(result.status) & int(jg.Status.FOREIGN_FACTOR))
    else:
        padding = jnp.zeros_like(result) if name not in BOND_VALUES else ~e.bonds.valid
        assert np.all(np.isnan(result) | (padding != 0))


BOND_VALUES = ("thermal_bond_average", "dipole_stiffness")


def test_a_factor_is_known_by_its_hessian_under_jit_and_vmap(two):
    (e, own), (other, foreign) = two
    status = jax.jit(lambda e, f: jg.solve(e, jnp.cos(e.position), factor=f).status)
    assert int(status(e, own)) == 0
    assert int(status(e, foreign)) & jg.Status.FOREIGN_FACTOR
    wide = e.padded(e.bonds.capacity + 37)
    assert int(status(wide, own)) == 0
    expansions, factors = jg.stack([e, other]), jax.tree.map(lambda *a: jnp.stack(a), own, foreign)
    assert jax.vmap(status)(expansions, factors).tolist() == [0, 0]
    swapped = jax.tree.map(lambda a: a[::-1], factors)
    assert np.all(jax.vmap(status)(expansions, swapped) & int(jg.Status.FOREIGN_FACTOR))


@pytest.mark.long
def test_derivatives_do_not_depend_on_where_the_factor_was_made(small):
    """A factor made outside the differentiated function is a number; the derivative is that of the
    Hessian all the same.
    """
    model, glass, _ = small
    at = lambda exponent: jg.expand(
        model.replace(parameters={"exponent": exponent}), glass, capacity=256
    )
    rows = {
        "log_determinant": lambda e, f: jg.log_determinant(e, factor=f),
        "thermal": lambda e, f: jnp.sum(jg.local_thermal_energy(e, factor=f).value ** 2),
        "kappa": lambda e, f: jnp.sum(jg.dipole_stiffness(e, factor=f)),
    }
    outside = jg.factorise(at(10.0))
    every = lambda exponent, factor: jnp.stack([row(at(exponent), factor) for row in rows.values()])
    given = jax.jit(jax.jacfwd(lambda x: every(x, outside)))(10.0)
    reverse = jax.jit(jax.grad(lambda x: jnp.sum(every(x, outside))))(10.0)
    h = 1e-4
    value = jax.jit(lambda x: every(x, None))
    finite = (8 * (value(10 + h) - value(10 - h)) - value(10 + 2 * h) + value(10 - 2 * h)) / (
        12 * h
    )
    np.testing.assert_allclose(given, finite, rtol=1e-6)
    assert float(reverse) == pytest.approx(float(jnp.sum(given)), rel=1e-9)


def test_sheared_box(ipl):
    """A glass in a strongly sheared cell: the engine agrees with conjugate gradients."""
    start = jg.deformed(ipl.glass, jnp.array([[1.0, 0.45], [0.0, 1.0]]))
    q = jg.require(jg.quench(ipl.model, start))
    e = jg.expand(ipl.model, q.glass)
    assert dissection.tree_of(e).plan.depth >= 3
    direct = jg.require(jg.solve(e, ipl.direction, method="direct"))
    cg = jg.solve(e, ipl.direction, tol=1e-12)
    np.testing.assert_allclose(direct.x, cg.x, atol=1e-8 * float(jnp.abs(cg.x).max()))


def test_every_depth_of_the_tree_gives_the_same_blocks(ipl, monkeypatch):
    e, exact = ipl.expansion, blocks_of(ipl.expansion)
    for leaf in (400, 120, 10):
        monkeypatch.setattr(nested_tree, "LEAF", leaf)
        nested_tree._usual_counts.cache_clear()
        factored = jg.require(jg.factorise(e))
        assert (factored.inside.tree.plan.depth == 0) == (leaf == 400)
        found = inverse_blocks(e, factored)[0]
        np.testing.assert_allclose(found, exact, atol=1e-11 * float(jnp.abs(exact).max()))
    nested_tree._usual_counts.cache_clear()


def test_a_tree_without_room_is_flagged_when_traced_and_made_anew_when_not(ipl, monkeypatch):
    tight = dissection._usual(ipl.expansion)
    tight = tight._replace(own=tuple(a // 2 for a in tight.own))
    monkeypatch.setattr(dissection, "_usual", lambda *_: tight)
    jg.require(jg.factorise(ipl.expansion))
    flagged = jax.jit(lambda e: jg.factorise(e).status)(ipl.expansion)
    assert int(flagged) & jg.Status.SEPARATOR_OVERFLOW


def test_what_does_not_fit_in_memory_takes_another_method(ipl, monkeypatch):
    from jaxglass.landscape import engine

    monkeypatch.setattr(engine, "SHARE", 1e-12)
    e = ipl.expansion
    few = jg.local_thermal_energy(e, probes=4, lowest=4)
    assert float(few.error.max()) > 0  # random probes
    np.testing.assert_allclose(
        jg.shear_modulus(e).total, jg.shear_modulus(e, method="direct").total, rtol=1e-7
    )


def test_what_is_not_a_minimum_is_flagged_without_nan(ipl):
    moved = ipl.glass.replace(position=ipl.glass.position + 4 * ipl.direction)
    s = jg.solve(jg.expand(ipl.model, moved), ipl.direction, method="direct")
    assert int(s.status) & jg.Status.NOT_A_MINIMUM
    assert float(s.residual) == pytest.approx(1.0) and bool(jnp.isfinite(s.x).all())


def test_rattlers_and_disconnected_networks_are_flagged():
    x = np.array([[1.0, 1.0], [2.0, 1.0], [6.0, 6.0], [7.0, 6.0]])
    e = jg.expand(jg.models.get("ipl2d"), jg.glass(x, 12.0))
    for method in ("direct", "cg"):
        assert int(jg.solve(e, jnp.ones((4, 2)).at[0].set(-3.0), method=method).status)


SHAPES = {  # particles, edges: small, as small as the reach allows, elongated, a single column
    "small": (16, (4.32, 4.32)),
    "thirty": (30, (6.0, 5.8)),
    "elongated": (120, (33.0, 4.2)),
    "high": (64, (4.2, 17.7)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_small_and_elongated_boxes(shape):
    """Against the dense pseudo-inverse, in a program of any shape."""
    n, edges = SHAPES[shape]
    x = jax.random.uniform(jax.random.key(2), (n, 2)) * jnp.array(edges)
    model = jg.models.get("ipl2d")
    q = jg.require(jg.quench(model, jg.glass(x, edges, species=np.arange(n) % 2)))
    e = jg.expand(model, q.glass)
    exact = np.linalg.pinv(jg.to_scipy(e).toarray(), rcond=1e-10, hermitian=True)
    g = exact.reshape(n, 2, n, 2)
    i, j = np.asarray(e.bonds.i), np.asarray(e.bonds.j)
    mixed = g[i, :, j]
    expected = g[i, :, i] + g[j, :, j] - mixed - np.swapaxes(mixed, 1, 2)
    expected[~np.asarray(e.bonds.valid)] = 0.0
    np.testing.assert_allclose(blocks_of(e), expected, atol=1e-9 * np.abs(expected).max())
    under_jit = jax.jit(lambda e: inverse_blocks(e, jg.factorise(e))[0])(e)
    np.testing.assert_allclose(under_jit, expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_handful_of_particles_has_floppy_modes(n):
    """A chain of bonds holds no minimum: flagged, without NaN."""
    x = np.stack([np.arange(n) * 1.2, np.zeros(n)], axis=1)
    factor = jg.factorise(jg.expand(jg.models.get("ipl2d"), jg.glass(x, 30.0)))
    assert int(factor.status) & jg.Status.NOT_A_MINIMUM
    assert np.isfinite(nested.solve(factor.inside, jnp.asarray(x))).all()
