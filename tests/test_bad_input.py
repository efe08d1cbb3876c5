"""Input that makes no sense is refused with a sentence that names the argument."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

KEY = jax.random.key(0)
NONE = lambda x: jnp.sum(x**2)

CALLS = {
    "factor is used by method='direct'": lambda m, e: jg.solve(
        e, e.position, method="cg", factor=jg.factorise(e)
    ),
    "factor must be that of an expansion": lambda m, e: jg.solve(
        e,
        e.position,
        method="direct",
        factor=jg.factorise(jg.expand(m, jg.random_glass(KEY, "ipl2d", 36))),
    ),
    "factor must be a Factor": lambda m, e: jg.modes.dipole_seeds(e, [0], factor=e),
    "factor must be that of an expansion of 64 particles, found one of \\(1, 64\\)": lambda m, e: (
        jg.modes.dipole_seeds(e, [0], factor=jax.tree.map(lambda a: a[None], jg.factorise(e)))
    ),
    "e must be an expansion, from expand or from_hessian, found Glass": lambda m, e: (
        jg.lowest_modes(e.glass, 3)
    ),
    "e must be of a single glass": lambda m, e: jg.solve(jg.stack([e, e]), e.position),
    "soft_spots runs on the host": lambda m, e: jax.vmap(jg.soft_spots)(jg.stack([e, e])),
    "optimiser must be an optax optimiser": lambda m, e: jg.cubic_mode(
        e, e.position, optimiser="adam"
    ),
    "z0 must have the shape": lambda m, e: jg.pseudo_harmonic_mode(e, jnp.zeros((0, 64, 2))),
    "samples must be a list of glasses or expansions": lambda m, e: jg.stack(e.glass),
    "samples must be glasses or expansions, found Quenched": lambda m, e: jg.stack(
        [jg.quench(m, e.glass)]
    ),
    "jg.stack makes them of a list": lambda m, e: jg.map_ensemble(jg.energy, [e.glass, e.glass]),
    "sigma must be positive": lambda m, e: jg.quench(m.replace(sigma=-m.sigma), e.glass),
    "bonds must be indices of valid bonds, integers": lambda m, e: jg.modes.dipole_seeds(
        e, jnp.arange(3.0)
    ),
    "results must hold numbers": lambda m, e: jg.save("never_written.h5", results={"note": "text"}),
    "optimiser is used by": lambda m, e: jg.quartic_mode(
        e, e.position, method="mapping", optimiser="sgd"
    ),
    "capacity is a number of bonds": lambda m, e: jg.expand(NONE, e.glass, capacity=8),
    "value must hold one number per bond": lambda m, e: jg.softness_field(e, jnp.zeros(3)),
    "values must be numbers to have ranks": lambda m, e: jg.analysis.spearman(
        [1.0, np.nan, 3.0], [1.0, 2.0, 3.0]
    ),
    "start must be positive": lambda m, e: jg.analysis.tail_exponent(np.ones(20), 0.0),
    "seeds must be fields of shape": lambda m, e: jg.soft_spots(e, seeds=e.position),
    "bonds must be indices of valid bonds": lambda m, e: jg.modes.dipole_seeds(e, [10**6]),
    "dipole_seeds needs the bonds": lambda m, e: jg.modes.dipole_seeds(
        jg.expand(NONE, e.glass), [0]
    ),
    "direction must be a plane": lambda m, e: jg.response.mixed_strain(e, jnp.zeros(3)),
    "matrix must be symmetric": lambda m, e: jg.from_hessian(np.triu(np.ones((4, 4))), 2),
    "density must be a positive number": lambda m, e: jg.random_glass(
        KEY, "ipl2d", 64, density=-1.0
    ),
    "count must be at most a third": lambda m, e: jg.lowest_modes(e, 60, method="direct"),
    "model must be a PairModel": lambda m, e: jg.quench(NONE, e.glass),
    "use jax.vmap for a stack": lambda m, e: jg.quench(m, jg.stack([e.glass, e.glass])),
    "steps must be an integer": lambda m, e: jg.prepare.run_dynamics(
        m, jg.prepare.start_dynamics(KEY, m, e.glass, temperature=0.1), 2.7, temperature=0.1
    ),
    "time must be a positive number": lambda m, e: jg.protocols.annealed("ipl2d", time=-1.0),
}


@pytest.fixture(scope="module")
def minimum():
    model = jg.models.get("ipl2d")
    return model, jg.expand(model, jg.quench(model, jg.random_glass(KEY, "ipl2d", 64)).glass)


@pytest.mark.parametrize("sentence", CALLS)
def test_it_is_refused_with_a_sentence(sentence, minimum):
    with pytest.raises((ValueError, TypeError), match=sentence):
        CALLS[sentence](*minimum)


def test_a_model_grown_beyond_its_reach_has_no_energy_under_jit(minimum):
    model, e = minimum
    grown = model.replace(sigma=2 * model.sigma)
    assert (
        np.isnan(jax.jit(jg.energy)(grown, e.glass))
        and np.isnan(jax.jit(jg.force)(grown, e.glass)).all()
    )
    assert np.isfinite(jax.jit(jg.energy)(model, e.glass))


def test_starts_in_single_precision_serve(minimum):
    e = minimum[1]
    start = jg.modes.dipole_seeds(e, 3)[0]
    np.testing.assert_allclose(
        jg.pseudo_harmonic_mode(e, start.astype(jnp.float32)).vector,
        jg.pseudo_harmonic_mode(e, start).vector,
        atol=1e-6,
    )


def test_a_search_that_stopped_early_says_so(minimum):
    spots = jg.soft_spots(minimum[1], most=1)
    assert int(spots.status) & jg.Status.NOT_CONVERGED


def test_starts_of_the_user_do_not_enter_the_estimate(minimum):
    e = minimum[1]
    known = jg.require(jg.soft_spots(e))
    again = jg.soft_spots(e, seeds=known.vector)
    assert again.tried == known.tried and again.unseen == known.unseen
    np.testing.assert_allclose(again.stiffness, known.stiffness, rtol=1e-6)


def test_require_takes_a_dict():
    with pytest.raises(RuntimeError, match="1 of 2 samples failed, first sample 1"):
        jg.require({"value": np.zeros(2), "status": np.array([0, 1])})
