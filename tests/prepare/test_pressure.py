"""Dynamics at constant pressure."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.mark.long
def test_the_inner_pressure_is_that_outside_and_the_volume_fluctuates_as_it_must():
    """<V (P_inner - P)> = 0, and <d V (P_inner - P)> - T = ... : both averages of e = ln V."""
    model = jg.models.get("ipl2d")
    cold = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64), force_tol=1e-3).glass
    outside, temperature = 20.0, 0.8

    def measured(key):
        motion = jg.prepare.start_dynamics(key, model, cold, temperature=temperature)
        run = lambda m, k: jg.prepare.run_dynamics(
            model, m, k, temperature=temperature, pressure=outside
        )
        motion = run(motion, 3000)

        def later(motion, _):
            motion = run(motion, 100)
            g = motion.now()
            slope = jax.grad(lambda s: jg.energy(model, jg.deformed(g, (1 + s) * jnp.eye(2))))(0.0)
            inner = (jnp.sum(motion.velocity**2) - slope) / (2 * g.box.volume)
            return motion, (g.box.volume, inner)

        motion, (volume, inner) = jax.lax.scan(later, motion, None, length=80)
        return motion.status, volume, inner

    status, volume, inner = jax.jit(jax.vmap(measured))(jax.random.split(jax.random.key(1), 12))
    assert np.all(status == 0)
    # In the variable e = ln V: <V (P_inner - P)> = -T and <e V (P_inner - P)> - <e> (-T) = -T.
    force = volume * (inner - outside) + temperature
    per_run = np.asarray(force.mean(axis=1))
    assert abs(per_run.mean()) < 4 * per_run.std(ddof=1) / np.sqrt(len(per_run))
    log = np.log(volume)
    second = np.asarray(((log - log.mean()) * force).mean(axis=1))
    error = second.std(ddof=1) / np.sqrt(len(second))
    assert abs(second.mean() + temperature) < 4 * error and error < 0.25 * temperature


@pytest.mark.long
def test_a_stage_at_pressure_changes_the_density():
    stage = jg.protocols.Stage(0.5, 0.5, 5.0, pressure=40.0)
    protocol = jg.protocols.Protocol("pressed", (stage,))
    q = jg.make_glasses(jax.random.split(jax.random.key(0), 2), "ipl2d", 64, protocol=protocol)
    assert np.all(q.status == 0)
    density = np.asarray(jax.vmap(lambda g: g.density)(q.glass))
    assert density[0] != density[1] and np.all(density > 0.9)
    one = jax.tree.map(lambda a: a[0], q.glass)
    assert float(jnp.abs(jg.force(jg.models.get("ipl2d"), one)).max()) < 1e-9
