"""Local thermal energy and dipole stiffness of every bond beside full diagonalisation and single
solves.

python benchmarks/thermal.py [--only dipoles]
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from glasses import expansion
from measure import peak_memory, run, table, timed

import jaxglass as jg


def local_energy():
    rows = []
    for name, n, target in (
        ("ipl2d", 1_600, "10 x LAPACK"),
        ("ipl3d", 2_000, "5 s"),
        ("ipl2d", 10_000, "6 s"),
    ):
        e = expansion(name, n)
        first, ours, found = timed(jg.local_thermal_energy, e, repeat=3)
        theirs = diagonalisation(e) if n <= 2_000 else None
        total = abs(float(found.harmonic.sum()) / (e.position.size - e.glass.dim) - 1)
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first:.1f} s",
                f"{ours:.2f} s",
                target,
                "-" if theirs is None else f"{theirs:.1f} s",
                "-" if theirs is None else f"{theirs / ours:.1f}",
                f"{total:.0e}",
                f"{peak_memory():.1f} GB",
            )
        )
    columns = (
        "system",
        "first call",
        "jaxglass",
        "to reach",
        "LAPACK full spectrum",
        "ratio",
        "sum rule",
        "peak memory",
    )
    return table("Local thermal energy of every bond", columns, rows)


def diagonalisation(e):
    """Seconds of LAPACK's complete eigensystem of the Hessian, before anything is made of it."""
    matrix = jg.to_scipy(e).toarray()
    start = time.perf_counter()
    np.linalg.eigh(matrix)
    return time.perf_counter() - start


def batches():
    samples = [expansion("ipl2d", 400, seed) for seed in range(16)]
    stacked = jg.stack(samples)
    together = jax.jit(jax.vmap(lambda e: jg.local_thermal_energy(e).value))
    alone = jax.jit(lambda e: jg.local_thermal_energy(e).value)
    one = jax.tree.map(lambda a: a[0], stacked)
    _, single, _ = timed(alone, one, repeat=30)
    _, all_of_them, _ = timed(together, stacked, repeat=10)
    row = (
        "16 glasses, ipl2d, n = 400",
        f"{single * 1e3:.1f} ms",
        f"{all_of_them / 16 * 1e3:.1f} ms",
        f"{16 * single / all_of_them:.2f}",
        "1",
    )
    return table(
        "A batch under vmap",
        ("system", "one at a time, per glass", "vmap, per glass", "ratio", "to reach"),
        [row],
    )


def probes():
    e = expansion("ipl2d", 1_024)
    exact = jg.local_thermal_energy(e).value
    valid = np.asarray(e.bonds.valid)
    rows = []
    for count in (32, 128, 512):
        _, seconds, found = timed(
            lambda k=count: jg.local_thermal_energy(e, method="stochastic", probes=k), repeat=1
        )
        pull = np.abs(
            np.asarray((found.value - exact) / jnp.where(found.error > 0, found.error, 1))
        )[valid]
        rows.append(
            (
                count,
                f"{seconds:.1f} s",
                f"{np.median(np.asarray(found.error)[valid]):.3f}",
                f"{np.abs(exact).max():.1f}",
                f"{pull.max():.1f}",
            )
        )
    columns = (
        "probes",
        "time",
        "median standard error",
        "largest value",
        "largest deviation in standard errors",
    )
    return table("Random probes, 64 modes taken out, ipl2d, n = 1024", columns, rows)


def partial_spectrum():
    """How many modes give the same softness map?"""
    rows = []
    for n in (400, 1_024):
        samples = [expansion("ipl2d", n, seed) for seed in range(4)]
        for count in (10, 30, 100, 300):
            scores = np.array([similarity(e, count) for e in samples]).mean(0)
            rows.append((n, count, *(f"{s:.3f}" for s in scores)))
    columns = (
        "n",
        "modes",
        "correlation of E",
        "correlation of softness fields",
        "softest spot the same",
    )
    return table(
        "Sums over the lowest modes beside the exact field, mean of 4 glasses", columns, rows
    )


def similarity(e, count):
    valid = np.asarray(e.bonds.valid)
    pair = [
        jg.local_thermal_energy(e).value,
        jg.local_thermal_energy(e, method="modes", lowest=count).value,
    ]
    bins = jg.thermal.fitting_bins(e)
    fields = [np.asarray(jg.softness_field(e, v, bins=bins)) for v in pair]
    peak = [np.unravel_index(f.argmax(), f.shape) for f in fields]
    correlation = np.corrcoef(*(np.asarray(v)[valid] for v in pair))[0, 1]
    alike = np.corrcoef(fields[0].ravel(), fields[1].ravel())[0, 1] if fields[1].any() else 0.0
    return correlation, alike, float(peak[0] == peak[1])


def dipoles():
    e = expansion("ipl2d", 10_000)
    first, ours, found = timed(jg.dipole_stiffness, e, repeat=2)
    chosen = jnp.arange(0, 30_000, 3_000)
    single = lambda: jg.dipole_stiffness(e, bonds=chosen)
    _, seconds, some = timed(single, repeat=1)
    count = int(e.bonds.count)
    every = seconds / chosen.size * count
    error = float(jnp.abs(found[chosen] / some - 1).max())
    row = (
        f"ipl2d, n = 10000, {count} bonds",
        f"{first:.1f} s",
        f"{ours:.1f} s",
        "15 s",
        f"{every / 3600:.1f} h",
        f"{every / ours:.0f}",
        f"{error:.0e}",
        f"{peak_memory():.1f} GB",
    )
    return table(
        "Dipole stiffness of every bond",
        (
            "system",
            "first call",
            "jaxglass",
            "to reach",
            "one solve a bond (from 10)",
            "ratio",
            "difference",
            "peak memory",
        ),
        [row],
    )


if __name__ == "__main__":
    run(__doc__, (batches, local_energy, dipoles, probes, partial_spectrum))
