"""Learned softness: structure functions, labels, the plane, and what it says of other glasses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import made
from sklearn.svm import SVC

import jaxglass as jg

learn = jg.indicators.learn_softness


def distances(glass):
    """Of all pairs, (n, n), infinite on the diagonal."""
    x = np.asarray(glass.position)
    r = np.asarray(glass.box.minimum_image(jnp.asarray(x[:, None] - x[None])))
    d = np.sqrt((r * r).sum(axis=-1))
    return d + np.diag(np.full(len(d), np.inf))


@pytest.mark.parametrize("name", ["lj2d_400", "poly2d_400", "kalj_500"])
def test_structure_functions_count_neighbours(name):
    """Against counts over all pairs, in a sheared box."""
    case = made(name)
    shear = jnp.eye(case.glass.dim).at[0, 1].set(0.1)
    glass = jg.deformed(case.glass, shear)
    found = np.asarray(jg.indicators.structure_functions(case.model, glass))
    r, n = distances(glass), glass.count
    if glass.diameter is None:
        kind, sigma = np.asarray(glass.species), np.asarray(case.model.sigma)
        ratio = r / sigma[kind[:, None], kind]
        edges = 0.8 + 0.025 * np.arange(65)
        expected = np.zeros((n, 128))
        for i in range(n):
            for k in range(2):
                expected[i, 64 * k : 64 * k + 64] = np.histogram(ratio[i][kind == k], edges)[0]
        size = sigma[kind, kind]
    else:
        size = np.asarray(glass.diameter)
        apart = np.abs(size[:, None] - size)
        contact = 0.5 * (size[:, None] + size) * (1 - float(case.model.nonadditivity) * apart)
        places = 0.8 + (3.0 - 0.8) / 24 * np.arange(25)
        hat = 1 - np.abs((r / contact)[..., None] - places) / (places[1] - places[0])
        expected = np.maximum(hat, 0).sum(axis=1)
    np.testing.assert_allclose(found[:, :-1], expected, atol=1e-10)
    np.testing.assert_allclose(found[:, -1], size)


def test_extremes_are_above_all_within_two_shells(ipl):
    """Against walks over the edges of the cells."""
    model, glass = ipl.model, ipl.glass
    cells = jg.indicators.voronoi_cells(model, glass)
    edge, other = np.asarray(cells.edge), np.asarray(cells.other)
    near = [set(other[i][edge[i]].tolist()) for i in range(glass.count)]
    values = np.random.default_rng(0).normal(size=glass.count)
    found = np.asarray(jg.indicators.local_extremes(model, glass, values, cells=cells))
    for i in range(glass.count):
        around = list(set().union(near[i], *(near[j] for j in near[i])) - {i})
        above, below = values[i] > values[around].max(), values[i] < values[around].min()
        assert found[i] == int(above) - int(below)
    assert 5 < np.sum(found == 1) < 40 and 5 < np.sum(found == -1) < 40
    even = jg.indicators.local_extremes(model, glass, np.ones(glass.count))
    assert not np.any(even)


def cloud(m, f, seed=0):
    """Points with a plane among them, and some on the wrong side."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(m, f)) * rng.uniform(0.5, 3, f) + rng.normal(size=f)
    side = (x - x.mean(axis=0)) @ rng.normal(size=f) + rng.normal(size=m)
    return x, np.where(side > 0.2, 1, -1)


@pytest.mark.parametrize("penalty", [0.1, 1.0])
@pytest.mark.parametrize("shape", [(60, 3), (800, 26)])
def test_the_plane_is_that_of_a_support_vector_machine(shape, penalty):
    x, y = cloud(*shape)
    found = jg.require(learn(x, y, penalty=penalty))
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    peer = SVC(kernel="linear", C=penalty, tol=1e-8).fit(z, y)
    size = np.linalg.norm(peer.coef_)
    np.testing.assert_allclose(found.weight, peer.coef_[0], atol=2e-3 * size)
    assert float(found.offset) == pytest.approx(peer.intercept_[0], abs=2e-3 * size)
    assert float(found.right) == pytest.approx(peer.score(z, y), abs=1 / len(y))
    distance = peer.decision_function(z) / size
    np.testing.assert_allclose(found.distance(x), distance, atol=5e-3)
    assert float(found.accuracy(x, y)) == float(found.right)
    assert float(found.residual) < 1e-10 and int(found.count) == len(y)


def test_the_plane_minimises_the_cost():
    """Each way off it costs more, also where the classes part cleanly."""
    x, y = cloud(40, 2, seed=3)
    y = np.where(x[:, 0] > np.median(x[:, 0]), 1, -1)
    found = jg.require(learn(x, y))
    z = (x - x.mean(axis=0)) / x.std(axis=0)

    def cost(w, b):
        return 0.5 * w @ w + np.maximum(0, 1 - y * (z @ w + b)).sum()

    w, b = np.asarray(found.weight), float(found.offset)
    least = cost(w, b)
    for way in np.random.default_rng(1).normal(size=(50, 3)):
        assert cost(w + 0.1 * way[:2], b + 0.1 * way[2]) > least


def test_labels_of_no_side_do_not_count():
    x, y = cloud(90, 3)
    y[60:] = 0
    alone = learn(x[:60], y[:60])
    for found in (learn(x, y), jax.jit(learn)(x, y)):
        np.testing.assert_allclose(found.weight, alone.weight, rtol=1e-8)
        assert int(found.count) == 60


