"""Trajectories: frames are those of the dynamics, in memory and on disk."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.prepare import trajectory as module


@pytest.fixture(scope="module")
def start():
    model = jg.models.get("ipl2d")
    cold = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    return model, jg.prepare.start_dynamics(jax.random.key(1), model, cold, temperature=0.5)


def test_frames_are_those_of_the_dynamics(start):
    model, motion = start
    end, frames = jg.prepare.record(model, motion, [0.0, 0.05, 0.2], temperature=0.5)
    assert frames.time.tolist() == pytest.approx([0.0, 0.05, 0.2])
    assert np.array_equal(frames.position[0], motion.position)
    same = jg.prepare.run_dynamics(model, motion, 40, temperature=0.5)
    np.testing.assert_allclose(frames.position[-1], same.position, atol=1e-9)
    assert int(end.steps) == 40 and int(frames.status) == 0
    for k in range(3):
        g = motion.glass.replace(position=frames.position[k])
        assert float(jg.energy(model, g)) == pytest.approx(float(frames.energy[k]), rel=1e-12)
    assert float(frames.kinetic[-1]) == pytest.approx(0.5 * float(jnp.sum(end.velocity**2)))


def test_on_disk_as_in_memory_in_any_pieces(start, tmp_path, monkeypatch):
    model, motion = start
    times = jg.prepare.logarithmic_times(0.005, 0.5, 5)
    _, whole = jg.prepare.record(model, motion, times, temperature=0.5)
    monkeypatch.setattr(module, "STEPS", 20)
    path = tmp_path / "run.h5"
    jg.prepare.record(model, motion, times, temperature=0.5, into=jg.io.H5MDFile(path))
    read = jg.io.read_h5md(path)
    for name in ("time", "position", "energy", "kinetic"):
        np.testing.assert_allclose(getattr(read, name), getattr(whole, name), atol=1e-9)
    assert np.array_equal(read.glass.species, motion.glass.species)
    assert np.array_equal(read.glass.box.cell, motion.glass.box.cell)
    with pytest.raises(ValueError, match="path must name a new file"):
        jg.io.H5MDFile(path)
    later = jg.io.H5MDFile(path, append=True)
    jg.prepare.record(model, motion, [0.0], temperature=0.5, into=later)
    assert len(jg.io.read_h5md(path).time) == len(whole.time) + 1
    other = motion.replace(glass=motion.glass.replace(species=1 - motion.glass.species))
    with pytest.raises(ValueError, match="belongs to other particles: their species differ"):
        jg.prepare.record(model, other, [0.0], temperature=0.5, into=later)


def test_h5md_is_what_the_standard_says(start, tmp_path):
    h5py = pytest.importorskip("h5py")
    model, motion = start
    path = tmp_path / "run.h5"
    jg.prepare.record(model, motion, [0.0, 0.1], temperature=0.5, into=jg.io.H5MDFile(path))
    with h5py.File(path) as file:
        assert file["h5md"].attrs["version"].tolist() == [1, 1]
        assert file["h5md/creator"].attrs["name"] == "jaxglass"
        group = file["particles/all"]
        assert group["box"].attrs["dimension"] == 2
        assert group["box"].attrs["boundary"].tolist() == [b"periodic"] * 2
        assert group["position/value"].shape == (2, 64, 2)
        assert group["position/time"][()].tolist() == pytest.approx([0.0, 0.1])


@pytest.mark.parametrize("thermostat", ("none", "langevin", "brownian"))
def test_every_kind_of_motion_is_recorded(start, thermostat):
    model, motion = start
    own = jg.prepare.start_dynamics(
        jax.random.key(1), model, motion.glass, temperature=0.3, thermostat=thermostat, dt=2e-4
    )
    _, frames = jg.prepare.record(model, own, [0.02, 0.04], temperature=0.3)
    total = frames.energy + frames.kinetic
    assert int(frames.status) == 0 and np.all(np.isfinite(total))
    if thermostat == "none":
        assert abs(float(total[1] - total[0])) < 1e-3


def test_a_step_too_large_is_reported(start):
    model, motion = start
    hasty = jg.prepare.start_dynamics(
        jax.random.key(1), model, motion.glass, temperature=0.5, thermostat="none", dt=0.08
    )
    after = jg.prepare.run_dynamics(model, hasty, 300, temperature=0.5)
    assert int(after.status) & (jg.Status.DRIFT | jg.Status.NOT_FINITE)
    with pytest.raises(RuntimeError, match="smaller time step|not finite"):
        jg.require(after)


@pytest.mark.parametrize(
    "times, sentence",
    (([], "one time or more"), ([0.2, 0.1], "ascending"), ([-1.0], "from 0 or later")),
)
def test_refusals(start, times, sentence):
    model, motion = start
    with pytest.raises(ValueError, match=sentence):
        jg.prepare.record(model, motion, times, temperature=0.5)
