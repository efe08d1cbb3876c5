"""First events of contacts, bracketed by bisection."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import DATA

import jaxglass as jg


@pytest.fixture(scope="module", params=("harmonic", "hertz"))
def packing(request):
    """A dense packing of contacts, and its model; kept in a file, since of a random start rounding
    decides which minimum is found.
    """
    model = jg.models.get(request.param)
    start = jg.random_glass(jax.random.key(5), request.param, 64)
    start = start.replace(position=jnp.asarray(np.load(DATA / "packings_64.npz")[request.param]))
    return model, jg.require(jg.quench(model, start), accept=jg.Status.RATTLERS).glass


def moved(model, glass, strain):
    """The quenched glass at a strain, by small steps from none."""
    step = jnp.eye(2).at[0, 1].set(strain / 40)
    q = jg.quench(model, jg.deformed(glass, jnp.eye(2)), keep_list=True)
    for _ in range(40):
        q = jg.quench(model, jg.deformed(q.glass, step), after=q)
    return q.glass


def test_before_it_the_way_back_is_the_way_there_and_behind_it_is_not(packing):
    model, glass = packing
    event = jg.first_event(model, glass, max_strain=0.3)
    assert int(event.status) == jg.Status.KINK and 0 < float(event.strain) < 0.3
    assert float(event.max_force) < 1e-9
    assert int(event.particle) == int(jnp.argmax(jnp.linalg.norm(event.mode, axis=1)))
    assert float(jnp.linalg.norm(event.mode)) == pytest.approx(1)
    for share, returns in ((1 - 1e-6, True), (1 + 1e-6, False)):
        there = jg.deformed(event.glass, jnp.eye(2).at[0, 1].set((share - 1) * event.strain))
        there = jg.quench(model, there).glass
        back = jg.quench(
            model, jg.deformed(there, jnp.eye(2).at[0, 1].set((1 - share) * event.strain - 1e-7))
        ).glass
        before = jg.quench(model, jg.deformed(event.glass, jnp.eye(2).at[0, 1].set(-1e-7))).glass
        off = jnp.max(jnp.abs(jg.plasticity.nonaffine_displacement(before, back)))
        assert bool(off < 1e-5) == returns


@pytest.mark.long
def test_jit_and_vmap_and_no_derivative(packing):
    model, glass = packing
    strain = lambda g: jg.first_event(model, g, max_strain=0.3).strain
    alone = float(strain(glass))
    both = jax.jit(jax.vmap(strain))(jg.stack([glass, glass]))
    np.testing.assert_allclose(both, alone, atol=1e-8)
    scaled = lambda s: strain(glass.replace(box=glass.box.replace(cell=s * glass.box.cell)))
    assert np.isnan(jax.grad(scaled)(1.0))


def test_none_below_the_limit(packing):
    event = jg.first_event(*packing, max_strain=1e-6)
    assert int(event.status) == jg.Status.NO_EVENT and np.isnan(event.strain)


def test_a_path_goes_through_its_events(packing):
    """The first is that of first_event; records are minima, and every event takes energy off."""
    model, glass = packing
    first = jg.first_event(model, glass, max_strain=0.3)
    run = jg.shear(model, glass, max_strain=0.05, step=5e-3)
    assert int(run.status) == jg.Status.KINK and int(run.count) == len(run.events.strain) >= 2
    assert float(run.strain[-1]) == 0.05
    np.testing.assert_allclose(run.events.strain[0], first.strain, atol=2e-9)
    assert np.all(run.events.energy_drop > 0) and np.all(np.diff(run.events.strain) > 0)
    for glass_at in (run.glass, *(jax.tree.map(lambda a: a[0], g) for g in landings(run))):
        assert float(jnp.max(jnp.abs(jg.force(model, glass_at)))) < 1e-9
    between_events = (run.strain > run.events.strain[0]) & (run.strain < run.events.strain[1])
    work = np.trapezoid(run.stress[between_events], run.strain[between_events])
    gained = float(run.energy[between_events][-1] - run.energy[between_events][0])
    assert float(glass.box.volume) * work == pytest.approx(gained, rel=2e-2)


def landings(run):
    return run.events.before, run.events.after


@pytest.mark.long
def test_events_do_not_depend_on_the_step(packing):
    model, glass = packing
    some = jg.shear(model, glass, max_strain=0.05, step=5e-3)
    more = jg.shear(model, glass, max_strain=0.05, step=5e-4)
    np.testing.assert_allclose(some.events.strain, more.events.strain, atol=2e-9)
    np.testing.assert_allclose(some.events.energy_drop, more.events.energy_drop, atol=1e-7)


@pytest.mark.long
def test_a_path_there_and_back_and_another_as_a_sample(packing):
    """Before the first event the way back ends where it began, also under jit and vmap."""
    model, glass = packing
    end = 0.5 * float(jg.first_event(model, glass, max_strain=0.3).strain)
    there_and_back = lambda g: jg.shear(model, g, max_strain=(end, 0.0), step=end, events=1)
    run = there_and_back(glass)
    assert int(run.count) == 0 and int(run.status) == 0
    np.testing.assert_allclose(run.energy[0], run.energy[-1], rtol=1e-10)
    both = jax.jit(jax.vmap(there_and_back))(jg.stack([glass, glass]))
    np.testing.assert_allclose(both.stress[:, :3], np.tile(run.stress, (2, 1)), atol=1e-9)
