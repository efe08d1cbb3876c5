"""Quartic, cubic and pseudo-harmonic modes: their equations, the reference, identities of the
literature, derivatives.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

SEARCHES = {
    "quartic": jg.quartic_mode,
    "cubic": jg.cubic_mode,
    "pseudo": jg.pseudo_harmonic_mode,
}
INDEX = {"quartic": 0, "cubic": 1, "pseudo": 2}


@pytest.fixture(scope="module")
def low(ipl):
    harmonic = jg.lowest_modes(ipl.expansion, 3)
    return harmonic, jg.require(jg.quartic_mode(ipl.expansion, harmonic.vector[0]))


@pytest.mark.parametrize("method", ["optax", "mapping"])
def test_modes_reach_the_reference_or_lower(some, method):
    if method == "optax" and some.name != "poly2d_400":
        pytest.skip("one dimension is enough for the slower method")
    start = jnp.asarray(some.ref["lowest_mode"])
    for name, search in SEARCHES.items():
        z0 = jnp.asarray(some.ref["quartic_mode"]) if name == "cubic" else start
        m = jg.require(search(some.expansion, z0, method=method))
        known = float(some.ref[f"{name}_costs"][INDEX[name]])
        assert float(m.cost) < known * (1 + 1e-8)
        assert float(m.residual) < 1e-9
        assert float(jnp.linalg.norm(m.vector)) == pytest.approx(1, abs=1e-12)
        assert float(jnp.abs(m.vector.mean(0)).max()) < 1e-14
        assert float(m.vector.ravel()[jnp.argmax(jnp.abs(m.vector))]) > 0


def test_the_equations_hold_as_the_literature_writes_them(ipl, low):
    e, quartic = ipl.expansion, low[1]
    z = quartic.vector
    balance = jg.hvp(e, z) - quartic.stiffness / quartic.quartic * jg.fourth(e, z)
    assert float(jnp.linalg.norm(balance)) < 1e-8 * float(jnp.linalg.norm(jg.hvp(e, z)))
    cubic = jg.require(jg.cubic_mode(e, z))
    balance = jg.hvp(e, cubic.vector) - cubic.stiffness / cubic.asymmetry * jg.third(
        e, cubic.vector, cubic.vector
    )
    assert float(jnp.linalg.norm(balance)) < 1e-8 * float(jnp.linalg.norm(jg.hvp(e, cubic.vector)))
    assert float(cubic.cost) == pytest.approx(
        float(cubic.stiffness**3 / cubic.asymmetry**2), rel=1e-12
    )
    assert float(quartic.cost) == pytest.approx(
        float(quartic.stiffness**2 / quartic.quartic), rel=1e-12
    )
    assert float(quartic.stiffness) > float(low[0].frequency[0]) ** 2
    assert float(cubic.stiffness) > float(quartic.stiffness)
    assert float(cubic.asymmetry**2) < 3 * float(cubic.stiffness * cubic.quartic)


def test_difference_to_the_harmonic_mode(ipl, low):
    """Equation 17: psi - pi (psi.pi component free) = omega4^2 (M - omega2^2)^-1 (U'''':pi pi pi /
    chi - pi), up to scale along psi.
    """
    e = ipl.expansion
    harmonic, quartic = low
    pi, w4, w2 = quartic.vector, quartic.stiffness, harmonic.frequency[0] ** 2
    psi = harmonic.vector[0]
    # (M - w2) pi = w4 (U'''':ppp/chi) - w2 pi, so the part of pi off psi obeys the equation.
    off = pi - jnp.sum(pi * psi) * psi
    left = jg.hvp(e, off) - w2 * off
    right = w4 * (jg.fourth(e, pi) / quartic.quartic - pi) + (w4 - w2) * pi
    right = right - jnp.sum(right * psi) * psi
    assert float(jnp.linalg.norm(left - right)) < 1e-7 * float(jnp.linalg.norm(left))
    assert float(jnp.linalg.norm(off)) > 1e-3


def test_stiffness_under_shear_follows_asymmetry(ipl, low):
    """d kappa / d gamma = -tau nu / kappa, nu = (d2U/dgamma dx).z: exactly what relaxation adds
    along a cubic mode.
    """
    mode = jg.cubic_mode(ipl.expansion, low[1].vector)

    def stiffness(gamma, relax):
        map = jnp.eye(2).at[0, 1].set(gamma)
        moved = jg.deformed(ipl.glass, map)
        moved = jg.quench(ipl.model, moved, force_tol=1e-11).glass if relax else moved
        return jg.coefficients(jg.expand(ipl.model, moved, capacity=1600), mode.vector).stiffness

    h = 2e-6
    relaxed, affine = (float(stiffness(h, r) - stiffness(-h, r)) / (2 * h) for r in (True, False))
    predicted = -float(
        mode.asymmetry
        * jnp.sum(jg.response.mixed_strain(ipl.expansion, (0, 1)) * mode.vector)
        / mode.stiffness
    )
    assert abs(predicted) > 10
    assert relaxed - affine == pytest.approx(predicted, rel=1e-3)


def test_a_mode_differentiates_through_its_own_equation(ipl, low):
    """Stiffness of a quartic mode in a length of the model, through the quench, against
    differences.
    """

    def stiffness(s):
        model = ipl.model.replace(
            sigma=ipl.model.sigma * (1 + s * jnp.array([[0.0, 1.0], [1.0, 0.0]]))
        )
        e = jg.expand(model, jg.quench(model, ipl.glass).glass, capacity=1600)
        return jg.pseudo_harmonic_mode(e, low[1].vector).stiffness

    value = jax.jit(stiffness)
    finite = (8 * (value(1e-5) - value(-1e-5)) - (value(2e-5) - value(-2e-5))) / 12e-5
    assert float(jax.grad(stiffness)(0.0)) == pytest.approx(float(finite), rel=1e-5)


def test_a_hessian_alone_gives_the_same_pseudo_harmonic_mode(ipl, low):
    import scipy.sparse

    e, start = ipl.expansion, low[0].vector[0]
    exact = jg.pseudo_harmonic_mode(e, start)
    matrix = jg.to_scipy(e)
    assert isinstance(matrix, scipy.sparse.csr_matrix)
    np.testing.assert_allclose(
        matrix @ np.asarray(start).ravel(), np.asarray(jg.hvp(e, start)).ravel(), atol=1e-10
    )
    for given in (matrix, matrix.toarray()):
        found = jg.require(jg.pseudo_harmonic_mode(jg.from_hessian(given, 2), start))
        assert float(found.cost) == pytest.approx(float(exact.cost), rel=1e-9)
        assert abs(float(jnp.sum(found.vector * exact.vector))) == pytest.approx(1, abs=1e-8)


@pytest.mark.long
def test_many_body_energies_have_quartic_modes():
    model = jg.models.get("ipl2d")
    glass = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    bonded = jg.expand(model, glass)
    start = jg.lowest_modes(bonded, 1).vector[0]
    free = jg.expand(lambda x: jg.energy(model, glass.replace(position=x)), glass)
    found = jg.require(jg.quartic_mode(free, start, tol=1e-6))
    assert float(found.cost) == pytest.approx(float(jg.quartic_mode(bonded, start).cost), rel=1e-8)
    with pytest.raises(ValueError, match="needs the bonds"):
        jg.pseudo_harmonic_mode(free, start)


@pytest.mark.long
def test_second_derivatives_of_modes():
    """Of stiffness, quartic coefficient, frequency and of the vectors, in the exponent: forward
    over forward and reverse.
    """
    model = jg.models.get("ipl2d")
    glass = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    starts = jg.modes.dipole_seeds(jg.expand(model, glass), jnp.arange(2))
    field = jax.random.normal(jax.random.key(9), glass.position.shape)

    def measured(exponent):
        e = jg.expand(model.replace(parameters={"exponent": exponent}), glass, capacity=256)
        pseudo = jg.pseudo_harmonic_mode(e, starts, tol=1e-12)
        quartic, low = (
            jg.quartic_mode(e, starts[0], tol=1e-12),
            jg.lowest_modes(e, 3, method="dense"),
        )
        along = lambda z: jnp.sum(z * field) ** 2
        return jnp.stack(
            [
                pseudo.stiffness.sum(),
                along(pseudo.vector),
                quartic.quartic,
                low.frequency.sum(),
                along(low.vector[0]),
            ]
        )

    at, h = float(model.parameters["exponent"]), 1e-4
    slope = jax.jit(jax.jacfwd(measured))
    expected = (slope(at + h) - slope(at - h)) / (2 * h)
    for second in (jax.jacfwd(slope), jax.jacrev(slope)):
        np.testing.assert_allclose(jax.jit(second)(at), expected, rtol=1e-4)


def test_bad_input_is_refused(ipl):
    with pytest.raises(ValueError, match="z0 must have the shape"):
        jg.quartic_mode(ipl.expansion, jnp.zeros((3, 2)))
    with pytest.raises(ValueError, match="method must be one of"):
        jg.cubic_mode(ipl.expansion, jnp.zeros((400, 2)), method="newton")
    zero = jg.quartic_mode(ipl.expansion, jnp.zeros((400, 2)))
    assert int(zero.status) & jg.Status.NOT_FINITE


def test_a_hessian_that_is_not_positive_is_told_from_a_search_that_stopped():
    rng = np.random.default_rng(0)
    springs = np.zeros((20, 20))
    for i, j in {tuple(sorted(rng.choice(20, 2, replace=False))) for _ in range(60)}:
        springs[[i, j], [i, j]] += (stiffness := rng.normal(0.5))
        springs[[i, j], [j, i]] -= stiffness
    assert np.linalg.eigvalsh(springs)[0] < -0.1
    e = jg.from_hessian(np.kron(springs, np.eye(2)), 2)
    found = jg.pseudo_harmonic_mode(e, jax.random.normal(jax.random.key(0), (20, 2)))
    assert int(found.status) & jg.Status.NOT_A_MINIMUM
