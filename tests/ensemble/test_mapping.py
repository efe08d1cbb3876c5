"""Ensembles in chunks, in rounds, over four forced devices and over two processes; interrupted runs."""

import os
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
    np.testing.assert_allclose(runs[0].glass.position, runs[1].glass.position, atol=1e-12 * 10)


def test_an_interrupted_run_goes_on(tmp_path):
    """Chunks that are there are not computed again; a foreign folder is refused."""
    samples = jnp.arange(7.0)
    double = lambda x: 2 * x
    jg.map_ensemble(double, samples, chunk=2, folder=tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    with np.load(files[1]) as file:
        work = str(file["work"])
    with open(files[1], "wb") as file:
        np.savez(file, leaf0=np.array([100.0, 200.0]), work=work)
    files[2].unlink()
    assert jg.map_ensemble(double, samples, chunk=2, folder=tmp_path).tolist() == [
        0,
        2,
        100,
        200,
        8,
        10,
        12,
    ]
    assert jg.map_ensemble(double, samples, chunk=3, folder=tmp_path).tolist() == [
        0,
        2,
        4,
        6,
        8,
        10,
        12,
    ]
    assert len(sorted(tmp_path.glob("*_by_3.npz"))) == 3
    files[0].write_bytes(b"broken")
    with pytest.raises(ValueError, match="damaged file"):
        jg.map_ensemble(double, samples, chunk=2, folder=tmp_path)
    with pytest.raises(ValueError, match="folder must be a folder"):
        jg.map_ensemble(double, samples, folder=files[0])
    files[0].unlink()
    closing_over = lambda numbers: lambda x: x * jnp.sum(numbers)
    jg.map_ensemble(closing_over(jnp.ones(3)), samples, chunk=2, folder=tmp_path / "closed")
    with pytest.raises(ValueError, match="folder holds results of another run"):
        jg.map_ensemble(
            closing_over(jnp.full(3, 2.0)), samples, chunk=2, folder=tmp_path / "closed"
        )
    for function, other in ((lambda x: 3 * x, samples), (double, samples + 1)):
        with pytest.raises(ValueError, match="folder holds results of another run"):
            jg.map_ensemble(function, other, chunk=2, folder=tmp_path)


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
