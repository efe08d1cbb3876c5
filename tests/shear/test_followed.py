"""Modes on their way to an instability, and events traced back to the glass as it was made."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

BEFORE = jnp.array([1e-3, 4e-3, 0.3, 1.0])  # shares of the strain of the event


@pytest.fixture(scope="module")
def event(tiny):
    return jg.require(jg.first_event(*tiny))


@pytest.fixture(scope="module")
def modes(tiny, event):
    return jg.plasticity.follow_modes(tiny[0], event, strains=event.strain * (1 - BEFORE))


def alike(z, w):
    return abs(float(jnp.sum(z * w)))


def test_all_modes_become_that_of_the_event(event, modes):
    np.testing.assert_array_equal(modes.status, 0)
    np.testing.assert_allclose(modes.strain, event.strain * (1 - BEFORE))
    assert float(modes.likeness[0]) > 0.99
    for mode in (modes.pseudo, modes.cubic):
        assert alike(mode.vector[0], event.mode) > 0.99
        assert alike(mode.vector[0], event.mode) > alike(mode.vector[1], event.mode)
        # at a fold the square of the stiffness is in proportion to the distance
        assert float(mode.stiffness[0] / mode.stiffness[1]) == pytest.approx(0.5, rel=0.03)
        assert np.all(np.diff(mode.stiffness) > 0)
    # a wave may be softer than the mode far away, and nothing is softer at its instability
    assert float(modes.harmonic[0]) == pytest.approx(float(modes.pseudo.stiffness[0]), rel=0.02)
    assert float(modes.harmonic[0]) == pytest.approx(float(modes.lowest.frequency[0, 0]) ** 2)


def test_the_slope_is_that_of_the_stiffness_close_to_the_event(modes):
    change = jnp.diff(modes.cubic.stiffness[:2] ** 2) / jnp.diff(modes.strain[:2])
    np.testing.assert_allclose(
        modes.slope, -modes.cubic.asymmetry * modes.coupling / modes.cubic.stiffness
    )
    predicted = jnp.mean(2 * modes.cubic.stiffness[:2] * modes.slope[:2])
    assert float(predicted / change[0]) == pytest.approx(1, rel=0.05)


def test_an_event_traces_back_to_a_mode_of_the_glass_as_it_was_made(tiny, event, modes):
    e = jg.require(jg.expand(*tiny))
    events = jax.tree.map(lambda a: a[None], event)
    found = jg.plasticity.modes_of_events(e, events)
    assert int(found.status[0]) == 0 and found.vector.shape == (1, *tiny[1].position.shape)
    assert float(found.stiffness[0]) == pytest.approx(float(modes.pseudo.stiffness[-1]), rel=1e-6)
    assert alike(found.vector[0], modes.pseudo.vector[-1]) == pytest.approx(1, abs=1e-6)


def test_bad_strains_get_a_sentence(tiny, event):
    for strains, sentence in (
        (0.0, "strains must be one axis"),
        ([2 * event.strain], "strains must lie between 0 and that of the event"),
        ([-0.1 * event.strain], "strains must lie between 0 and that of the event"),
    ):
        with pytest.raises(ValueError, match=sentence):
            jg.plasticity.follow_modes(tiny[0], event, strains=strains)
    with pytest.raises(ValueError, match="count must be"):
        jg.plasticity.follow_modes(tiny[0], event, count=0)


@pytest.mark.long
def test_under_jit_and_vmap(tiny, event, modes):
    follow = lambda v: jg.plasticity.follow_modes(tiny[0], v, strains=v.strain * (1 - BEFORE))
    alone = jax.jit(follow)(event)
    two = jax.jit(jax.vmap(follow))(jax.tree.map(lambda a: jnp.stack([a, a]), event))
    for part in ("pseudo", "cubic"):
        expected = getattr(modes, part).stiffness
        np.testing.assert_allclose(getattr(alone, part).stiffness, expected, rtol=1e-6)
        np.testing.assert_allclose(getattr(two, part).stiffness, [expected] * 2, rtol=1e-6)
