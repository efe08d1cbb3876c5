"""Cutoffs, parameters and smoothing that differ from one pair of species to another."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from shared import along

import jaxglass as jg
from jaxglass.models import shapes

SIZE = np.array([0.9, 1.0, 1.2])
SIGMA = 0.5 * (SIZE[:, None] + SIZE)
EPSILON = np.array([[1.0, 1.2, 0.8], [1.2, 0.7, 1.1], [0.8, 1.1, 1.3]])
CUTOFF = np.array([[1.9, 1.7, 1.6], [1.7, 2.0, 1.75], [1.6, 1.75, 1.65]])
REPULSION = np.array([[1.0, 0.9, 1.1], [0.9, 1.2, 1.0], [1.1, 1.0, 0.8]])
ATTRACTION, SMOOTHING = 0.4, 3


def mie(x, p):
    """Each pair has its own repulsion; all share the attraction."""
    return p["repulsion"] * x**-12 - p["attraction"] * x**-6


def made(**changes):
    numbers = {"sigma": SIGMA, "epsilon": EPSILON, "cutoff": CUTOFF, "smoothing": SMOOTHING}
    parameters = {"repulsion": REPULSION, "attraction": ATTRACTION}
    return jg.models.pair(mie, parameters, **{**numbers, **changes})


MIXTURE = jg.models.Entry(
    name="ternary",
    model=made,
    dim=2,
    density=0.9,
    composition=(0.3, 0.3, 0.4),
    liquid=0.5,
    anneal=0.1,
)


@pytest.fixture(scope="module")
def glass():
    start = jg.random_glass(jax.random.key(1), MIXTURE, 64)
    return jg.require(jg.quench(made(), start)).glass


def test_every_pair_has_its_own_energy_and_derivatives(glass):
    """Against the oracle's analytic radial derivatives, one pair of species at a time."""
    e = jg.require(jg.expand(made(), glass))
    valid = np.asarray(e.bonds.valid)
    species = np.asarray(glass.species)
    a, b = species[np.asarray(e.bonds.i)[valid]], species[np.asarray(e.bonds.j)[valid]]
    r = np.linalg.norm(np.asarray(e.separation)[valid], axis=1)
    f0, f1, f2, f3, f4 = np.asarray(e.derivative)[:, valid]
    ours = f0, r * f1, f1 + r**2 * f2, 3 * r * f2 + r**3 * f3, 3 * f2 + 6 * r**2 * f3 + r**4 * f4
    seen = 0
    for p, q in itertools.product(range(3), repeat=2):
        terms = [(REPULSION[p, q], -12), (-ATTRACTION, -6)]
        radial = oracle.smoothed(terms, CUTOFF[p, q], SMOOTHING + 1)
        mine = (a == p) & (b == q)
        assert np.all(r[mine] < CUTOFF[p, q] * SIGMA[p, q])
        seen += mine.sum()
        for order in range(5):
            theirs = radial(r[mine], EPSILON[p, q], SIGMA[p, q], order)
            np.testing.assert_allclose(
                ours[order][mine], theirs, rtol=0, atol=1e-11 * np.abs(theirs).max()
            )
    assert seen == valid.sum()


def test_energy_and_q_derivatives_vanish_at_the_cutoff_of_each_pair():
    a, b = np.triu_indices(3)
    end = CUTOFF[a, b] * SIGMA[a, b]
    for k in range(SMOOTHING + 2):
        scale, at_end = (abs(along(made(), k, share * end, a, b)) for share in (0.7, 1.0))
        assert np.all((at_end < 1e-11 * scale) == (k <= SMOOTHING))


def test_smoothing_coefficients_of_each_pair():
    ours = np.asarray(jg.models.smoothing_coefficients(made()))
    assert ours.shape == (SMOOTHING + 1, 3, 3)
    for a, b in itertools.product(range(3), repeat=2):
        terms = [(REPULSION[a, b], -12), (-ATTRACTION, -6)]
        theirs = oracle.smoothing_terms(terms, CUTOFF[a, b], SMOOTHING + 1)
        np.testing.assert_allclose(ours[:, a, b], [c for c, _ in theirs], rtol=1e-9)


def test_a_table_of_equal_numbers_is_the_number(glass):
    numbers = made(cutoff=1.7).replace(
        parameters={"repulsion": jnp.float64(1.1), "attraction": jnp.float64(ATTRACTION)}
    )
    tables = numbers.replace(
        cutoff=jnp.full((3, 3), 1.7),
        parameters={"repulsion": jnp.full((3, 3), 1.1), "attraction": jnp.full((3, 3), ATTRACTION)},
    )
    one, other = (jg.expand(m, glass, capacity=600) for m in (numbers, tables))
    assert one.bonds.count > 100
    np.testing.assert_allclose(one.derivative, other.derivative, rtol=1e-12, atol=1e-12)


def entries(model):
    """Every number of the model in one array, and the way back."""
    leaves, tree = jax.tree.flatten(model)
    flat = jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]

    def back(flat):
        parts = zip(jnp.split(flat, ends), leaves, strict=True)
        parts = [jnp.reshape(part, leaf.shape) for part, leaf in parts]
        return jax.tree.unflatten(tree, parts)

    return flat, back


