"""Plastic events by continuation beside the conventional protocol: strain by 1e-5, minimise, watch.

    python benchmarks/shear.py

The conventional runs are timed over a few steps and scaled to the strain of the event. LAMMPS is
optional (lammps_peer.py).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from lammps_peer import minimiser, sheared
from measure import run, table, timed

import jaxglass as jg

FINE = 1e-5  # in strain: what the literature steps by
PART = 60  # conventional steps that are timed


def glass_of(name, n, key=0):
    """A quenched glass and its model."""
    model = jg.models.get(name)
    return model, jg.require(jg.quench(model, jg.random_glass(jax.random.key(key), name, n))).glass


def conventional(model, glass):
    """Seconds of a step of 1e-5 with this package's quench, on its kept list."""
    gradient = jnp.eye(glass.dim).at[0, 1].set(FINE)
    step = jax.jit(
        lambda q: jg.quench(model, jg.deformed(q.glass, gradient), force_tol=5e-12, after=q)
    )
    q = jg.quench(model, jg.deformed(glass, jnp.eye(glass.dim)), keep_list=True)
    q = step(step(q))
    start = time.perf_counter()
    for _ in range(PART):
        q = step(q)
    jax.block_until_ready(q)
    return (time.perf_counter() - start) / PART


def first_events():
    rows = []
    for name, n in (("ipl2d", 1_024), ("ipl2d", 10_000)):
        model, glass = glass_of(name, n)
        first, best, event = timed(jg.first_event, model, glass, repeat=2)
        steps = float(event.strain) / FINE
        own = conventional(model, glass) * steps
        them = minimiser(name, glass)
        theirs = np.nan if them is None else sheared(them, glass, FINE, PART) * steps
        rows.append(
            (
                f"{name}, n = {n}",
                f"{float(event.strain):.10f}",
                int(event.factorisations),
                f"{first:.1f} s",
                f"{best:.2f} s",
                f"{own:.0f} s",
                f"{theirs:.0f} s",
                f"{min(own, theirs if theirs == theirs else np.inf) / best:.0f}",
            )
        )
    return table(
        "First plastic event, beside steps of 1e-5 and minimisations",
        (
            "glass", "strain", "factorisations", "first call", "run", "own steps", "LAMMPS steps",
            "faster than the faster",
        ),
        rows,
    )  # fmt: skip


def curves():
    rows = []
    for name, n, end in (("poly2d", 1_024, 0.1), ("ipl2d", 400, 0.1)):
        model, glass = glass_of(name, n)
        go = lambda glass, model=model, end=end: jg.shear(model, glass, max_strain=end)
        first, best, curve = timed(go, glass, repeat=1)
        own = conventional(model, glass) * end / FINE
        rows.append(
            (
                f"{name}, n = {n}, to {end}",
                int(curve.count),
                int(curve.factorisations),
                f"{first:.1f} s",
                f"{best:.1f} s",
                f"{own:.0f} s",
                f"{own / best:.0f}",
                int(curve.status),
            )
        )
    return table(
        "Stress-strain curves with all events, beside steps of 1e-5 and minimisations",
        (
            "glass", "events", "factorisations", "first call", "run", "own steps", "faster",
            "status",
        ),
        rows,
    )  # fmt: skip


def five_events():
    rows = []
    for name, n in (("ipl2d", 400), ("ipl2d", 1_024)):
        model, glass = glass_of(name, n)
        _, best, curve = timed(
            lambda g: jg.shear(model, g, max_strain=0.3, events=5), glass, repeat=1
        )
        rows.append((f"{name}, n = {n}", f"{best:.1f} s", int(curve.count), f"{3600 / best:.0f}"))
    return table(
        "Glasses sheared to their first five events",
        ("glass", "seconds", "events", "glasses per hour"),
        rows,
    )


def local_strengths():
    rows = []
    for n, sites in ((10_000, 48),):
        model, glass = glass_of("ipl2d", n)
        centres = np.random.default_rng(0).uniform(0, float(glass.box.cell[0, 0]), (sites, 2))
        go = lambda c: jg.residual_plastic_strength(model, glass, centres=c)
        first, best, found = timed(go, jnp.asarray(centres), repeat=1)
        problems = sites * 18
        whole = 1_600 * 18 / problems * best / 60
        rows.append(
            (
                f"ipl2d, n = {n}",
                problems,
                f"{first:.1f} s",
                f"{problems / best:.1f}",
                f"{whole:.0f} min",
                int(np.sum(np.isfinite(np.asarray(found.residual)))),
            )
        )
    return table(
        "Residual plastic strength, discs of radius 5 in 18 directions",
        ("glass", "problems", "first call", "problems a second", "whole glass", "that yield"),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (first_events, curves, five_events, local_strengths))
