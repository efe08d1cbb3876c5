"""Dynamics: conserved energy, temperature of the thermostats, protocols that resume."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.neighbours import assembly


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
    # A kinetic temperature of n d - d degrees fluctuates by T sqrt(2 / (n d)); 30 samples,
    # correlated by at most a few.
    assert abs(np.mean(kinetic) - 0.6) < 5 * 0.6 * np.sqrt(2 / 800) / np.sqrt(10)


@pytest.mark.long
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


@pytest.fixture(params=["as here", pytest.param("together", marks=pytest.mark.long)])
def company(request, monkeypatch):
    """Samples as this device takes them, and together, as accelerators do."""
    if request.param == "together":
        monkeypatch.setattr(assembly, "one_by_one", lambda: False)
        jax.clear_caches()
        yield
        jax.clear_caches()
    else:
        yield


def test_vmapped_dynamics_equal_single_ones(ipl, eight, company):
    glasses, _, _ = eight
    keys = jax.random.split(jax.random.key(1), 2)

    def short(key, glass):
        quenched = jg.quench(ipl.model, glass).glass
        motion = jg.prepare.start_dynamics(key, ipl.model, quenched, temperature=0.3)
        return jg.prepare.run_dynamics(ipl.model, motion, 50, temperature=0.3).position

    both = jax.vmap(short)(keys, jg.stack(glasses[:2]))
    np.testing.assert_allclose(both[1], short(keys[1], glasses[1]), atol=1e-7)


def test_the_chain_moves_particles_as_that_of_jax_md(ipl):
    """Which works out the time step of its chain in single precision."""
    from jax_md import simulate

    start = jg.prepare.start_dynamics(jax.random.key(0), ipl.model, ipl.glass, temperature=0.6)
    ours = jg.prepare.run_dynamics(ipl.model, start, 100, temperature=0.5)
    force = lambda x, **_: jg.force(ipl.model, ipl.glass.replace(position=x))
    chain = {"chain_length": 3, "chain_steps": 1, "sy_steps": 1, "tau": 0.5}
    begin, step = simulate.nvt_nose_hoover(force, lambda x, dx, **_: x + dx, 0.005, 0.5, **chain)
    state = begin(jax.random.key(0), start.position)
    kinetic = 0.5 * jnp.sum(start.velocity**2)
    links = dataclasses.replace(
        state.chain, kinetic_energy=kinetic, degrees_of_freedom=start.velocity.size - 2
    )
    state = state.set(momentum=start.velocity, chain=links)
    theirs = jax.jit(lambda s: jax.lax.fori_loop(0, 100, lambda _, s: step(s), s))(state)
    np.testing.assert_allclose(ours.position, theirs.position, atol=1e-5)
    assert float(jnp.abs(ours.position - start.position).max()) > 0.1


def test_a_sample_moves_alike_in_any_company(ipl, company):
    """To rounding: sums over a sample are taken in another order."""
    starts = [jg.random_glass(jax.random.key(k), "ipl2d", 64) for k in range(3)]
    quench = lambda glass: jg.quench(ipl.model, glass)
    together = jax.vmap(quench)(jg.stack(starts))
    alone = quench(starts[1])
    np.testing.assert_allclose(together.glass.position[1], alone.glass.position, atol=1e-12)
    assert int(together.steps[1]) == int(alone.steps)
    keys = jax.random.split(jax.random.key(1), 3)
    fast = jg.protocols.instant_quench("ipl2d", time=0.5)
    both = jg.make_glasses(keys, "ipl2d", 64, protocol=fast)
    one = jg.make_glass(keys[2], "ipl2d", 64, protocol=fast)
    np.testing.assert_allclose(both.glass.position[2], one.glass.position, atol=1e-9)


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


@pytest.mark.long
def test_annealing_lowers_the_energy():
    # by 0.034 +- 0.016 a particle and pair of glasses
    model = jg.models.get("ipl2d")
    hot = jg.protocols.instant_quench("ipl2d", parent=3.0, time=5.0)
    cold = jg.protocols.annealed("ipl2d", time=60.0, liquid_time=2.0)
    made = lambda k, by: jg.make_glass(jax.random.key(k), "ipl2d", 100, protocol=by).glass
    gain = [jg.energy(model, made(k, hot)) - jg.energy(model, made(k, cold)) for k in range(5)]
    assert np.mean(gain) > 0


ROOT = Path(__file__).parents[2]
JOB = """
import os, signal, sys
import jax
jax.config.update("jax_enable_x64", True)
import jaxglass as jg
from jaxglass.prepare import make

path, kept, pieces = sys.argv[1], [], []
write, run = make.archive.write, make.run_all


def write_and_die(*arguments):
    write(*arguments)
    kept.append(1)
    if len(kept) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)


make.archive.write = write_and_die
make.run_all = lambda *a, **options: pieces.append(1) or run(*a, **options)
make.PIECE, make.KEEP_EVERY = 100, 0.0
stiffness = 8.0
mine = jg.models.pair(lambda x, p: x**-stiffness, sigma=[[1.0, 1.18], [1.18, 1.4]], cutoff=1.5)
protocol = jg.protocols.annealed("ipl2d", time=2.0, liquid_time=1.0)
made = jg.make_glass(
    jax.random.key(7), "ipl2d", 64, protocol=protocol, model=mine, checkpoint=path
)
print(len(pieces), made.glass.position.tobytes().hex())
"""


def job(path, writes):
    """A process that makes a glass of six pieces and kills itself after a number of checkpoints."""
    command = [sys.executable, "-c", JOB, str(path), str(writes)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)


def test_a_killed_run_resumes_in_a_new_process_with_nothing_lost(tmp_path):
    path = tmp_path / "run.ckpt"
    killed = job(path, 3)
    assert killed.returncode == -signal.SIGKILL and killed.stdout == "", killed.stderr[-2000:]
    assert path.exists()
    protocol = jg.protocols.annealed("ipl2d", time=2.0, liquid_time=1.0)
    with pytest.raises(
        ValueError, match=r"checkpoint belongs to another run: key is .* 7\]\]' there"
    ):
        jg.make_glass(jax.random.key(8), "ipl2d", 64, protocol=protocol, checkpoint=path)
    resumed, whole = job(path, 0), job(tmp_path / "another.ckpt", 0)
    assert list(tmp_path.iterdir()) == []
    assert resumed.stdout.split()[0] == "3" and whole.stdout.split()[0] == "6"
    assert resumed.stdout.split()[1] == whole.stdout.split()[1]


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.ckpt"
    path.write_bytes(b"nonsense")
    fast = jg.protocols.instant_quench("ipl2d", time=0.1)
    with pytest.raises(ValueError, match="checkpoint cannot be read: .*run.ckpt is not an archive"):
        jg.make_glass(jax.random.key(7), "ipl2d", 64, protocol=fast, checkpoint=path)


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
    with pytest.raises(ValueError, match="name of the model must be one of"):
        jg.make_glass(jax.random.key(0), "nope", 64)


def test_push_apart_lowers_the_largest_force(ipl):
    start = jg.random_glass(jax.random.key(0), "ipl2d", 256)
    after = jg.prepare.push_apart(ipl.model, start)
    assert float(jnp.abs(jg.force(ipl.model, after)).max()) < 1e-3 * float(
        jnp.abs(jg.force(ipl.model, start)).max()
    )