def test_gradient_of_the_energy_in_every_number_of_every_leaf(glass):
    """Central differences approach it with the square of the step; each entry of a table on its
    own.
    """
    flat, back = entries(made())
    assert flat.size == 4 * 9 + 1
    away = glass.replace(
        position=glass.position + 0.05 * jax.random.normal(jax.random.key(2), (64, 2))
    )
    energy = jax.jit(lambda flat: jg.energy(back(flat), away))
    slope = np.asarray(jax.grad(energy)(flat))
    assert np.all(slope != 0)
    along = lambda h, v: (energy(flat + h * v) - energy(flat - h * v)) / (2 * h)
    difference = lambda h: np.array([along(h, v) for v in np.eye(flat.size)])
    coarse, fine = difference(2e-4), difference(1e-4)
    size = np.abs(slope).max()
    np.testing.assert_allclose((4 * fine - coarse) / 3, slope, rtol=0, atol=1e-8 * size)
    assert np.all(np.abs(fine - slope) < 0.3 * np.abs(coarse - slope) + 1e-9 * size)


def lowest(model, glass):
    """Sum of the three lowest squared frequencies at the inherent structure, and the statuses on
    the way.
    """
    quenched = jg.quench(model, glass)
    e = jg.expand(model, quenched.glass, capacity=500)
    modes = jg.lowest_modes(e, 3, method="dense")
    return jnp.sum(modes.frequency**2), quenched.status | e.status | modes.status


def test_three_species_through_quench_expand_and_modes_under_jit_and_vmap(glass):
    starts = jg.stack([jg.random_glass(jax.random.key(k), MIXTURE, 64) for k in range(3)])
    model = made()
    together, status = jax.jit(jax.vmap(lowest, (None, 0)))(model, starts)
    assert np.asarray(status).tolist() == [0, 0, 0] and np.all(np.asarray(together) > 0)
    single = jax.jit(lowest)
    for k in range(3):
        alone, _ = single(model, jax.tree.map(lambda a, k=k: a[k], starts))
        assert float(together[k]) == pytest.approx(float(alone), rel=1e-7)


@pytest.mark.long
def test_derivative_through_the_quench_along_a_change_of_all_tables(glass):
    flat, back = entries(made())
    direction = flat * jnp.cos(jnp.arange(flat.size))
    of = jax.jit(lambda s: lowest(back(flat + s * direction), glass)[0])
    _, slope = jax.jvp(of, (0.0,), (1.0,))
    difference = lambda h: float(of(h) - of(-h)) / (2 * h)
    coarse, fine = difference(2e-5), difference(1e-5)
    assert (4 * fine - coarse) / 3 == pytest.approx(float(slope), rel=1e-5)


def test_models_of_equal_shape_share_compiled_programs(glass):
    traces = []

    @jax.jit
    def energy(model):
        traces.append(model)
        return jg.energy(model, glass)

    for factor in (1.0, 0.98, 0.97):
        energy(made().replace(cutoff=factor * jnp.asarray(CUTOFF)))
    assert len(traces) == 1


def test_a_table_outgrowing_the_bound_is_flagged_and_refused(glass):
    grown = made().replace(cutoff=jnp.asarray(CUTOFF).at[1, 1].mul(1.2))
    with pytest.raises(ValueError, match="beyond its bound"):
        jg.energy(grown, glass)
    status = jax.jit(lambda m: jg.expand(m, glass, capacity=600).status)(grown)
    assert int(status) & jg.Status.BEYOND_REACH


def test_only_the_species_present_decide_how_wide_the_box_must_be():
    model = jg.models.pair(
        shapes.lennard_jones, sigma=np.ones((2, 2)), cutoff=[[1.5, 1.5], [1.5, 3.0]], squared=True
    )
    pair = [[0.0, 0.0], [1.1, 0.0]]
    assert jnp.isfinite(jg.energy(model, jg.glass(pair, 4.0, species=[0, 0])))
    with pytest.raises(ValueError, match="two cutoffs wide, 6"):
        jg.energy(model, jg.glass(pair, 4.0, species=[0, 1]))


def test_a_saved_mixture_keeps_its_tables(tmp_path, glass):
    model = jg.models.pair(
        shapes.lennard_jones_shifted_force, sigma=SIGMA, epsilon=EPSILON, cutoff=CUTOFF,
        smoothing=None, squared=True, name="ternary",
    )  # fmt: skip
    jg.save(tmp_path / "glass.h5", glass, model=model)
    read = jg.load(tmp_path / "glass.h5").model
    assert jax.tree.structure(read) == jax.tree.structure(model)
    assert jax.tree.leaves(jax.tree.map(np.array_equal, read, model)) == [True] * 3


def test_particles_at_one_place_have_no_finite_energy(glass):
    coincident = glass.replace(position=glass.position.at[1].set(glass.position[0]))
    assert not np.isfinite(jg.energy(made(), coincident))
    assert not np.all(np.isfinite(jg.force(made(), coincident)))


BAD = {
    "cutoff must be symmetric": lambda: made(cutoff=CUTOFF + np.triu(np.ones((3, 3)), 1)),
    "cutoff must have the shape of sigma, \\(3, 3\\), found \\(2, 2\\)": lambda: made(
        cutoff=np.ones((2, 2))
    ),
    "cutoff must be a number or a square table, found shape \\(3,\\)": lambda: made(
        cutoff=np.ones(3)
    ),
    "cutoff must be positive": lambda: made(cutoff=CUTOFF - 1.6),
    "cutoff must be finite": lambda: made(cutoff=np.where(np.eye(3), np.nan, CUTOFF)),
    "parameters\\['repulsion'\\] must be symmetric": lambda: jg.models.pair(
        mie, {"repulsion": np.arange(9.0).reshape(3, 3)}, sigma=SIGMA, cutoff=2.0
    ),
    "parameters must not contain 'cutoff'": lambda: jg.models.pair(
        mie, {"cutoff": 2.0}, sigma=SIGMA, cutoff=2.0
    ),
    "cutoff must be one number with nonadditivity": lambda: jg.models.pair(
        mie, nonadditivity=0.1, cutoff=CUTOFF, diameter_bound=1.0
    ),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_tables_get_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        BAD[sentence]()