def test_learning_under_vmap_and_derivatives():
    """The plane's derivative in the data is that of differences of whole searches."""
    x, y = cloud(120, 3)
    other, _ = cloud(120, 3, seed=5)
    both = jax.vmap(lambda x: learn(x, y).weight)(jnp.stack([x, other]))
    np.testing.assert_allclose(both[1], learn(other, y).weight, rtol=1e-8)
    way = np.random.default_rng(2).normal(size=x.shape)
    probe = jnp.array([0.3, -1.0, 2.0])
    along = lambda t: jnp.sum(learn(x + t * way, y).distance(probe))
    h = 1e-7
    slope = float(along(h) - along(-h)) / (2 * h)
    assert float(jax.grad(along)(0.0)) == pytest.approx(slope, rel=1e-4)


@pytest.fixture(scope="module")
def taught(ipl):
    """Samples of first events in both senses, and the softness learned from them."""
    events = [jg.first_event(ipl.model, ipl.glass, max_strain=0.2 * sense) for sense in (1, -1)]
    pairs = [jg.indicators.event_samples(ipl.model, e.glass, e.mode) for e in events]
    samples = [jnp.concatenate(parts) for parts in zip(*pairs, strict=True)]
    return events, samples, jg.require(learn(*samples))


def test_samples_do_not_see_sign_or_size_of_a_mode(ipl, taught):
    events, _, _ = taught
    first = events[0]
    one = jg.indicators.event_samples(ipl.model, first.glass, first.mode)
    other = jg.indicators.event_samples(ipl.model, first.glass, -3 * first.mode)
    assert np.array_equal(one[1], other[1]) and np.array_equal(one[0], other[0])
    # the particle that moves most is part of a core: no minimum
    assert int(one[1][int(first.particle)]) >= 0


def test_a_softness_is_saved_and_applied_elsewhere(ipl, taught, eight, tmp_path):
    _, (functions, labels), learned = taught
    assert float(learned.right) > 0.8 and set(np.unique(labels)) == {-1, 0, 1}
    jg.save(tmp_path / "softness.h5", results={"softness": learned})
    again = jg.load(tmp_path / "softness.h5").results["softness"]
    foreign = eight[0][3]
    here = jg.indicators.softness(ipl.model, foreign, learned)
    assert np.array_equal(jg.indicators.softness(ipl.model, foreign, again), here)
    assert np.isfinite(here).all() and 0 < float(jnp.mean(here > 0)) < 1
    named = jg.indicators.table(ipl.model, foreign, only=("softness", "size"), learned=learned)
    assert np.array_equal(named["softness"], here)


def test_structure_under_jit_vmap_and_grad(ipl, eight):
    model, glasses = ipl.model, eight[0][:2]
    _, learned = None, learn(*cloud(60, 129))
    values = np.cos(np.arange(400.0))

    def both(glass):
        soft = jg.indicators.softness(model, glass, learned)
        return soft, jg.indicators.local_extremes(model, glass, values)

    together = jax.jit(jax.vmap(both))(jg.stack(glasses))
    for k, glass in enumerate(glasses):
        for a, b in zip(together, both(glass), strict=True):
            np.testing.assert_allclose(a[k], b, atol=1e-9)
    poly = made("poly2d_400")
    plane = learn(*cloud(60, 26))

    def total(t):
        noise = t * jax.random.normal(jax.random.key(0), poly.glass.position.shape)
        moved = poly.glass.replace(position=poly.glass.position + noise)
        return jnp.sum(jg.indicators.softness(poly.model, moved, plane)[:20])

    h = 1e-7
    slope = float(total(h) - total(-h)) / (2 * h)
    assert float(jax.grad(total)(0.0)) == pytest.approx(slope, rel=1e-5)


def test_bad_input_gets_a_sentence(ipl):
    model, glass = ipl.model, ipl.glass
    x, y = cloud(20, 3)
    with pytest.raises(ValueError, match="labels must be 1, -1 or 0, found"):
        learn(x, y * 2)
    with pytest.raises(ValueError, match=r"labels must hold both 1 and -1, found \[1\]"):
        learn(x, np.ones(20, int))
    with pytest.raises(ValueError, match=r"functions must have shape \(m, f\) and labels \(m,\)"):
        learn(x, y[:5])
    with pytest.raises(ValueError, match="functions must be finite"):
        learn(x * np.nan, y)
    with pytest.raises(ValueError, match="penalty must be a positive number"):
        learn(x, y, penalty=-1.0)
    with pytest.raises(ValueError, match="functions must be 3 of each particle"):
        jg.indicators.softness(model, glass, learn(x, y))
    with pytest.raises(ValueError, match=r"values must have shape \(400,\)"):
        jg.indicators.local_extremes(model, glass, np.ones(3))
    with pytest.raises(ValueError, match=r"mode must have shape \(400, 2\)"):
        jg.indicators.event_samples(model, glass, np.ones(3))
    with pytest.raises(ValueError, match="learned must be given for softness"):
        jg.indicators.table(model, glass, only=("softness",))
    narrow = jg.glass([[0.0, 0.0], [1.0, 0.0]], 3.0, species=[0, 0])
    with pytest.raises(ValueError, match="box must be at least .* wide for structure functions"):
        jg.indicators.structure_functions(model, narrow)
