"""Dynamics: conserved energy, temperature of the thermostats, protocols that resume."""

import dataclasses
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.prepare import protocols as module


def total(model, motion):
    return float(jg.energy(model, motion.now()) + 0.5 * jnp.sum(motion.velocity**2))


def drift(ipl, dt, time=1.0):
    start = jg.prepare.start_dynamics(
        jax.random.key(0), ipl.model, ipl.glass, temperature=0.2, dt=dt, thermostat="none"
    )
    return abs(
        total(
            ipl.model, jg.prepare.run_dynamics(ipl.model, start, round(time / dt), temperature=0.2)
        )
        - total(ipl.model, start)
    )


def test_energy_is_conserved_to_second_order_in_the_step(ipl):
    kinetic = 0.2 * 400
    fine, coarse = drift(ipl, 0.0025), drift(ipl, 0.005)
    assert 1e-6 * kinetic < fine < 1e-3 * kinetic
    assert abs(np.log2(coarse / fine) - 2) < 0.7


@pytest.mark.parametrize("thermostat", ["nose-hoover", "langevin"])
def test_thermostats_hold_their_temperature(ipl, thermostat):
    motion = jg.prepare.start_dynamics(
        jax.random.key(0), ipl.model, ipl.glass, temperature=0.6, thermostat=thermostat
    )
    motion = jg.prepare.run_dynamics(ipl.model, motion, 1500, temperature=0.6)
    kinetic = []
    for _ in range(30):
        motion = jg.prepare.run_dynamics(ipl.model, motion, 100, temperature=0.6)
        kinetic.append(float(motion.temperature))
    assert int(motion.status) == 0
    # A kinetic temperature of n d - d degrees fluctuates by T sqrt(2 / (n d)); 30 samples, correlated by at most a few.
    assert abs(np.mean(kinetic) - 0.6) < 5 * 0.6 * np.sqrt(2 / 800) / np.sqrt(10)


@pytest.mark.parametrize("thermostat", ["nose-hoover", "langevin"])
def test_the_smallest_glasses_hold_their_temperature_too(thermostat):
    """Sixteen particles: to count the total momentum wrongly would show as 7 per cent."""
    model = jg.models.get("ipl2d")

    def measured(key):
        cold = jg.quench(model, jg.random_glass(key, "ipl2d", 16), force_tol=1e-3).glass
        motion = jg.prepare.start_dynamics(key, model, cold, temperature=0.6, thermostat=thermostat)
        motion = jg.prepare.run_dynamics(model, motion, 1000, temperature=0.6)

        def later(motion, _):
            motion = jg.prepare.run_dynamics(model, motion, 50, temperature=0.6)
            return motion, motion.temperature

        return jax.lax.scan(later, motion, None, length=40)[1]

    kinetic = np.asarray(jax.jit(jax.vmap(measured))(jax.random.split(jax.random.key(3), 64))).mean(
        1
    )
    assert abs(kinetic.mean() - 0.6) < 5 * kinetic.std() / np.sqrt(64)
    assert kinetic.std() / np.sqrt(64) < 0.6 * 0.012


def test_momentum_stays_zero(ipl):
    motion = jg.prepare.start_dynamics(jax.random.key(0), ipl.model, ipl.glass, temperature=0.6)
    motion = jg.prepare.run_dynamics(ipl.model, motion, 200, temperature=0.6)
    assert float(jnp.abs(motion.velocity.mean(0)).max()) < 1e-6


def test_vmapped_dynamics_equal_single_ones(ipl, eight):
    glasses, _, _ = eight
    keys = jax.random.split(jax.random.key(1), 2)

    def short(key, glass):
        quenched = jg.quench(ipl.model, glass).glass
        motion = jg.prepare.start_dynamics(key, ipl.model, quenched, temperature=0.3)
        return jg.prepare.run_dynamics(ipl.model, motion, 50, temperature=0.3).position

    both = jax.vmap(short)(keys, jg.stack(glasses[:2]))
    np.testing.assert_allclose(both[1], short(keys[1], glasses[1]), atol=1e-7)


