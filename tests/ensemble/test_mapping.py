"""Ensembles in chunks, in rounds, over four forced devices, over two processes; killed runs."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.ensemble.memory import chunk_that_fits
from jaxglass.host import archive

ROOT = Path(__file__).parents[2]


def spectrum(e):
    return jg.lowest_modes(e, 3).frequency, jg.local_thermal_energy(e).displacement


@pytest.fixture(scope="module")
def samples():
    """Five glasses of 64, the last one broken on purpose."""
    model = jg.models.get("ipl2d")
    quench = jax.vmap(lambda g: jg.quench(model, g))
    glasses = quench(
        jg.stack([jg.random_glass(jax.random.key(k), "ipl2d", 64) for k in range(5)])
    ).glass
    glasses = glasses.replace(position=glasses.position.at[4, 0, 0].add(0.5))
    return model, jax.vmap(lambda g: jg.expand(model, g, capacity=260))(glasses)


@pytest.mark.long
def test_results_do_not_depend_on_the_chunk(samples):
    _, e = samples
    whole = jg.map_ensemble(spectrum, e, chunk=5)
    for chunk in (1, 2, None):
        for a, b in zip(
            jax.tree.leaves(jg.map_ensemble(spectrum, e, chunk=chunk)),
            jax.tree.leaves(whole),
            strict=True,
        ):
            np.testing.assert_allclose(a[:4], b[:4], rtol=0, atol=1e-12 * np.abs(b[:4]).max())


def test_a_failing_sample_is_flagged_alone(samples):
    _, e = samples
    status = jg.map_ensemble(lambda e: jg.local_thermal_energy(e).status, e, chunk=2)
    assert list(np.flatnonzero(status)) == [4]


def test_a_chunk_that_fits_shrinks_with_the_memory(samples, monkeypatch):
    _, e = samples
    assert chunk_that_fits(spectrum, e, 5) == 5
    monkeypatch.setattr("jaxglass.ensemble.memory.free_memory", lambda: 1e5)
    assert chunk_that_fits(spectrum, e, 5) == 1


@pytest.mark.long
def test_rounds_finish_the_slow_ones_apart():
    model = jg.models.get("ipl2d")
    glasses = jg.stack([jg.random_glass(jax.random.key(k), "ipl2d", 64) for k in range(5)])
    quench = lambda g, steps: jg.quench(model, g, max_steps=steps)
    alone = jg.map_ensemble(lambda g: jg.quench(model, g).steps, glasses)
    budget = int(np.median(alone))
    assert np.any(alone > budget) and np.any(alone <= budget)
    runs = [
        jg.ensemble.map_until(
            quench, glasses, budgets=(budget, 100_000), resume=lambda g, q: q.glass, chunk=c
        )
        for c in (5, 2)
    ]
    assert runs[0].status.tolist() == [0] * 5
    # Equal but for a common translation: moves that are cut short let the centre of mass drift.
    apart = np.asarray(runs[0].glass.position - runs[1].glass.position)
    np.testing.assert_allclose(apart - apart.mean(axis=1, keepdims=True), 0.0, atol=1e-11)


def double(x):
    return 2 * x


def test_chunks_that_are_there_are_not_computed_again(tmp_path):
    samples = jnp.arange(7.0)
    jg.map_ensemble(double, samples, chunk=2, folder=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    identity, kept = (
        json.loads(files[1].read_bytes()[512:].split(b"\n")[0])["identity"],
        [100.0, 200.0],
    )
    archive.write(files[1], identity, np.array(kept))
    files[2].unlink()
    again = jg.map_ensemble(double, samples, chunk=2, folder=tmp_path)
    assert again.tolist() == [0, 2, 100, 200, 8, 10, 12]
    other = jg.map_ensemble(double, samples, chunk=3, folder=tmp_path)
    assert other.tolist() == [0, 2, 4, 6, 8, 10, 12]
    assert len(sorted(tmp_path.glob("*_by_3.chunk"))) == 3
    files[0].write_bytes(b"broken")
    with pytest.raises(ValueError, match=f"chunk in folder cannot be read: {files[0]} is"):
        jg.map_ensemble(double, samples, chunk=2, folder=tmp_path)
    with pytest.raises(ValueError, match="folder must be a folder"):
        jg.map_ensemble(double, samples, folder=files[0])


def test_a_folder_of_another_run_is_refused_by_the_first_difference(tmp_path):
    samples = jnp.arange(3.0)
    times = lambda numbers: lambda x: x * jnp.sum(numbers)
    jg.map_ensemble(times(jnp.ones(3)), samples, chunk=2, folder=tmp_path)
    for function, other, sentence in (
        (
            times(jnp.full(3, 2.0)),
            samples,
            r"work\.reads\.numbers is 'float64 \[1\.0, 1\.0, 1\.0\]'",
        ),
        (lambda x: 3 * x, samples, r"work\.function is '.*<lambda>' there"),
        (times(jnp.ones(3)), samples + 1, "samples is 'float64"),
    ):
        with pytest.raises(ValueError, match=f"chunk in folder belongs to another run: {sentence}"):
            jg.map_ensemble(function, other, chunk=2, folder=tmp_path)


def test_a_name_of_the_users_stands_for_the_function(tmp_path):
    run = lambda function, name: jg.map_ensemble(
        function, jnp.arange(2.0), chunk=2, folder=tmp_path, name=name
    ).tolist()
    assert run(lambda x: 2 * x, "doubled") == run(lambda x: 3 * x, "doubled") == [0, 2]
    with pytest.raises(ValueError, match="work is 'doubled' there, 'tripled' here"):
        run(lambda x: 3 * x, "tripled")


FACTOR = jnp.float64(2.0)


@jax.jit
def scaled(x):
    return FACTOR * x


@pytest.mark.parametrize("function", [scaled, lambda x: scaled(x), lambda x: FACTOR * x])
def test_a_global_bound_anew_is_used_and_makes_the_folder_foreign(function, tmp_path, monkeypatch):
    samples = jnp.ones(2)
    run = lambda: jg.map_ensemble(function, samples, chunk=2, folder=tmp_path).tolist()
    assert run() == [2, 2]
    monkeypatch.setitem(globals(), "FACTOR", jnp.float64(3.0))
    with pytest.raises(ValueError, match="FACTOR is 'float64 2.0' there, 'float64 3.0' here"):
        run()
    assert jg.map_ensemble(function, samples, chunk=2).tolist() == [3, 3]
    monkeypatch.undo()
    assert jg.map_ensemble(function, samples, chunk=2).tolist() == [2, 2]


class Study:
    factor = 2.0

    def scaled(self, x):
        return self.factor * x


def test_a_method_sees_what_its_object_holds_now():
    study, samples = Study(), jnp.ones(2)
    assert jg.map_ensemble(study.scaled, samples, chunk=2).tolist() == [2, 2]
    study.factor = 3.0
    assert jg.map_ensemble(study.scaled, samples, chunk=2).tolist() == [3, 3]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="chunk must be at most the 3 samples"):
        jg.map_ensemble(lambda x: x, jnp.zeros(3), chunk=4)
    with pytest.raises(ValueError, match="samples must be stacked"):
        jg.map_ensemble(lambda x: x, (jnp.zeros(3), jnp.zeros(4)))
    with pytest.raises(ValueError, match="devices must name a kind"):
        jg.map_ensemble(lambda x: x, jnp.zeros(3), devices="tpu")
    with pytest.raises(ValueError, match="budgets must hold"):
        jg.ensemble.map_until(lambda x, k: x, jnp.zeros(3), budgets=(), resume=lambda x, r: x)


def run(code, *arguments, **variables):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


JOB = """
import jax
jax.config.update("jax_enable_x64", True)
import jaxglass as jg

