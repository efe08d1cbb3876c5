"""Protocols with stages of swap Monte Carlo; parallel tempering."""

import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

SWAPS = jg.protocols.Protocol(
    "swaps and dynamics",
    (jg.protocols.Swap(0.2, 40), jg.protocols.Stage(0.1, 0.1, 0.5), jg.protocols.Swap(0.1, 20)),
)


@pytest.mark.long
def test_stages_of_swaps_and_dynamics_make_minima():
    model = jg.models.get("poly2d")
    keys = jax.random.split(jax.random.key(0), 2)
    q = jg.make_glasses(keys, "poly2d", 100, protocol=SWAPS)
    assert np.all(q.status == 0)
    for k in range(2):
        one = jax.tree.map(lambda a: a[k], q.glass)
        assert float(jnp.abs(jg.force(model, one)).max()) < 1e-9
    assert not np.array_equal(q.glass.diameter[0], q.glass.diameter[1])
    again = jg.make_glasses(keys, "poly2d", 100, protocol=SWAPS)
    assert np.array_equal(again.glass.position, q.glass.position)


@pytest.mark.long
def test_swaps_reach_lower_energies_than_an_instant_quench():
    model = jg.models.get("poly2d")
    keys = jax.random.split(jax.random.key(1), 4)
    cold = jg.protocols.swapped("poly2d", parent=0.1, sweeps=1500)
    hot = jg.protocols.swapped("poly2d", parent=0.3, sweeps=200)
    energies = [
        jax.vmap(lambda g: jg.energy(model, g))(
            jg.make_glasses(keys, "poly2d", 100, protocol=protocol).glass
        )
        for protocol in (cold, hot)
    ]
    assert np.max(energies[0]) < np.min(energies[1])


SCRIPT = """
import sys, jax
jax.config.update("jax_enable_x64", True)
import numpy as np
import jaxglass as jg
from jaxglass.prepare import make
make.ATTEMPTS, make.KEEP_EVERY, make.PIECE = 100 * 200, 0.0, 20
S = jg.protocols
protocol = S.Protocol("p", (S.Swap(0.2, int(sys.argv[2])), S.Stage(0.1, 0.1, 0.5)))
keys = jax.random.split(jax.random.key(0), 2)
q = jg.make_glasses(keys, "poly2d", 100, protocol=protocol, checkpoint=sys.argv[1] + "/c")
np.save(sys.argv[1] + "/end.npy", np.asarray(q.glass.position))
"""


@pytest.mark.long
def test_a_run_killed_among_swaps_resumes_in_a_new_process(tmp_path):
    run = lambda folder: [sys.executable, "-c", SCRIPT, str(folder), "3000"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    subprocess.run(run(whole), check=True)
    process = subprocess.Popen(run(broken))
    while not (broken / "c").exists() and process.poll() is None:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (broken / "c").exists() and not (broken / "end.npy").exists()
    subprocess.run(run(broken), check=True)
    assert np.array_equal(np.load(whole / "end.npy"), np.load(broken / "end.npy"))
    assert not (broken / "c").exists()


@pytest.mark.long
def test_tempering_samples_every_temperature_as_single_runs_do():
    model = jg.models.get("poly2d")
    start = jg.prepare.push_apart(model, jg.random_glass(jax.random.key(0), "poly2d", 36))
    warm = jnp.array([0.2, 0.25, 0.32])
    t = jg.prepare.parallel_tempering(
        jax.random.key(1), model, start, temperatures=warm, sweeps=12000, exchange_every=4
    )
    assert np.all(t.status == 0) and sorted(t.place.tolist()) == [0, 1, 2]
    assert np.all((t.exchange_acceptance > 0.05) & (t.exchange_acceptance < 0.95))
    for k in range(3):
        one = jg.swap_monte_carlo(
            jax.random.key(2), model, start, temperature=warm[k], sweeps=6000, sample_every=2
        )
        check = jg.analysis.agreement(
            t.runs.energies[k, 200:], one.energies[200:], temperatures=(warm[k], warm[k])
        )
        assert int(check.status) == 0, check
        g = jax.tree.map(lambda a, k=k: a[k], t.runs.glass)
        assert abs(float(jg.energy(model, g) - t.runs.energy[k])) < 1e-9


def test_published_protocols_name_their_models():
    for name, (model, _) in jg.protocols.PUBLISHED.items():
        assert jg.models.entry(model) and jg.protocols.published(name).stages
    assert jg.protocols.published("comparison GQ").stages[1].time == 1e6
    with pytest.raises(ValueError, match="name of the protocol must be one of"):
        jg.protocols.published("nothing")


@pytest.mark.parametrize(
    "make, sentence",
    (
        (lambda: jg.protocols.Swap(0.0, 10), "temperature must be a positive number"),
        (lambda: jg.protocols.Swap(0.1, 0), "sweeps must be an integer of at least 1"),
        (lambda: jg.protocols.Swap(0.1, 1, 2.0), "fraction must lie between 0 and 1"),
        (lambda: jg.protocols.Stage(0.1, 0.1, 1.0, pressure=-1.0), "pressure must be a number"),
        (lambda: jg.protocols.Protocol("none", ()), "stages must hold at least one stage"),
    ),
)
def test_refusals(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()
