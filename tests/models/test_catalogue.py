"""Published constants, smoothness at the cutoff, mixing, and bad input of the model builders."""

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

import jaxglass as jg
from jaxglass.models import shapes
from jaxglass.models.pair import energy_of

PUBLISHED = {
    "kalj": [0.322042855424, -0.11564551766016, 0.014774794872422, -0.0006556954772111],
    "poly2d": [-1.924145348608, 2.111062325330, -0.591097451092],
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_smoothing_coefficients_to_all_printed_digits(name):
    ours = np.asarray(jg.models.smoothing_coefficients(jg.models.get(name)))
    # The published kalj row is in units of epsilon, the Lennard-Jones factor 4 included.
    digits = {"kalj": [12, 14, 15, 16], "poly2d": [12, 12, 12]}[name]
    for value, printed, places in zip(ours, PUBLISHED[name], digits, strict=True):
        assert abs(value - printed) <= 0.51 * 10.0**-places


@pytest.mark.parametrize("n,xc,q", [(10, 1.48, 3), (12, 1.25, 2), (10, 1.4, 3), (6, 2.0, 4)])
def test_inverse_power_coefficients_match_the_closed_form(n, xc, q):
    def double(k):
        return float(np.prod(np.arange(k, 0, -2))) if k > 0 else 1.0

    closed = [
        (-1) ** (l + 1)
        / (double(2 * q - 2 * l) * double(2 * l))
        * double(n + 2 * q)
        / (double(n - 2) * (n + 2 * l))
        * xc ** -(n + 2.0 * l)
        for l in range(q + 1)
    ]
    model = jg.models.inverse_power(exponent=float(n), cutoff=xc, smoothing=q)
    np.testing.assert_allclose(jg.models.smoothing_coefficients(model), closed, rtol=1e-12)


@pytest.mark.parametrize("name", ["ipl2d", "ipl3d", "ipl4d", "kalj", "poly2d", "poly3d"])
def test_energy_and_q_derivatives_vanish_at_the_cutoff(name):
    model = jg.models.get(name)
    s = 0.5 * model.cutoff**2
    scale = [float(abs(energy_of(model, k)(0.7 * s, 1.0, 1.0))) for k in range(6)]
    at_end = [float(abs(energy_of(model, k)(s, 1.0, 1.0))) for k in range(model.smoothing + 2)]
    assert all(value < 1e-12 * scale[k] for k, value in enumerate(at_end[:-1]))
    assert at_end[-1] > 1e-6 * scale[model.smoothing + 1]


def test_lj2d_tail_is_twice_continuously_differentiable():
    model = jg.models.get("lj2d")
    for k in range(3):
        f = lambda x, k=k: float(energy_of(model, k)(0.5 * x * x, 1.0, 1.0))
        assert f(2 - 1e-9) == pytest.approx(f(2 + 1e-9), abs=1e-6)
        assert f(2.5) == pytest.approx(0.0, abs=1e-13)
    assert float(energy_of(model)(0.5, 1.0, 1.0)) == pytest.approx(
        oracle.lj2d().radial(np.array([1.0]), 1.0, 1.0)[0]
    )


def test_hertz_is_jax_mds_soft_sphere():
    from jax_md import energy

    r = jnp.array([0.8, 0.95])
    hertz = jax.vmap(lambda r: energy_of(jg.models.get("hertz"))(0.5 * r * r, 1.0, 1.0))(r)
    theirs = (
        energy.soft_sphere(
            r, sigma=jnp.float64(1.0), epsilon=jnp.float64(1.0), alpha=jnp.float64(2.5)
        )
        * 2.5
    )
    np.testing.assert_allclose(hertz, theirs, rtol=1e-12)


def test_diameters_follow_the_published_distribution():
    d = np.sort(jg.models.particles(jax.random.key(0), "poly2d", 4000)["diameter"])
    assert d.mean() == pytest.approx(1.0)
    assert d[0] / d[-1] == pytest.approx(0.449, abs=2e-3)
    share = np.mean(d < d[0] * 1.5)  # of p(d) ~ d^-3 between the ends
    assert share == pytest.approx((1 - 1.5**-2) / (1 - 0.449**2), abs=5e-3)


@pytest.mark.parametrize("name,second", [("ipl2d", 0.5), ("kalj", 0.2), ("lj2d", 0.4472135955)])
def test_composition(name, second):
    assert float(
        jg.models.particles(jax.random.key(0), name, 1000)["species"].mean()
    ) == pytest.approx(second, abs=6e-4)


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
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_input_gets_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        BAD[sentence]()


def test_equal_user_models_share_compiled_programs():
    a, b = (jg.models.pair(shape, {"a": 1.0}, sigma=1.0, cutoff=2.0) for _ in range(2))
    assert jax.tree.structure(a) == jax.tree.structure(b)
    assert isinstance(a.shape, shapes.OfSquare)