model = jg.models.get("ipl2d")
glasses = jg.stack([jg.random_glass(jax.random.key(k), "ipl2d", 64) for k in range(5)])


def analysis(g):
    q = jg.quench(model, g)
    return q.max_force < 1e-10, jg.energy(model, q.glass)
"""


def test_a_killed_run_goes_on_in_a_new_process(tmp_path):
    """Killed after two of three chunks; the next computes the third, or refuses another model."""
    code = JOB + (
        "import os, signal, sys\n"
        "from jaxglass.ensemble import mapping\n"
        "written, write, deadly = [], mapping.archive.write, int(sys.argv[2])\n"
        "def counted(*arguments):\n"
        "    write(*arguments)\n"
        "    written.append(1)\n"
        "    if len(written) == deadly:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "mapping.archive.write = counted\n"
        "model = model.replace(epsilon=float(sys.argv[3]) * model.epsilon)\n"
        "ok, energy = jg.map_ensemble(analysis, glasses, chunk=2, folder=sys.argv[1])\n"
        "print(len(written), energy.tobytes().hex())\n"
    )
    here, elsewhere = str(tmp_path / "a"), str(tmp_path / "b")
    killed = run(code, here, "2", "1")
    assert killed.communicate(timeout=400)[0] == "" and killed.returncode == -signal.SIGKILL
    assert len(list((tmp_path / "a").glob("*.chunk"))) == 2
    foreign = run(code, here, "0", "2").communicate(timeout=400)
    assert "belongs to another run: work.reads.model.epsilon is" in foreign[1]
    resumed, whole = (run(code, f, "0", "1").communicate(timeout=400) for f in (here, elsewhere))
    assert resumed[0].split()[0] == "1" and whole[0].split()[0] == "3", resumed[1][-2000:]
    assert resumed[0].split()[1] == whole[0].split()[1]


@pytest.mark.long
def test_four_devices_share_an_ensemble():
    code = JOB + (
        "alone = jg.map_ensemble(analysis, glasses, chunk=5)\n"
        "assert len(jax.local_devices()) == 4\n"
        "shared = jg.map_ensemble(analysis, glasses, devices=jax.local_devices())\n"
        "print(alone[0].all(), shared[0].all(), abs(alone[1] - shared[1]).max() < 1e-9)\n"
    )
    job = run(code, XLA_FLAGS="--xla_force_host_platform_device_count=4")
    out, error = job.communicate(timeout=400)
    assert out.split() == ["True"] * 3, error[-2000:]


@pytest.mark.long
def test_two_processes_share_an_ensemble():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = (
        "import sys, jax\n"
        "jax.distributed.initialize(f'127.0.0.1:{sys.argv[1]}', 2, int(sys.argv[2]))\n"
        + JOB
        + "ok, energy = jg.ensemble.map_over_processes(analysis, glasses)\n"
        "print(jax.process_count(), ok.all(), len(energy), repr(float(energy.sum())))\n"
    )
    jobs = [run(code, str(port), str(k)) for k in range(2)]
    outs = [job.communicate(timeout=400) for job in jobs]
    words = [(out.splitlines() or [""])[-1].split() for out, _ in outs]  # Gloo prints too
    assert all(w[:3] == ["2", "True", "5"] for w in words), outs[0][1][-2000:]
    assert words[0] == words[1]
