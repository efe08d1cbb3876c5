"""Correlations of a trajectory: mean square displacement beside freud, self-intermediate scattering
beside atooms.

    python benchmarks/liquids.py [--only displacement]

The peers are optional (`pip install freud-analysis atooms-pp`).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from measure import peer, run, table, timed

import jaxglass as jg

N, FRAMES, EDGE, Q = 4_096, 1_000, 17.1, 6.3
LAGS, VECTORS = 60, 8


def trajectory():
    """A random walk of as many particles in space."""
    steps = np.random.default_rng(0).normal(size=(FRAMES, N, 3))
    start = EDGE * np.random.default_rng(1).uniform(size=(N, 3))
    return start + 0.02 * np.cumsum(steps, axis=0), np.arange(float(FRAMES))


def displacement():
    x, time = trajectory()
    first, best, ours = timed(jg.liquid.mean_square_displacement, jnp.asarray(x), time, repeat=3)
    theirs, gap = None, None
    try:
        import freud

        msd = lambda: freud.msd.MSD(mode="window").compute(x).msd
        theirs, value = peer(msd, repeat=2)
        gap = float(np.abs(value - ours.value).max() / value.max())
    except ImportError:
        pass
    return table(
        f"Mean square displacement of all {FRAMES} lags, n = {N}, beside freud",
        ("first call", "jaxglass", "freud", "ratio", "difference"),
        [(f"{first:.2f} s", f"{best:.2f} s", *_beside(best, theirs, gap))],
    )


def _beside(best, theirs, gap):
    if theirs is None:
        return "-", "-", "-"
    return f"{theirs:.2f} s", f"{best / theirs:.2f}", f"{gap:.1e}"


def scattering():
    x, time = trajectory()
    lags = np.unique(np.rint(np.geomspace(1, 0.75 * FRAMES, LAGS)))
    f = lambda **how: jg.liquid.intermediate_scattering(jnp.asarray(x), time, Q, **how)
    rows = []
    box = {"box": EDGE, "vectors": VECTORS}
    for what, how in (
        (f"{len(lags)} lags, {VECTORS} wave vectors", {"lags": lags, **box}),
        (f"{FRAMES} lags, 32 wave vectors", {"box": EDGE}),
        (f"{len(lags)} lags, all directions", {"lags": lags}),
    ):
        first, best, _ = timed(lambda how=how: f(**how), repeat=1)
        theirs = _atooms(x, lags) if not rows else None
        beside = ("-", "-") if theirs is None else (f"{theirs:.1f} s", f"{best / theirs:.2f}")
        rows.append((what, f"{first:.1f} s", f"{best:.1f} s", *beside))
    return table(
        f"F_s of n = {N}, {FRAMES} frames, all origins, beside atooms-pp",
        ("of", "first call", "jaxglass", "atooms", "ratio"),
        rows,
    )


def _atooms(x, lags):
    """Seconds of atooms-postprocessing for the same lags, origins and number of vectors."""
    try:
        import atooms.postprocessing as pp
        from atooms.system import Cell, Particle, System
        from atooms.trajectory.ram import TrajectoryRam
    except ImportError:
        return None
    frames = TrajectoryRam()
    for k, place in enumerate(x):
        cell = Cell(side=np.full(3, EDGE))
        system = System(cell=cell)
        system.particle = [Particle(position=p) for p in place]
        frames.write(system, step=k)
    frames.timestep = 1.0
    job = pp.SelfIntermediateScattering(
        frames, kgrid=[Q], tgrid=[0.0, *lags], nk=VECTORS, norigins=len(x), dk=0.2
    )
    return peer(job.compute, repeat=1)[0]


if __name__ == "__main__":
    run(__doc__, (displacement, scattering))
