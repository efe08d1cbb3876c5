"""Shear of models of many bodies: events against quenches alone, their derivatives
against finite differences, the same through jit and vmap.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from manybody import at, brute_glass, embedded_atoms, reference, three_bodies

import jaxglass as jg

LONG = pytest.mark.long
BOTH = (
    pytest.param(three_bodies, id="triples"),
    pytest.param(embedded_atoms, id="embedded"),
)
TRIPLES = (BOTH[0], pytest.param(embedded_atoms, id="embedded", marks=LONG))
EMBEDDED = (pytest.param(three_bodies, id="triples", marks=LONG), BOTH[1])


@functools.cache
def minimum(make):
    model = make()
    return model, jg.require(jg.quench(model, brute_glass(60))).glass


@functools.cache
def event(make):
    return jg.require(jg.first_event(*minimum(make), max_strain=0.3))


@pytest.mark.parametrize("make", BOTH)
def test_there_is_a_minimum_before_the_event_and_none_behind(make):
    """By quenches alone: a little before it they stay, a little behind they go far away."""
    model, _ = minimum(make)
    found = event(make)
    assert float(found.max_force) < 1e-10 and abs(float(found.curvature)) < 1e-9

    def way(change):
        step = jnp.array([[1.0, change], [0.0, 1.0]])
        there = jg.deformed(found.glass, step)
        landed = jg.require(jg.quench(model, there)).glass
        moved = there.box.minimum_image(landed.position - there.position)
        return float(jnp.linalg.norm(moved, axis=1).max())

    # the branch comes in along the mode as the root of the distance: some hundredths
    near, nearer, behind = way(-1e-4), way(-2.5e-5), way(1e-4)
    assert nearer < near < 0.1 < behind
    assert near / nearer == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize("make", TRIPLES)
def test_the_strain_of_an_event_differentiates_in_the_model(make):
    model, glass = minimum(make)
    name = next(iter(model.parameters))

    def strain(change):
        own = model.parameters[name] * (1 + change)
        shifted = model.replace(parameters={**model.parameters, name: own})
        return jg.first_event(shifted, jg.quench(shifted, glass).glass, max_strain=0.3).strain

    h = 1e-5
    slope = (strain(h) - strain(-h)) / (2 * h)
    assert float(jax.grad(strain)(0.0)) == pytest.approx(float(slope), rel=1e-5)


@pytest.mark.parametrize("make", EMBEDDED)
def test_a_path_keeps_its_books(make):
    """Stress is the derivative of the energy, and the first event that of first_event."""
    model, glass = minimum(make)
    run = jg.require(jg.shear(model, glass, max_strain=0.3, step=2e-3, events=1))
    assert float(run.events.strain[0]) == pytest.approx(float(event(make).strain), rel=1e-9)
    before = np.asarray(run.strain) < float(run.events.strain[0]) - 5e-3
    strain, stress, energy = (np.asarray(a)[before] for a in (run.strain, run.stress, run.energy))
    slope = np.gradient(energy, strain, edge_order=2) / float(glass.box.volume)
    assert np.abs(slope - stress).max() < 3e-3 * np.abs(stress).max()
    assert float(run.events.energy_drop[0]) > 0


@pytest.mark.long
@pytest.mark.parametrize("make", BOTH)
def test_events_of_samples_are_found_together(make):
    model, glass = minimum(make)
    both = jg.stack([glass, glass.replace(position=glass.position[::-1], species=glass.species)])
    quenched = jax.vmap(lambda g: jg.quench(model, g).glass)(both)
    found = jax.jit(jax.vmap(lambda g: jg.first_event(model, g, max_strain=0.3)))(quenched)
    assert float(found.strain[0]) == pytest.approx(float(event(make).strain), rel=1e-9)


def test_silicon_has_its_first_event():
    r, model = reference("sw"), jg.models.get("sw")
    found = jg.require(jg.first_event(model, at(r, r["position"])))
    assert 0 < float(found.strain) < 0.01
    assert float(found.max_force) < 1e-10 and abs(float(found.curvature)) < 1e-8


def test_a_box_too_narrow_for_shear_is_refused():
    r = reference("cuzr")
    with pytest.raises(ValueError, match="box must be wide enough for two cutoffs at every strain"):
        jg.first_event(jg.models.get("cuzr"), at(r, r["position"]))
