"""Residual plastic strength by the frozen-matrix method."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import DATA, made

import jaxglass as jg


@pytest.mark.parametrize("name", ("poly2d_400", pytest.param("lj2d_400", marks=pytest.mark.long)))
def test_equals_the_reference(name):
    case, ref = made(name), np.load(DATA / f"local_{name}.npz")
    pick = np.array([0, 6])
    found = jg.residual_plastic_strength(
        case.model, case.glass, centres=ref["centre"][:1], angles=ref["angle"][pick]
    )
    np.testing.assert_allclose(found.strain, ref["strain"][:1, pick], atol=1e-9)
    np.testing.assert_allclose(found.rest, ref["rest"][:1, pick], atol=1e-9)
    np.testing.assert_allclose(found.residual, ref["residual"][:1, pick], atol=1e-7)
    yields = np.isfinite(ref["residual"][:1, pick])
    assert np.all(np.asarray(found.status)[yields] == 0)
    assert np.all(np.asarray(found.status)[~yields] == jg.Status.NO_EVENT)


@pytest.fixture(scope="module")
def tiny():
    model = jg.models.get("ipl2d")
    return model, jg.require(
        jg.quench(model, jg.random_glass(jax.random.key(3), "ipl2d", 144))
    ).glass


@pytest.mark.long
def test_projection_and_values_of_particles(tiny):
    """The least load along the plane; a particle has that of its weakest site."""
    model, glass = tiny
    s = jg.residual_plastic_strength(model, glass, radius=3.0, spacing=4.5)
    angle = np.deg2rad(np.arange(0, 180, 10))
    apart = (angle + np.pi / 2) % np.pi - np.pi / 2
    use = np.abs(apart) < np.pi / 4 - 1e-9
    expected = np.nanmin(np.asarray(s.residual)[:, use] / np.cos(2 * apart[use]), axis=1)
    np.testing.assert_allclose(s.projected, expected, rtol=1e-12)
    for i in (0, 70, 143):
        r = glass.box.minimum_image(s.centre - glass.position[i])
        inside = np.linalg.norm(r, axis=1) < 3.0
        value = np.nanmin(expected[inside]) if inside.any() else np.nan
        np.testing.assert_allclose(s.value[i], value)


@pytest.mark.long
def test_jit_equals_the_host(tiny):
    model, glass = tiny
    strength = lambda g: jg.residual_plastic_strength(
        model, g, radius=3.0, centres=jnp.array([[1.0, 2.0]]), angles=jnp.array([0.2])
    )
    alone = strength(glass)
    np.testing.assert_allclose(jax.jit(strength)(glass).residual, alone.residual, rtol=1e-9)


@pytest.mark.long
def test_three_dimensions():
    """Five independent shears in both senses, all of one size and traceless."""
    case = made("ipl3d_512")
    s = jg.residual_plastic_strength(case.model, case.glass, radius=2.0, centres=[[0.0, 0.0, 0.0]])
    assert s.residual.shape == (1, 10)
    np.testing.assert_allclose(jnp.trace(s.direction, axis1=1, axis2=2), 0, atol=1e-15)
    np.testing.assert_allclose(jnp.sum(s.direction**2, axis=(1, 2)), 0.5)
    assert np.linalg.matrix_rank(np.asarray(s.direction).reshape(10, 9)) == 5
    assert np.sum(np.asarray(s.status) == 0) >= 8
    assert np.nanmin(s.residual) > 0


def test_bad_input(tiny):
    model, glass = tiny
    with pytest.raises(ValueError, match="radius must be at most half the box"):
        jg.residual_plastic_strength(model, glass, radius=50.0)
    with pytest.raises(ValueError, match="radius must be a positive number"):
        jg.residual_plastic_strength(model, glass, radius=0.0)
    with pytest.raises(ValueError, match="centres must be"):
        jg.residual_plastic_strength(model, glass, radius=3.0, centres=[[0.0]])
    with pytest.raises(ValueError, match="angles must be one axis"):
        jg.residual_plastic_strength(model, glass, radius=3.0, angles=[[0.0]])


@pytest.mark.long
def test_a_branch_goes_on_where_a_pair_comes_into_range():
    """Third derivatives of poly2d jump at the cutoff. Where a pair comes into range, at a strain of
    0.096667, the lowest eigenvalue of this ball falls to 0.057 and rises at once: a kink, no end.
    Newton's method with the dense Hessian goes through in small steps, with all moves small.
    """
    case, ref = made("poly2d_400"), np.load(DATA / "local_poly2d_400.npz")
    model, glass = case.model, case.glass
    centre, angle = ref["centre"][0], ref["angle"][5]
    found = jg.residual_plastic_strength(model, glass, centres=[centre], angles=[angle])
    r = glass.box.minimum_image(glass.position - centre)
    free = np.flatnonzero(np.linalg.norm(r, axis=1) < 5.0)
    s, c = np.sin(2 * angle), np.cos(2 * angle)
    e = 0.5 * jnp.array([[-s, c], [c, s]])

    def energy(u, strain):
        moved = jg.deformed(glass, jnp.eye(2) + strain * e, room=0.2)
        place = moved.position.at[free].add(u.reshape(-1, 2))
        return jg.energy(model, moved.replace(position=place))

    @jax.jit
    def newton(u, strain):
        hessian = jax.hessian(energy)(u, strain)
        move = jnp.linalg.solve(hessian, jax.grad(energy)(u, strain))
        return u - move, jnp.max(jnp.abs(move)), jnp.linalg.eigvalsh(hessian)[0]

    u, lowest, ways = jnp.zeros(2 * len(free)), [], []
    strains = np.r_[np.arange(1, 48) * 2e-3, np.arange(0.0945, 0.09661, 1e-4)]
    strains = np.r_[strains, np.arange(0.09661, 0.09672, 2e-6), np.arange(0.09672, 0.099, 2e-5)]
    for strain in strains:
        last = u
        for _ in range(12):
            u, move, value = newton(u, strain)
            if move < 1e-10:
                break
        assert move < 1e-9
        lowest.append(float(value))
        ways.append(float(jnp.max(jnp.abs(u - last))))
    near = strains > 0.09662
    assert np.min(np.array(lowest)[near]) == pytest.approx(0.057, abs=1e-3)
    assert np.max(np.array(ways)[near]) < 2e-3
    assert lowest[-1] > 0.5 and float(found.strain[0, 0]) == pytest.approx(0.105007, abs=1e-5)
    assert int(found.status[0, 0]) == 0
