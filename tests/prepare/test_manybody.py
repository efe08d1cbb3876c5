"""Models of many bodies in motion and in batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from manybody import brute_glass, embedded_atoms, three_bodies

import jaxglass as jg
from jaxglass.models.pair import settled
from jaxglass.neighbours.assembly import assembly_of
from jaxglass.neighbours.listing import forces, virial
from jaxglass.neighbours.many import crowded
from jaxglass.neighbours.moving import first_list, plan_moving

MODELS = pytest.mark.parametrize(
    "make", (three_bodies, embedded_atoms), ids=("triples", "embedded")
)


@MODELS
def test_forces_along_lists_are_those_of_the_landscape(make):
    """Of two samples, one of them denser; and the virial is that of the stress."""
    model, one = make(), brute_glass()
    glasses = [one, jg.deformed(one, 0.95 * jnp.eye(2))]
    together, plan = jg.stack(glasses), plan_moving(model, one)
    all = assembly_of(settled(model), together)

    @jax.jit
    def found(x):
        pairs, status = first_list(settled(model), all, plan, x)
        at = settled(model), all, pairs, x
        return forces(*at), virial(*at), status

    force, work, status = found(together.position)
    assert int(jnp.max(status)) == 0
    for k, glass in enumerate(glasses):
        right = jg.force(model, glass)
        np.testing.assert_allclose(force[k], right, atol=1e-11 * float(jnp.abs(right).max()))
        pull = -float(jnp.trace(jg.stress(jg.expand(model, glass))) * glass.box.volume)
        assert float(work[k]) == pytest.approx(pull, rel=1e-10)


@pytest.mark.parametrize(
    "make", (pytest.param(three_bodies, marks=pytest.mark.long), embedded_atoms)
)
def test_energy_is_conserved(make):
    model = make()
    glass = jg.require(jg.quench(model, brute_glass())).glass
    motion = jg.prepare.start_dynamics(
        jax.random.key(0), model, glass, temperature=0.02, dt=0.01, thermostat="none"
    )
    total = lambda m: float(jg.energy(model, m.now()) + 0.5 * jnp.sum(m.velocity**2))
    before = total(motion)
    after = jg.require(jg.prepare.run_dynamics(model, motion, 400, temperature=0.02))
    assert total(after) == pytest.approx(before, abs=1e-3 * 0.02 * glass.count)


@pytest.mark.long
def test_glasses_of_silicon_are_made():
    protocol = jg.protocols.annealed("sw", time=1.0)
    made = jg.require(jg.make_glass(jax.random.key(0), "sw", 64, protocol=protocol))
    assert float(made.max_force) < 1e-10
    assert -1.96 < float(jg.energy(jg.models.get("sw"), made.glass)) / 64 < -1.8


def test_a_crowd_is_flagged_and_given_room():
    """A particle with more neighbours than tables have room for; and particles in a heap."""
    star = jnp.zeros(64, jnp.int32), jnp.arange(1, 65, dtype=jnp.int32)
    assert bool(crowded(settled(three_bodies()), *star, 80))
    assert not bool(crowded(settled(embedded_atoms()), *star, 80))  # sums need no table
    model, glass = three_bodies(), brute_glass()
    heap = glass.replace(position=0.45 * glass.position)
    found = jg.quench(model, heap, force_tol=1e-2)
    assert int(found.status) & ~int(jg.Status.RATTLERS) == 0
    assert bool(jnp.isfinite(found.max_force))
