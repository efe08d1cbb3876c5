"""The published mixtures and one's own: composition, state points, protocols, and bad input of what
builds them.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.models import shapes

KEY = jax.random.key(0)


@pytest.mark.parametrize("name", jg.models.names())
def test_every_entry_is_whole(name):
    """Its model describes its own particles, and says where its numbers come from."""
    entry = jg.models.entry(name)
    model = jg.models.get(name)
    glass = jg.random_glass(KEY, name, 500)
    assert entry.name == name and len(entry.source) > 20
    assert glass.dim == entry.dim
    assert float(glass.density) == pytest.approx(entry.density, rel=1e-12)
    assert bool(jnp.isfinite(jg.energy(model, glass))) == (name != "hard2d")
    assert entry.anneal < entry.liquid
    # Same mixture, built anew: equal numbers and shared programs.
    assert jax.tree.structure(model) == jax.tree.structure(jg.models.get(entry))


@pytest.mark.parametrize(
    "name", ["ipl2d", "ipl3d", "kalj", "mblj", "sticky", "lj2d", "poly2d", "poly3d"]
)
def test_expected_contacts_are_those_of_a_glass(name):
    """Bond lists sized while tracing hold 1.3 times as many; a start without overlaps has fewer
    than its glass.
    """
    model = jg.models.get(name)
    glass = jg.prepare.push_apart(model, jg.random_glass(KEY, name, 500))
    found = float(jg.expand(model, glass).bonds.count) / 500
    assert 0.7 * model.contacts < found < 1.15 * model.contacts


def test_diameters_follow_the_published_distribution():
    d = np.sort(jg.models.particles(KEY, "poly2d", 4000)["diameter"])
    assert d.mean() == pytest.approx(1.0)
    assert d[0] / d[-1] == pytest.approx(0.449, abs=2e-3)
    share = np.mean(d < d[0] * 1.5)  # of p(d) ~ d^-3 between the ends
    assert share == pytest.approx((1 - 1.5**-2) / (1 - 0.449**2), abs=5e-3)


@pytest.mark.parametrize("exponent", [-1.0, 2.0, 3.5])
def test_power_laws_have_their_exponent(exponent):
    law = jg.models.PowerLaw(0.5, 2.0, exponent=exponent)
    u = np.linspace(0, 1, 10_001)
    d = law(u)
    assert d[[0, -1]] == pytest.approx([0.5, 2.0])
    density = np.diff(u) / np.diff(d)
    slope = np.polyfit(np.log(0.5 * (d[1:] + d[:-1])), np.log(density), 1)[0]
    assert slope == pytest.approx(-exponent, abs=1e-3)


@pytest.mark.parametrize(
    "name,second", [("ipl2d", 0.5), ("kalj", 0.2), ("mblj", 0.2), ("lj2d", 0.4472135955)]
)
def test_composition(name, second):
    share = float(jg.models.particles(KEY, name, 1000)["species"].mean())
    assert share == pytest.approx(second, abs=6e-4)


def test_poly3d_has_the_published_nonadditivity():
    model = jg.models.get("poly3d")
    g = jg.glass(np.zeros((2, 3)) + [[0], [1.0]], 9.0, diameter=[1.0, 2.0])
    from jaxglass.models.pair import mixed

    assert float(mixed(model, g, jnp.array([0]), jnp.array([1])).sigma[0]) == 1.5 * 0.8


def test_diameters_of_species_and_of_polydisperse_glasses():
    x = np.zeros((2, 2)) + [[0], [1.0]]
    species = jg.glass(x, 8.0, species=[1, 0])
    assert jg.models.diameters(jg.models.get("ipl2d"), species).tolist() == [1.4, 1.0]
    sizes = jg.glass(x, 8.0, diameter=[0.7, 1.3])
    assert jg.models.diameters(jg.models.get("poly2d"), sizes).tolist() == [0.7, 1.3]


SIZES = np.array([1.0, 1.2, 1.4])


def ternary(**changes):
    model = jg.models.pair(
        shapes.lennard_jones_shifted_force,
        sigma=0.5 * (SIZES[:, None] + SIZES),
        smoothing=None,
        squared=True,
        cutoff=[[1.5, 2.0, 1.5], [2.0, 1.5, 1.8], [1.5, 1.8, 1.6]],
        name="ternary",
    )
    numbers = {"dim": 2, "density": 0.75, "composition": (0.3, 0.3, 0.4)}
    numbers |= {"liquid": 1.0, "anneal": 0.3, "time": 0.5}
    return jg.models.Entry(**{"name": "ternary", "model": model, **numbers, **changes})


@pytest.mark.long
def test_an_own_mixture_is_prepared_like_a_published_one(tmp_path):
    mine = ternary()
    protocols = [
        jg.protocols.annealed(mine, liquid_time=0.25),
        jg.protocols.cooled(mine, rate=1.8, liquid_time=0.25),
        jg.protocols.instant_quench(mine, time=0.5),
    ]
    assert [p.stages[-1].temperature for p in protocols] == [0.3, 1.0, 1.0]
    for protocol in protocols:
        made = jg.require(jg.make_glass(KEY, mine, 64, protocol=protocol))
        assert np.bincount(np.asarray(made.glass.species)).tolist() == [19, 19, 26]
        assert float(made.glass.density) == pytest.approx(0.75)
    jg.save(tmp_path / "g.h5", made.glass, model=jg.models.get(mine), protocol=protocol, key=KEY)
    read = jg.load(tmp_path / "g.h5")
    assert float(jg.energy(read.model, read.glass)) == float(jg.energy(mine.model, made.glass))


def test_own_continuous_diameters():
    model = jg.models.pair(
        shapes.twelve,
        nonadditivity=0.1,
        cutoff=1.25,
        diameter_bound=1.3,
        smoothing=2,
        squared=True,
    )
    uniform = lambda share: 0.7 + 0.6 * share
    mine = ternary(model=model, composition=uniform)
    d = np.sort(jg.random_glass(KEY, mine, 600).diameter)
    assert np.all(np.abs(d - uniform((np.arange(600) + 0.5) / 600)) < 0.3 / 600)


def test_counts_of_species_are_within_one_of_their_fractions():
    for n in (1, 7, 64, 101):
        counts = np.bincount(jg.models.particles(KEY, ternary(), n)["species"], minlength=3)
        assert counts.sum() == n and np.all(np.abs(counts - n * np.array([0.3, 0.3, 0.4])) < 1)


def shape(x, p):
    return p["a"] * x**-8


BAD = {
    "name of the model must be one of 'ipl2d'": lambda: jg.models.get("no-such-model"),
    "exactly one": lambda: jg.models.pair(shape, {"a": 1.0}, cutoff=2.0),
    "sigma must be symmetric": lambda: jg.models.pair(
        shape, {"a": 1.0}, sigma=[[1.0, 2.0], [3.0, 1.0]], cutoff=2.0
    ),
    "sigma must be positive": lambda: jg.models.pair(shape, {"a": 1.0}, sigma=-1.0, cutoff=2.0),
    "cutoff must be positive": lambda: jg.models.pair(shape, {"a": 1.0}, sigma=1.0, cutoff=0.0),
    "smoothing must be None or an integer": lambda: jg.models.pair(
        shape, {"a": 1.0}, sigma=1.0, cutoff=2.0, smoothing=9
    ),
    "diameter_bound is needed": lambda: jg.models.pair(
        shape, {"a": 1.0}, nonadditivity=0.1, cutoff=2.0
    ),
    "epsilon must have the shape of sigma": lambda: jg.models.pair(
        shape, sigma=np.eye(2) + 1, epsilon=np.ones((3, 3)), cutoff=2.0
    ),
    "not smoothed": lambda: jg.models.smoothing_coefficients(jg.models.get("hertz")),
    "fractions that sum to 1, found .* with sum 0.9": lambda: ternary(composition=(0.3, 0.3, 0.3)),
    "fractions above 0, found -0.5": lambda: ternary(composition=(0.75, -0.5, 0.75)),
    "one fraction for each of the 3 species": lambda: ternary(composition=(0.5, 0.5)),
    "composition must be fractions for the model": lambda: ternary(composition=lambda u: 1 + u),
    "composition must be a function that gives diameters": lambda: ternary(
        model=jg.models.get("poly2d")
    ),
    "density must be a positive number, found -0.7": lambda: ternary(density=-0.7),
    "liquid must be a positive number": lambda: ternary(liquid=0.0),
    "parents must be a positive number": lambda: ternary(parents=(0.5, -1.0)),
    "dim must be one of 2, 3, 4, found 5": lambda: ternary(dim=5),
    "low must be below high": lambda: jg.models.PowerLaw(2.0, 1.0),
    "exponent must not be 1": lambda: jg.models.PowerLaw(1.0, 2.0, exponent=1),
    "diameters of shape \\(8,\\), found \\(\\)": lambda: jg.random_glass(
        KEY, ternary(model=jg.models.get("poly2d"), composition=lambda u: 1.0), 8
    ),
}
WRONG_TYPE = {
    "density must be a number, found '0.7'": lambda: ternary(density="0.7"),
    "step must be a number, found None": lambda: ternary(step=None),
    "name must be a string, found int": lambda: ternary(name=3),
    "model must be a PairModel, found str": lambda: ternary(model="ipl2d"),
    "composition must be the fractions of all species": lambda: ternary(composition=0.5),
    "composition must be a number, found 'a'": lambda: ternary(composition=("a", "b", "c")),
    "name_or_entry must be the name of a published model or a jg.models.Entry, found int": lambda: (
        jg.random_glass(KEY, 7, 10)
    ),
    "found PairModel": lambda: jg.protocols.annealed(ternary().model),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_gets_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        BAD[sentence]()


@pytest.mark.parametrize("sentence", WRONG_TYPE)
def test_wrong_types_get_a_sentence(sentence):
    with pytest.raises(TypeError, match=sentence):
        WRONG_TYPE[sentence]()


def test_equal_user_models_share_compiled_programs():
    a, b = (jg.models.pair(shape, {"a": 1.0}, sigma=1.0, cutoff=2.0) for _ in range(2))
    assert jax.tree.structure(a) == jax.tree.structure(b)
    assert isinstance(a.shape, shapes.OfSquare)
