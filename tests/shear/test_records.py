"""Sizes of events, dissipation, and events that can be undone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def run(tiny):
    return jg.shear(*tiny, max_strain=(0.15, 0.0), step=0.03)


def test_what_is_dissipated_is_what_falls_take_off(run):
    volume = float(run.glass.box.volume)
    energy = np.asarray(run.events.energy_drop)
    edges = [-0.01, 0.1, 0.12, 0.2]
    found = jg.plasticity.dissipation(run, edges)
    assert float(jnp.sum(found * jnp.diff(jnp.array(edges)))) == pytest.approx(
        energy.sum() / volume, rel=1e-12
    )
    sizes = jg.plasticity.avalanches(run)
    np.testing.assert_array_equal(sizes.energy, energy)
    np.testing.assert_allclose(sizes.stress, volume * run.events.stress_drop)
    assert np.all(np.asarray(energy) > 0)


@pytest.mark.long
def test_padded_runs_dissipate_as_much(tiny, run):
    padded = jax.jit(lambda g: jg.shear(tiny[0], g, max_strain=(0.15, 0.0), step=0.03, events=12))
    edges = [-0.01, 0.1, 0.2]
    np.testing.assert_allclose(
        jg.plasticity.dissipation(padded(tiny[1]), edges), jg.plasticity.dissipation(run, edges)
    )


@pytest.mark.long
def test_an_event_that_can_be_undone_is_found(tiny, run):
    """The whole way once more: back from where it landed, the former branch at that strain."""
    model, _ = tiny
    found = jg.plasticity.reversals(model, run, back=0.1, events=2)
    assert np.all(np.asarray(found.tried) <= 2) and found.strain.shape == run.events.strain.shape
    undone = np.flatnonzero(np.isfinite(found.strain))
    assert len(undone) > 0
    k = undone[0]
    sense = float(run.events.sense[k])
    event = jax.tree.map(lambda a: a[k], run.events)
    assert sense * float(found.strain[k]) < sense * float(event.strain)
    # the former branch is found from the fold itself, pushed uphill just before it
    lift = jg.deformed(event.before, jnp.eye(2).at[0, 1].set(-sense * 1e-5))
    way = jg.plasticity.nonaffine_displacement(event.before, event.after)
    uphill = -1e-2 * jnp.sign(jnp.sum(way * event.mode)) * event.mode
    before = jg.require(jg.quench(model, lift.replace(position=lift.position + uphill))).glass
    back = float(event.strain) - sense * 1e-5 - float(found.strain[k])
    far = jg.shear(model, before, max_strain=-back, step=abs(back))
    away = jg.shear(model, event.after, max_strain=-back - sense * 1e-5, step=abs(back))
    assert int(far.count) == 0
    apart = jg.plasticity.nonaffine_displacement(far.glass, away.glass)
    assert float(jnp.max(jnp.abs(apart))) < 1e-6


def test_bad_input(tiny, run):
    with pytest.raises(TypeError, match="run must be a ShearRun, from jg.shear, found Glass"):
        jg.plasticity.avalanches(tiny[1])
    with pytest.raises(ValueError, match="edges must increase"):
        jg.plasticity.dissipation(run, [0.2, 0.1])
    with pytest.raises(ValueError, match="edges must be two numbers or more"):
        jg.plasticity.dissipation(run, 0.1)
    with pytest.raises(ValueError, match="back must be a positive number"):
        jg.plasticity.reversals(tiny[0], run, back=0.0)
    with pytest.raises(ValueError, match="events must be an integer of at least 1"):
        jg.plasticity.reversals(tiny[0], run, events=0)
