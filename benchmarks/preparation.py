"""Swap Monte Carlo beside plain C, and glasses per hour of whole protocols.

    JAXGLASS_SWAPMC=/path/to/source.c python benchmarks/preparation.py

The peer is optional (swap_peer.py).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
import swap_peer
from measure import run, table, timed

import jaxglass as jg

TEMPERATURE, STEP = 0.12, 0.08


def equilibrated(n):
    """A liquid of poly2d on its way to equilibrium."""
    model = jg.models.get("poly2d")
    start = jg.prepare.push_apart(model, jg.random_glass(jax.random.key(0), "poly2d", n))
    run = jg.swap_monte_carlo(
        jax.random.key(1), model, start, temperature=TEMPERATURE, sweeps=200, step=STEP
    )
    return model, jg.require(run).glass


def swaps():
    rows = []
    for n, copies, sweeps in ((1_024, 1, 400), (1_024, 32, 40), (10_000, 1, 40)):
        model, glass = equilibrated(n)
        keys = jax.random.split(jax.random.key(2), copies)

        def ours(model, glass, keys, sweeps=sweeps):
            single = lambda key: jg.swap_monte_carlo(
                key, model, glass, temperature=TEMPERATURE, sweeps=sweeps, step=STEP,
                sample_every=sweeps,
            )  # fmt: skip
            return jax.vmap(single)(keys).energy

        first, best, _ = timed(jax.jit(ours), model, glass, keys)
        attempts = copies * n * sweeps / best
        theirs = np.nan
        if swap_peer.source():
            took = min(swap_peer.seconds(glass, TEMPERATURE, STEP, sweeps) for _ in range(3))
            theirs = n * sweeps / took
        rows.append(
            (
                f"poly2d, {copies} x n = {n}",
                f"{first:.1f} s",
                f"{attempts / 1e6:.2f}",
                f"{theirs / 1e6:.2f}",
                f"{attempts / theirs:.2f}",
            )
        )
    return table(
        f"Swap Monte Carlo, T = {TEMPERATURE}, millions of attempts a second, beside C on one core",
        ("system", "first call", "jaxglass", "C", "ratio"),
        rows,
    )


def equilibrium():
    """T = 0.068, the experimental glass temperature, from a hot start."""
    model = jg.models.get("poly2d")
    start = jg.prepare.push_apart(model, jg.random_glass(jax.random.key(0), "poly2d", 1_024))
    go = lambda key: jg.swap_monte_carlo(
        key, model, start, temperature=0.068, sweeps=22_000, sample_every=10
    )
    first, best, run = timed(go, jax.random.key(1), repeat=1)
    check = jg.analysis.equilibrium(run.energies[1_100:], temperature=0.068)
    row = (
        f"{first:.0f} s",
        f"{best:.0f} s",
        f"{float(check.mean) / 1_024:.4f} +- {float(check.error) / 1_024:.4f}",
        f"{float(check.relaxation_times):.0f}",
        f"{float(check.drift):.1f}",
    )
    return table(
        "poly2d, n = 1,024, T = 0.068 from a hot start, 22,000 sweeps, the second half measured",
        ("first call", "second", "energy per particle", "relaxation times", "drift"),
        [row],
    )


def glasses():
    rows = []
    for name, n, protocol in (
        ("ipl2d", 1_600, jg.protocols.published("article ipl2d")),
        ("poly2d", 1_024, jg.protocols.published("comparison poly2d 0.12")),
    ):
        make = lambda key, a=(name, n), p=protocol: jg.make_glass(key, *a, protocol=p)
        first, best, q = timed(make, jax.random.key(1), repeat=1)
        jg.require(q)
        energy = float(jg.energy(jg.models.get(name), q.glass)) / n
        row = f"{name}, n = {n}, {protocol.name}", f"{first:.0f} s", f"{best:.1f} s"
        rows.append((*row, f"{3600 / best:.0f}", f"{energy:.4f}"))
    return table(
        "Whole protocols",
        ("glass", "first call", "seconds", "glasses per hour", "energy per particle"),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (swaps, equilibrium, glasses))
