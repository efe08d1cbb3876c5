"""Pseudo-harmonic modes beside the package softspot, and the complete catalogue of soft spots.

    JAXGLASS_SOFTSPOT=/path/to/its/python python benchmarks/modes.py [--only catalogue]

Without the variable the column of the peer stays empty.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from glasses import expansion
from measure import peak_memory, run, table, timed

import jaxglass as jg

BATCH = 128


def pseudo_harmonic():
    rows = []
    for n, target in ((1_600, 0.02), (10_000, 0.2)):
        e = expansion("ipl2d", n)
        low = jg.lowest_modes(e, 4).vector
        starts = jg.modes.dipole_seeds(e, jnp.arange(0, 20 * BATCH, 20)).at[:4].set(low)
        first, seconds, found = timed(jg.pseudo_harmonic_mode, e, starts, repeat=2)
        _, single, _ = timed(jg.pseudo_harmonic_mode, e, low[0], repeat=3)
        known = softspot(e, np.asarray(low)[: 4 if n < 5_000 else 1])
        theirs = {mode: np.array(runs) for mode, runs in known.items()}
        shown = {mode: f"{runs[:, 0].mean():.2f} s" for mode, runs in theirs.items()}
        fastest = min((runs[:, 0].mean() for runs in theirs.values()), default=np.nan)
        worse = max(
            (float(np.max(found.cost[: len(r)] / r[:, 1] - 1)) for r in theirs.values()),
            default=np.nan,
        )
        rows.append(
            (
                f"ipl2d, n = {n}",
                f"{first:.1f} s",
                f"{seconds / BATCH:.4f} s",
                f"{target} s",
                f"{single:.2f} s",
                shown.get("cg", "-"),
                shown.get("mapping", "-"),
                f"{fastest * BATCH / seconds:.0f}",
                f"{worse:.0e}",
                f"{float(found.residual.max()):.0e}",
                int(found.steps.max()),
            )
        )
    columns = (
        "system",
        "first call",
        f"each of a batch of {BATCH}",
        "to reach",
        "one alone",
        "softspot cg",
        "softspot mapping",
        "ratio to the faster",
        "largest cost over theirs - 1",
        "residual",
        "steps",
    )
    return table("One pseudo-harmonic mode", columns, rows)


def softspot(e, starts):
    python = os.environ.get("JAXGLASS_SOFTSPOT")
    if python is None:
        return {}
    matrix = jg.to_scipy(e)
    valid = np.asarray(e.bonds.valid)
    pairs = np.stack([np.asarray(e.bonds.i)[valid], np.asarray(e.bonds.j)[valid]], axis=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hessian.npz"
        np.savez(
            path,
            data=matrix.data,
            indices=matrix.indices,
            indptr=matrix.indptr,
            dim=e.glass.dim,
            pairs=pairs,
            starts=starts.reshape(len(starts), -1),
        )
        script = Path(__file__).parent / "softspot_peer.py"
        run = subprocess.run(
            [python, str(script), str(path)], capture_output=True, text=True, check=True
        )
    return json.loads(run.stdout.splitlines()[-1])


def catalogue():
    return catalogues("Complete catalogue of pseudo-harmonic modes", ((400, "-"), (1_600, "60 s")))


def large_catalogue():
    return catalogues("Complete catalogue of a large glass", ((10_000, "400 s"),))


def catalogues(title, cases):
    rows = []
    for n, target in cases:
        e = expansion("ipl2d", n)
        jg.soft_spots(e, most=BATCH)  # compiles
        begin = time.perf_counter()
        spots = jg.soft_spots(e)
        seconds = time.perf_counter() - begin
        rows.append(
            (
                f"ipl2d, n = {n}",
                f"{seconds:.1f} s",
                target,
                len(spots.hits),
                spots.tried,
                spots.failed,
                f"{spots.unseen:.1f}",
                f"{peak_memory():.1f} GB",
            )
        )
    return table(
        title,
        (
            "system",
            "time",
            "to reach",
            "soft spots",
            "starts",
            "failed",
            "estimated unseen",
            "peak memory",
        ),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (pseudo_harmonic, catalogue, large_catalogue))
