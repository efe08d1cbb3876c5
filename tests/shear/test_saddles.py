"""Saddles: stationary, of index one, linked to their minimum; barriers and their derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def small(ipl):
    """Model, glass, expansion."""
    return ipl.model, ipl.glass, ipl.expansion


@pytest.fixture(scope="module")
def found(small):
    """Saddles from the cubic modes of some soft bonds."""
    model, glass, e = small
    softest = jnp.argsort(jnp.where(e.bonds.valid, jg.dipole_stiffness(e), jnp.inf))[:96:24]
    modes = jg.cubic_mode(e, jg.modes.dipole_seeds(e, softest))
    starts = jg.plasticity.barrier_starts(glass, modes)
    return starts, jg.saddles(model, glass, starts)


def test_saddles_are_stationary_and_of_index_one(small, found):
    model, glass, _ = small
    _, saddles = found
    good = np.flatnonzero(np.asarray(saddles.status) == 0)
    assert len(good) >= 4
    for k in good:
        e = jg.expand(model, glass.replace(position=saddles.position[k]))
        assert float(jnp.abs(e.gradient()).max()) < 1e-9
        values = np.linalg.eigvalsh(jg.to_scipy(e).toarray())
        assert values[0] == pytest.approx(float(saddles.curvature[k]), rel=1e-5)
        assert values[0] < 0 and values[1] > -1e-9
        rise = float(jg.energy(model, e.glass) - jg.energy(model, glass))
        assert float(saddles.barrier[k]) == pytest.approx(rise, rel=1e-9)


def test_linked_saddles_lead_back_and_on(small, found):
    model, glass, _ = small
    _, saddles = found
    linked = np.flatnonzero(saddles.linked)
    assert len(linked) >= 1
    for k in linked:
        assert float(saddles.barrier[k]) > 0
        here = glass.replace(position=saddles.position[k])
        back = here.position - 0.05 * saddles.mode[k]
        landed = jg.require(jg.quench(model, here.replace(position=back))).glass
        assert float(jg.energy(model, landed)) == pytest.approx(
            float(jg.energy(model, glass)), rel=1e-10
        )
        other = glass.replace(position=saddles.other[k])
        assert float(jnp.abs(jg.force(model, other)).max()) < 1e-9


def test_labels_are_of_distinct_saddles(found):
    _, saddles = found
    label, barrier = np.asarray(saddles.label), np.asarray(saddles.barrier)
    for k in np.flatnonzero(label >= 0):
        assert label[label[k]] == label[k] <= k
        assert barrier[k] == pytest.approx(barrier[label[k]], rel=1e-6)
    every = {round(float(b), 6) for b in barrier[label >= 0]}
    assert len(every) == len(set(label[label >= 0]))


def test_barriers_differentiate_in_the_model(small, found):
    """Against differences of whole searches from the same starts."""
    model, glass, _ = small
    starts, saddles = found
    k = int(np.flatnonzero(saddles.linked)[0])

    def barrier(change):
        own = jax.tree.map(lambda a: a * (1 + change), model.parameters)
        shifted = model.replace(parameters=own)
        there = jg.quench(shifted, glass).glass
        return jg.saddles(shifted, there, starts[k : k + 1]).barrier[0]

    h = 1e-5
    slope = float(barrier(h) - barrier(-h)) / (2 * h)
    assert float(jax.grad(barrier)(0.0)) == pytest.approx(slope, rel=1e-4)


def test_searches_under_jit_and_vmap(small, found):
    model, glass, _ = small
    starts, saddles = found
    both = jg.stack([glass, glass])
    again = jax.jit(jax.vmap(lambda g: jg.saddles(model, g, starts[:2])))(both)
    np.testing.assert_allclose(again.barrier[1], saddles.barrier[:2], rtol=1e-6)


@pytest.mark.long
def test_strains_that_open_barriers(small, found):
    """The barrier at a strain falls as the stresses of saddle and minimum say."""
    model, glass, _ = small
    starts, saddles = found
    strain = np.asarray(jg.plasticity.trigger_strain(saddles, glass))
    k = int(np.flatnonzero(saddles.linked)[0])
    h = 1e-5

    def at(s):
        sheared = jg.deformed(glass, jnp.array([[1.0, s], [0.0, 1.0]]))
        minimum = jg.quench(model, sheared).glass
        return float(jg.saddles(model, minimum, starts[k : k + 1]).barrier[0])

    slope = (at(h) - at(-h)) / (2 * h)
    expected = 1.5 * float(saddles.barrier[k]) / -slope if slope < 0 else np.inf
    assert strain[k] == pytest.approx(expected, rel=1e-3)


def test_particles_know_the_barrier_that_opens_first(small, found):
    """The least strain of the linked saddles whose mover is near."""
    model, glass, _ = small
    _, saddles = found
    values = jg.indicators.saddle_strain(model, glass, found=saddles)
    strain = np.asarray(jg.plasticity.trigger_strain(saddles, glass))
    least = np.full(glass.count, np.inf)
    for k in np.flatnonzero(saddles.linked):
        r = glass.box.minimum_image(glass.position - glass.position[saddles.particle[k]])
        near = np.linalg.norm(r, axis=1) <= 2 * float(glass.spacing)
        least = np.where(near, np.minimum(least, strain[k]), least)
    np.testing.assert_allclose(values, least)
    of = lambda s: jg.indicators.saddle_strain(model, glass, found=s, plane=(1, 0))
    np.testing.assert_allclose(jax.jit(of)(saddles), of(saddles))
    with pytest.raises(ValueError, match="found must be given under tracing"):
        jax.jit(lambda g: jg.indicators.saddle_strain(model, g))(glass)


@pytest.mark.long
def test_the_table_looks_for_saddles_where_they_are_named(small):
    model, glass, _ = small
    values = jg.indicators.table(model, glass, only=("saddle_strain",))["saddle_strain"]
    assert 0 < np.isfinite(values).sum() < glass.count
    assert float(values.min()) > 0


def test_random_pushes_move_a_neighbourhood(small):
    _, glass, _ = small
    starts = jg.plasticity.random_starts(jax.random.key(0), glass, 5)
    length = jnp.linalg.norm(starts, axis=2)
    np.testing.assert_allclose(length.max(axis=1), 0.1 * float(glass.spacing))
    assert np.all(np.asarray((length > 0).sum(axis=1)) < 20)


def test_random_pushes_lead_to_barriers_of_this_minimum(small, found):
    """Most of them; steps that leave the basin would find saddles between other minima."""
    model, glass, _ = small
    count = len(found[0])
    starts = jg.plasticity.random_starts(jax.random.key(1), glass, count)
    saddles = jg.saddles(model, glass, starts)
    assert np.mean(saddles.linked) > 0.6
    assert np.mean(np.asarray(saddles.status) == 0) > 0.8


def test_bad_input_gets_a_sentence(small):
    model, glass, _ = small
    with pytest.raises(ValueError, match=r"starts must have shape \(k, 400, 2\)"):
        jg.saddles(model, glass, jnp.zeros((3, 2)))
    with pytest.raises(ValueError, match="max_steps must be an integer"):
        jg.saddles(model, glass, jnp.zeros((1, 400, 2)), max_steps=0)