def test_cooling_follows_its_rate():
    protocol = jg.protocols.cooled("ipl2d", rate=0.5, low=0.1, liquid_time=1.0)
    assert protocol.stages[1].time == pytest.approx(1.8)
    q = jg.make_glass(jax.random.key(2), "ipl2d", 64, protocol=protocol)
    assert int(q.status) == 0


@pytest.mark.parametrize("name", ["poly2d"])
def test_protocols_run_for_other_models(name):
    protocol = jg.protocols.instant_quench(name, time=0.2)
    q = jg.make_glass(jax.random.key(2), name, 256, protocol=protocol)
    assert int(q.status) == 0 and float(q.max_force) < 1e-10


def test_annealing_lowers_the_energy():
    model = jg.models.get("ipl2d")
    energies = {}
    for time in (0.5, 60.0):
        protocol = jg.protocols.annealed("ipl2d", time=time, liquid_time=2.0)
        q = [jg.make_glass(jax.random.key(k), "ipl2d", 64, protocol=protocol) for k in range(3)]
        energies[time] = np.mean([float(jg.energy(model, r.glass)) for r in q])
    assert energies[60.0] < energies[0.5]


def test_a_killed_run_resumes_with_nothing_lost(tmp_path, monkeypatch):
    path = str(tmp_path / "run.ckpt")
    protocol = jg.protocols.annealed("ipl2d", time=2.0, liquid_time=1.0)
    make = lambda **options: jg.make_glass(
        jax.random.key(7), "ipl2d", 64, protocol=protocol, **options
    )
    monkeypatch.setattr(module, "PIECE", 100)
    whole = make()
    clock = iter(range(0, 10**6, 31))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    real, count = module.run_dynamics, []

    def killed(*args, **options):
        count.append(1)
        if len(count) == 4:
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(module, "run_dynamics", killed)
    with pytest.raises(KeyboardInterrupt):
        make(checkpoint=path)
    assert os.path.exists(path)
    resumed = make(checkpoint=path)
    assert len(count) == 4 + 3  # six pieces in all, three were done
    np.testing.assert_array_equal(resumed.glass.position, whole.glass.position)
    assert not os.path.exists(path)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = str(tmp_path / "run.ckpt")
    open(path, "wb").write(b"nonsense")
    fast = jg.protocols.instant_quench("ipl2d", time=0.1)
    with pytest.raises(ValueError, match="cannot be read"):
        jg.make_glass(jax.random.key(7), "ipl2d", 64, protocol=fast, checkpoint=path)
    from jaxglass.prepare.checkpoint import read, write

    write(path, {"n": 1}, jnp.ones(3))
    np.testing.assert_array_equal(read(path, {"n": 1}, jnp.zeros(3)), jnp.ones(3))
    with pytest.raises(ValueError, match="belongs to another run"):
        read(path, {"n": 2}, jnp.zeros(3))


def test_protocols_are_frozen_and_checked():
    with pytest.raises(dataclasses.FrozenInstanceError):
        jg.protocols.annealed("ipl2d").step = 1.0
    with pytest.raises(ValueError, match="low must lie between"):
        jg.protocols.cooled("ipl2d", low=2.0)
    with pytest.raises(ValueError, match="thermostat must be one of"):
        jg.prepare.start_dynamics(
            jax.random.key(0),
            jg.models.get("ipl2d"),
            jg.random_glass(jax.random.key(0), "ipl2d", 64),
            temperature=1.0,
            thermostat="x",
        )
    with pytest.raises(ValueError, match="name must be one of"):
        jg.make_glass(jax.random.key(0), "nope", 64)


def test_push_apart_lowers_the_largest_force(ipl):
    start = jg.random_glass(jax.random.key(0), "ipl2d", 256)
    after = jg.prepare.push_apart(ipl.model, start)
    assert float(jnp.abs(jg.force(ipl.model, after)).max()) < 1e-3 * float(
        jnp.abs(jg.force(ipl.model, start)).max()
    )
