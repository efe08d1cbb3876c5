"""Stress-strain curves: elastic branches, events, falls, cycles."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import DATA, made

import jaxglass as jg
from jaxglass.host import archive

STEP, END = 4e-3, 0.2


@pytest.fixture(scope="module")
def run(tiny):
    """Its first fifth of strain."""
    return jg.shear(*tiny, max_strain=END, step=STEP)


def test_every_record_is_a_minimum_of_the_sheared_glass(tiny, run):
    model, glass = tiny
    assert int(run.status) == 0 and int(run.count) == len(run.events.strain) >= 2
    assert len(run.strain) == 51 + 2 * int(run.count)
    assert float(run.strain[-1]) == END
    assert np.all(np.diff(run.strain) >= 0)
    end = jg.quench(model, run.glass)
    assert float(end.max_force) < 1e-10
    assert float(jnp.max(jnp.abs(jg.force(model, run.glass)))) < 1e-9
    assert float(jg.energy(model, run.glass)) == pytest.approx(float(run.energy[-1]), abs=1e-10)


@pytest.mark.long
def test_the_slope_is_the_shear_modulus(tiny):
    model, glass = tiny
    run = jg.shear(model, glass, max_strain=2e-4, step=2e-5)
    slope = np.polyfit(run.strain, run.stress, 3)[2]
    modulus = jg.shear_modulus(jg.expand(model, glass)).total
    assert slope == pytest.approx(float(modulus), rel=1e-6)


@pytest.mark.long
def test_work_is_energy_on_elastic_branches(tiny):
    """dU/dgamma = V stress: Simpson's rule over the first branch, with the order of the rule."""
    model, glass = tiny
    end = 0.8 * float(jg.first_event(model, glass).strain)
    errors = []
    for parts in (16, 32):
        run = jg.shear(model, glass, max_strain=end, step=end / parts)
        assert int(run.count) == 0
        weight = np.r_[1, np.tile([4, 2], parts // 2)[:-1], 1] * end / parts / 3
        work = float(glass.box.volume) * weight @ np.asarray(run.stress)
        errors.append(abs(work - float(run.energy[-1] - run.energy[0])))
    assert errors[1] < errors[0] / 10 and errors[1] < 1e-5


def test_events_are_folds_with_falls(tiny, run):
    model, _ = tiny
    events = run.events
    for k in range(int(run.count)):
        before, after = (jax.tree.map(lambda a: a[k], g) for g in (events.before, events.after))
        e = jg.expand(model, before)
        assert abs(float(jnp.sum(events.mode[k] * jg.hvp(e, events.mode[k])))) < 1e-8
        assert float(jnp.max(jnp.abs(jg.force(model, before)))) < 1e-9
        drop = jg.energy(model, before) - jg.energy(model, after)
        assert float(events.energy_drop[k]) == pytest.approx(float(drop), abs=1e-9)
        assert float(drop) > 0
        stress = lambda g: jg.stress(jg.expand(model, g))[0, 1]
        change = stress(before) - stress(after)
        assert float(events.stress_drop[k]) == pytest.approx(float(change), abs=1e-9)
        way = jnp.linalg.norm(jg.plasticity.nonaffine_displacement(before, after), axis=1)
        assert int(events.mover[k]) == int(jnp.argmax(way))
        assert 0 < int(events.moved[k]) <= 64
        np.testing.assert_allclose(events.d2min[k], jg.d2min(before, after), atol=1e-12)
    at = [int(np.flatnonzero(np.asarray(run.strain) == s)[0]) for s in np.asarray(events.strain)]
    for k, row in enumerate(at):
        assert float(run.strain[row + 1]) == float(events.strain[k])
        assert float(run.energy[row] - run.energy[row + 1]) == float(events.energy_drop[k])


def test_the_first_event_is_that_of_first_event(tiny, run):
    event = jg.first_event(*tiny)
    assert float(run.events.strain[0]) == pytest.approx(float(event.strain), abs=1e-12)
    assert int(run.events.particle[0]) == int(event.particle)


@pytest.mark.parametrize(
    "seed", [pytest.param(k, marks=pytest.mark.long) for k in (4, 6, *range(8, 16))]
)
def test_a_tenth_of_the_step_finds_the_same_events(seed):
    model = jg.models.get("ipl2d")
    glass = jg.quench(model, jg.random_glass(jax.random.key(seed), "ipl2d", 64)).glass
    coarse = jg.shear(model, glass, max_strain=0.08, step=STEP)
    fine = jg.shear(model, glass, max_strain=0.08, step=STEP / 10)
    np.testing.assert_allclose(coarse.events.strain, fine.events.strain, atol=1e-9)
    assert coarse.events.particle.tolist() == fine.events.particle.tolist()
    assert float(coarse.energy[-1]) == pytest.approx(float(fine.energy[-1]), abs=1e-8)


@pytest.mark.long
def test_there_and_back_on_an_elastic_branch(tiny):
    model, glass = tiny
    end = 0.7 * float(jg.first_event(model, glass).strain)
    run = jg.shear(model, glass, max_strain=(end, 0.0), step=end / 4)
    assert int(run.count) == 0 and len(run.strain) == 9
    np.testing.assert_allclose(run.strain[4], end, atol=0)
    np.testing.assert_allclose(run.energy, run.energy[::-1], atol=1e-10)
    np.testing.assert_allclose(run.stress, run.stress[::-1], atol=1e-10)
    back = jg.plasticity.nonaffine_displacement(glass, run.glass)
    assert float(jnp.max(jnp.abs(back))) < 1e-10


def test_cycles_pass_events_in_both_senses(tiny):
    run = jg.shear(*tiny, max_strain=(0.03, -0.03, 0.0), step=5e-3)
    assert int(run.status) == 0
    strain = np.asarray(run.strain)
    assert strain.max() == 0.03 and strain.min() == -0.03 and strain[-1] == 0.0
    assert np.all(np.isfinite(run.stress))
    cell = run.glass.box.cell
    assert abs(float(cell[0, 1])) < 1e-12


def test_stops_after_so_many_events(tiny, run):
    short = jg.shear(*tiny, max_strain=END, step=STEP, events=1)
    assert int(short.count) == 1 and len(short.events.strain) == 1
    assert float(short.strain[-1]) == pytest.approx(float(run.events.strain[0]), abs=1e-12)


@pytest.mark.long
def test_jit_and_vmap_equal_the_host(tiny, run):
    """While tracing there is room that is not used: NaN."""
    model, glass = tiny
    other = jg.quench(model, jg.random_glass(jax.random.key(6), "ipl2d", 64)).glass
    sheared = lambda g: jg.shear(model, g, max_strain=0.03, step=1e-2, events=3)
    both = jax.jit(jax.vmap(sheared))(jg.stack([glass, other]))
    for k, one in enumerate((glass, other)):
        alone = sheared(one)
        rows, count = len(alone.strain), int(alone.count)
        assert int(both.count[k]) == count
        np.testing.assert_allclose(both.strain[k, :rows], alone.strain, atol=1e-12)
        np.testing.assert_allclose(both.energy[k, :rows], alone.energy, atol=1e-9)
        assert np.all(np.isnan(both.strain[k, rows:]))
        assert np.all(np.isnan(both.events.strain[k, count:]))
        assert np.all(both.events.particle[k, count:] == -1)


@pytest.mark.long
def test_more_events_than_room_for_them(tiny, monkeypatch):
    """Outside tracing room is made; results do not depend on it."""
    from jaxglass.shear import path

    usual = jg.shear(*tiny, max_strain=END, step=STEP)
    monkeypatch.setattr(path, "ROOM", 1)
    grown = jg.shear(*tiny, max_strain=END, step=STEP)
    np.testing.assert_allclose(usual.strain, grown.strain, atol=1e-12)
    np.testing.assert_array_equal(usual.events.mover, grown.events.mover)


@pytest.mark.long
def test_beyond_half_a_period_the_cell_flips(tiny):
    model, glass = tiny
    run = jg.shear(model, glass, max_strain=0.6, step=0.05)
    assert int(run.status) == 0
    tilt = float(run.glass.box.cell[0, 1] / run.glass.box.cell[1, 1])
    assert tilt == pytest.approx(-0.4, abs=1e-9) or tilt == pytest.approx(0.6, abs=1e-9)
    assert float(jnp.max(jnp.abs(jg.force(model, run.glass)))) < 1e-9


@pytest.mark.long
def test_matches_the_conventional_protocol():
    """Small affine steps and minimisations give the first drop where the fold is."""
    case = made("ipl2d_400")
    strain = float(np.load(DATA / "fold_ipl2d_400.npz")["strain"])
    run = jg.shear(case.model, case.glass, max_strain=1.1 * strain, step=2e-3, events=1)
    assert float(run.events.strain[0]) == pytest.approx(strain, abs=1e-11)
    assert float(run.events.energy_drop[0]) == pytest.approx(0.2446, rel=0.01)


def test_bad_input(tiny):
    model, glass = tiny
    with pytest.raises(ValueError, match="max_strain must be a number other than 0"):
        jg.shear(model, glass, max_strain=0.0)
    with pytest.raises(ValueError, match="step must be a positive number"):
        jg.shear(model, glass, max_strain=0.1, step=0.0)
    with pytest.raises(ValueError, match="events must be an integer of at least 1"):
        jg.shear(model, glass, max_strain=0.1, events=0)
    with pytest.raises(ValueError, match="max_strain must be a number or a sequence"):
        jg.shear(model, glass, max_strain=[])
    with pytest.raises(ValueError, match="max_strain and step must be plain numbers"):
        jax.jit(lambda s: jg.shear(model, glass, max_strain=s))(0.1)


def test_falls_are_named(tiny, run):
    """The same fold, and for a fall between so few particles the same end on three ways down."""
    model, glass = tiny
    for fall in ("fire", "conjugate"):
        other = jg.shear(model, glass, max_strain=END, step=STEP, events=1, fall=fall)
        assert float(other.events.strain[0]) == pytest.approx(
            float(run.events.strain[0]), abs=1e-12
        )
        assert float(other.events.energy_drop[0]) > 0 and int(other.status) == 0
    with pytest.raises(ValueError, match="fall must be one of 'fire', 'flow', 'conjugate'"):
        jg.shear(model, glass, max_strain=END, fall="jump")


JOB = """
import os, signal, sys
import jax
jax.config.update("jax_enable_x64", True)
import jaxglass as jg
from jaxglass.shear import kept, path

file, writes, moved, pieces = sys.argv[1], [], path._moved, []
write = kept.archive.write


def write_and_die(*arguments):
    write(*arguments)
    writes.append(1)
    if len(writes) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)


kept.archive.write = write_and_die
kept.EVERY, path.PIECE, path.ROOM = 0.0, 4, 1
path._moved = lambda *a, **options: pieces.append(1) or moved(*a, **options)
model = jg.models.get("ipl2d")
glass = jg.quench(model, jg.random_glass(jax.random.key(4), "ipl2d", 64)).glass
run = jg.shear(model, glass, max_strain=0.16, step=8e-3, checkpoint=file)
print(len(pieces), run.events.strain.tobytes().hex(), run.glass.position.tobytes().hex())
"""


def job(path, writes):
    """A process that shears a glass, and kills itself after so many checkpoints."""
    command = [sys.executable, "-c", JOB, str(path), str(writes)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)


@pytest.mark.long
def test_a_killed_run_resumes_in_a_new_process_with_nothing_lost(tmp_path, tiny):
    """With more events than room for them at first, so that the room in the file is another."""
    path = tmp_path / "run.ckpt"
    killed = job(path, 5)
    assert killed.returncode == -signal.SIGKILL and killed.stdout == "", killed.stderr[-2000:]
    with pytest.raises(ValueError, match="checkpoint belongs to another run: fall is 'flow' there"):
        jg.shear(*tiny, max_strain=0.16, step=8e-3, fall="fire", checkpoint=path)
    resumed, whole = job(path, 0), job(tmp_path / "another.ckpt", 0)
    assert list(tmp_path.iterdir()) == []
    (fewer, *those), (more, *these) = resumed.stdout.split(), whole.stdout.split()
    assert those == these and int(fewer) == int(more) - 5
    alien = tmp_path / "alien.ckpt"
    archive.write(alien, {"of": "something else"}, {"a": np.zeros(3)})
    with pytest.raises(ValueError, match="checkpoint belongs to another run"):
        jg.shear(*tiny, max_strain=0.16, step=8e-3, checkpoint=alien)
    assert alien.exists()
    with pytest.raises(ValueError, match="checkpoint must be None under jit"):
        jax.jit(lambda g: jg.shear(tiny[0], g, max_strain=0.1, checkpoint=path))(tiny[1])
