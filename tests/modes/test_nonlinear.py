"""Quartic, cubic and pseudo-harmonic modes: their equations, the reference, identities of the literature, the catalogue."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.modes import costs

SEARCHES = {"quartic": jg.quartic_mode, "cubic": jg.cubic_mode, "pseudo": jg.pseudo_harmonic_mode}
INDEX = {"quartic": 0, "cubic": 1, "pseudo": 2}


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


@pytest.fixture(scope="module")
def low(ipl):
    harmonic = jg.lowest_modes(ipl.expansion, 3)
    return harmonic, jg.require(jg.quartic_mode(ipl.expansion, harmonic.vector[0]))


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
    """Equation 17: psi - pi (psi.pi component free) = omega4^2 (M - omega2^2)^-1 (U'''':pi pi pi / chi - pi), up to scale along psi."""
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


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_slope_is_the_gradient_of_the_logarithm_of_the_cost(ipl, name):
    kind, e = costs.KINDS[name], ipl.expansion
    z, w = jax.random.normal(jax.random.key(0), (2, *e.position.shape))

    def log_cost(t):
        a, s, _ = costs.slope(kind, e, z + t * w)
        return jnp.log(costs.cost(kind, a, s))

    slope = 2 * kind.p * float(jnp.sum(costs.slope(kind, e, z)[2] * w))
    difference = lambda h: float(log_cost(h) - log_cost(-h)) / (2 * h)
    assert abs(np.log2(abs(difference(2e-2) - slope) / abs(difference(1e-2) - slope)) - 2) < 0.1
    a = e.gradient()  # along() of one column against the forms themselves
    polynomial = costs.along(kind, e, z[:, :, None], w[:, :, None])
    for t in (0.0, 0.7, -1.3):
        direct = costs.slope(kind, e, z + t * w)[1]
        assert float(sum(c[0] * t**k for k, c in enumerate(polynomial))) == pytest.approx(
            float(direct), rel=1e-10
        )
    assert a.shape == z.shape


def test_a_batch_equals_single_searches(ipl):
    e = ipl.expansion
    starts = jg.dipole_seeds(e, jnp.array([0, 100, 200]))
    together = jg.require(jg.quartic_mode(e, starts))
    for k in range(3):
        alone = jg.quartic_mode(e, starts[k])
        np.testing.assert_allclose(together.vector[k], alone.vector, atol=1e-7)
        assert float(jg.quartic_mode(e, starts[k], method="optax").residual) < 1e-9


def test_a_wide_batch_that_narrows_equals_single_searches(ipl):
    """Also where some starts run out of steps, and with a factor made before."""
    e = ipl.expansion
    starts = jg.dipole_seeds(e, jnp.arange(0, 1200, 30), factor=jg.factorise(e))
    for max_steps in (None, 12):
        one = lambda z, m=max_steps: jg.pseudo_harmonic_mode(e, z, max_steps=m)
        together = jg.pseudo_harmonic_mode(e, starts, max_steps=max_steps, factor=jg.factorise(e))
        alone = jax.lax.map(one, starts)
        np.testing.assert_array_equal(together.status, alone.status)
        np.testing.assert_array_equal(together.steps, alone.steps)
        np.testing.assert_allclose(together.vector, alone.vector, atol=1e-7)
    assert 0 < int(jnp.sum(together.status != 0)) < starts.shape[0]


def test_stiffness_under_shear_follows_asymmetry(ipl, low):
    """d kappa / d gamma = -tau nu / kappa, nu = (d2U/dgamma dx).z: exactly what relaxation adds along a cubic mode."""
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
        * jnp.sum(jg.mixed_strain(ipl.expansion, (0, 1)) * mode.vector)
        / mode.stiffness
    )
    assert abs(predicted) > 10
    assert relaxed - affine == pytest.approx(predicted, rel=1e-3)


def test_a_mode_differentiates_through_its_own_equation(ipl, low):
    """Stiffness of a quartic mode in a length of the model, through the quench, against differences."""

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
    with pytest.raises(ValueError, match="matrix must be square with a multiple of dim = 3"):
        jg.from_hessian(matrix, 3)


def test_many_body_energies_have_quartic_modes():
    model = jg.models.get("ipl2d")
    glass = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    bonded = jg.expand(model, glass)
    start = jg.lowest_modes(bonded, 1).vector[0]
    free = jg.expand(lambda x: jg.energy(model, glass.replace(position=x)), glass)
    found = jg.require(jg.quartic_mode(free, start, tol=1e-6))
    assert float(found.cost) == pytest.approx(float(jg.quartic_mode(bonded, start).cost), rel=1e-8)
    with pytest.raises(ValueError, match="needs bonds"):
        jg.pseudo_harmonic_mode(free, start)


def test_seeds(ipl, low):
    e = ipl.expansion
    response = jg.dipole_seeds(e, jnp.array([7]))[0]
    d = jg.hvp(e, response)
    touched = np.flatnonzero(np.abs(np.asarray(d)).max(1) > 1e-8 * float(jnp.abs(d).max()))
    assert sorted(touched) == sorted([int(e.bonds.i[7]), int(e.bonds.j[7])])
    shear = jg.nonaffine_seeds(e)
    exact = jg.elasticity(e).nonaffine
    simple = exact[0, 1] + exact[1, 0]
    overlap = jnp.abs(jnp.einsum("knd,nd->k", shear, simple / jnp.linalg.norm(simple)))
    assert float(overlap.max()) == pytest.approx(1, abs=1e-9)
    rest = jg.core_difference(low[0].vector[0], low[1].vector)
    assert abs(float(jnp.sum(rest * low[1].vector))) < 1e-12


def test_two_distant_soft_spots_hybridise_and_part_again(ipl, low):
    """A sum of two modes of distant cores: the search lands on one, and what is left of the sum leads to the other."""
    e = ipl.expansion
    spots = jg.soft_spots(e, max_starts=256, rarest=0.02)
    a, b = spots.vector[0], spots.vector[1]
    mixed = (a + 0.9 * b) / jnp.linalg.norm(a + 0.9 * b)
    first = jg.pseudo_harmonic_mode(e, mixed)
    second = jg.pseudo_harmonic_mode(e, jg.core_difference(mixed, first.vector))
    found = np.abs(
        np.einsum("knd,lnd->kl", np.stack([first.vector, second.vector]), np.stack([a, b]))
    )
    assert found.max(0).min() > 0.999


def test_second_derivatives_of_modes():
    """Of stiffness, quartic coefficient, frequency and of the vectors, in the exponent: forward over forward and reverse."""
    model = jg.models.get("ipl2d")
    glass = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    starts = jg.dipole_seeds(jg.expand(model, glass), jnp.arange(2))
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


def test_the_catalogue_of_a_saddle_or_of_nothing_soft(ipl):
    moved = ipl.glass.replace(position=ipl.glass.position + 4.0 * ipl.direction)
    saddle = jg.soft_spots(jg.expand(ipl.model, moved))
    assert int(saddle.status) == jg.Status.NOT_A_MINIMUM and saddle.starts == 0
    none = jg.require(jg.soft_spots(ipl.expansion, stiffest=1e-9))
    assert none.vector.shape[0] == 0 and none.starts > 0


def test_the_catalogue(ipl):
    e = ipl.expansion
    spots = jg.require(jg.soft_spots(e))
    assert len(spots.stiffness) >= 5 and int(spots.failed) == 0
    assert int(np.sum(spots.hits)) == int(spots.starts)
    overlap = np.abs(np.einsum("and,bnd->ab", spots.vector, spots.vector)) - np.eye(
        len(spots.stiffness)
    )
    assert overlap.max() < 0.99
    # Other starts find nothing new, and an entry is where the search from its own vector ends.
    label, hits = jg.merge_modes(
        jg.pseudo_harmonic_mode(e, jg.random_seeds(jax.random.key(8), e, 64))
    )
    other = jg.pseudo_harmonic_mode(e, jg.random_seeds(jax.random.key(8), e, 64)).vector[
        np.unique(label)
    ]
    assert np.abs(np.einsum("and,bnd->ab", other, spots.vector)).max(1).min() > 0.99
    assert int(hits.sum()) == 64
    soft = jg.soft_spots(e, stiffest=float(spots.stiffness[1]) * 1.01)
    assert len(soft.stiffness) == 2
    few = jg.soft_spots(e, max_starts=3, batch=3)
    assert int(few.starts) == 3


def test_core_position_knows_the_boundary(ipl, low):
    z = low[1].vector
    shifted = ipl.glass.replace(position=(ipl.glass.position + 0.5 * ipl.length) % ipl.length)
    moved = jg.core_position(shifted, z) - jg.core_position(ipl.glass, z)
    np.testing.assert_allclose(np.asarray(moved) % ipl.length, 0.5 * ipl.length, atol=1e-9)


def test_bad_input_is_refused(ipl):
    with pytest.raises(ValueError, match="z0 must have the shape"):
        jg.quartic_mode(ipl.expansion, jnp.zeros((3, 2)))
    with pytest.raises(ValueError, match="method must be one of"):
        jg.cubic_mode(ipl.expansion, jnp.zeros((400, 2)), method="newton")
    with pytest.raises(ValueError, match="kind must be one of"):
        jg.soft_spots(ipl.expansion, kind="soft")
    zero = jg.quartic_mode(ipl.expansion, jnp.zeros((400, 2)))
    assert int(zero.status) & jg.Status.NOT_FINITE
