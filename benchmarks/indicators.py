"""All indicators of a glass, cells beside SciPy's and Voro++'s, saddles, a learned softness.

    python benchmarks/indicators.py [--only cells]

pyvoro2 and scikit-learn are optional (`pip install pyvoro2 scikit-learn`).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from glasses import expansion
from measure import peer, run, table, timed
from scipy.spatial import ConvexHull, Voronoi

import jaxglass as jg

ARTN = 4_400  # force calls of a saddle, as published (document 003)


def maps():
    """Of 10,000 polydisperse particles; what several share is timed on its own."""
    e = expansion("poly2d", 10_000)
    model, glass, i = jg.models.get("poly2d"), e.glass, jg.indicators
    rows, total = [], 0.0

    def row(name, function, *of, counts=True):
        nonlocal total
        first, best, found = timed(function, *of, repeat=1)
        total += best if counts else 0.0
        bad = 0 if not hasattr(found, "shape") else int(np.sum(~np.isfinite(found)))
        rows.append((name, f"{first:.1f} s", f"{best:.3f} s", bad or ""))
        return found

    row("expansion", jg.expand, model, glass, counts=False)
    factor = row("factor", jg.factorise, e, counts=False)
    thermal = row("local thermal energy", lambda e, f: jg.local_thermal_energy(e, factor=f), e,
                  factor)  # fmt: skip
    modes = row("512 modes", lambda e, f: jg.lowest_modes(e, 512, factor=f), e, factor)
    cells = row("cells", i.voronoi_cells, model, glass)
    for name in ("density", "free_volume", "voronoi_anisotropy", "voronoi_divergence"):
        row(name, lambda m, g, c, f=getattr(i, name): f(m, g, cells=c), model, glass, cells)
    for name in ("contact_number", "excess_entropy", "bond_order", "steric_order",
                 "potential_energy", "structure_functions"):  # fmt: skip
        row(name, getattr(i, name), model, glass)
    row("soft_modes, of 512", lambda e, m: i.soft_modes(e, modes=m), e, modes)
    row("heat_capacity", lambda e, f: i.heat_capacity(e, factor=f), e, factor, counts=False)
    row("vibrality", lambda e, f: i.vibrality(e, factor=f), e, factor)
    row("nonaffinity, of 512", lambda e, m: i.nonaffinity(e, modes=m), e, modes)
    row("nonaffine_velocity", lambda e, f: i.nonaffine_velocity(e, factor=f), e, factor)
    row("local_modulus", lambda e, f: i.local_modulus(e, factor=f), e, factor)
    moved = lambda e, t: i.thermal_expansion(e, displacement=t.displacement)
    row("thermal_expansion", moved, e, thermal)
    row("bond_stiffness", lambda e, f: jg.dipole_stiffness(e, factor=f), e, factor)
    rows.append(("all of structure and linear response", "", f"{total:.1f} s", ""))
    missing = float(i.nonaffinity_missing(e, modes))
    rows.append(("share of the nonaffine modulus beyond 512 modes", "", f"{missing:.3f}", ""))
    return table(
        "Indicators of 10,000 polydisperse particles in the plane",
        ("indicator", "first call", "run", "particles without a number"),
        rows,
    )


def cells():
    """Radical cells beside SciPy's unweighted ones of the same points and beside Voro++'s."""
    rows = []
    for name, n in (("ipl2d", 10_000), ("kalj", 4_000)):
        model = jg.models.get(name)
        glass = expansion(name, n).glass
        first, ours, found = timed(jg.indicators.voronoi_cells, model, glass)
        scipy, areas = peer(_scipy, glass, repeat=2)
        voro, radical = _voro(model, glass)
        off = "-" if radical is None else f"{np.abs(radical - found.volume).max():.0e}"
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first:.1f} s",
                f"{ours:.3f} s",
                f"{scipy:.3f} s",
                "-" if voro is None else f"{voro:.3f} s",
                f"{ours / scipy:.2f}",
                "-" if voro is None else f"{ours / voro:.2f}",
                off,
            )
        )
    return table(
        "Radical Voronoi cells beside SciPy (unweighted) and Voro++ (pyvoro2, radical)",
        (
            "glass", "first call", "jaxglass", "SciPy", "Voro++", "ours / SciPy", "ours / Voro++",
            "largest deviation",
        ),
        rows,
    )  # fmt: skip


def _scipy(glass):
    """Volumes of unweighted cells, with the images near the box."""
    x, length, d = np.asarray(glass.position), np.diag(np.asarray(glass.box.cell)), glass.dim
    x, margin = x % length, 3.0 * float(glass.spacing)
    shifts = np.stack(np.meshgrid(*[(0, -1, 1)] * d, indexing="ij"), -1).reshape(-1, d)
    points = np.concatenate([x + s * length for s in shifts])
    inside = np.all((points > -margin) & (points < length + margin), axis=1)
    found = Voronoi(points[inside])
    corners = [found.vertices[found.regions[r]] for r in found.point_region[: len(x)]]
    if d == 3:
        return np.array([ConvexHull(c).volume for c in corners])
    return np.array([_shoelace(c - c.mean(axis=0)) for c in corners])


def _shoelace(c):
    c = c[np.argsort(np.arctan2(c[:, 1], c[:, 0]))]
    after = np.roll(c, -1, axis=0)
    return 0.5 * np.sum(c[:, 0] * after[:, 1] - c[:, 1] * after[:, 0])


def _voro(model, glass):
    """Seconds and volumes; None where pyvoro2 is not installed."""
    try:
        import pyvoro2
        from pyvoro2 import planar
    except ImportError:
        return None, None
    x, length = np.asarray(glass.position), np.diag(np.asarray(glass.box.cell))
    bounds, radius = (
        tuple((0.0, float(l)) for l in length),
        0.5 * np.asarray(jg.models.diameters(model, glass)),
    )
    common = {"mode": "power", "radii": radius, "output": "cells", "return_vertices": False,
              "return_adjacency": False}  # fmt: skip
    if glass.dim == 2:
        box = planar.RectangularCell(bounds)
        go = lambda: planar.compute(x % length, domain=box, return_edges=False, **common)
    else:
        box = pyvoro2.OrthorhombicCell(bounds)
        go = lambda: pyvoro2.compute(x % length, domain=box, return_faces=False, **common)
    seconds, found = peer(go, repeat=2)
    volume = np.empty(glass.count)
    volume[[cell["id"] for cell in found]] = [
        cell.get("area", cell.get("volume")) for cell in found
    ]
    return seconds, volume


def barriers():
    """Saddles around one minimum, from cubic modes in both senses and from random pushes."""
    n = 1_600
    e = expansion("ipl2d", n)
    model, glass = jg.models.get("ipl2d"), e.glass
    grid = jg.indicators.grid_modes(e, kind="cubic")
    kept = np.flatnonzero(grid.distinct)
    modes = grid.modes.replace(vector=grid.modes.vector[kept])
    every = jg.plasticity.barrier_starts(glass, modes)
    starts = {
        f"{len(kept)} cubic modes, both senses": every[:100],
        "random pushes": jg.plasticity.random_starts(jax.random.key(0), glass, 32),
    }
    rows = []
    for name, of in starts.items():
        begin = time.perf_counter()
        found = jax.block_until_ready(jg.saddles(model, glass, of))
        first = time.perf_counter() - begin
        begin = time.perf_counter()
        jax.block_until_ready(jg.saddles(model, glass, of))
        again = time.perf_counter() - begin
        good, linked = np.asarray(found.label) >= 0, np.asarray(found.linked)
        distinct = len(set(np.asarray(found.label)[good & linked].tolist()))
        rows.append(
            (
                name,
                len(of),
                f"{first:.0f} s",
                f"{again:.0f} s",
                f"{100 * again / len(of):.0f} s",
                f"{good.mean():.2f}",
                f"{linked.mean():.2f}",
                f"{distinct / n:.3f}",
                f"{np.mean(found.factorisations):.0f}",
                f"{np.mean(found.evaluations):.0f}",
            )
        )
    return table(
        f"Saddles of ipl2d, n = {n:,} (published ARTn: {ARTN:,} force calls a saddle)",
        (
            "starts", "number", "first call", "run", "a hundred", "found", "linked",
            "distinct a particle", "factorisations", "gradients",
        ),
        rows,
    )  # fmt: skip


def learning():
    """The plane of a support-vector machine beside scikit-learn's, on the same rows."""
    rows = []
    for m, f in ((4_000, 26), (20_000, 26), (4_000, 129)):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(m, f))
        y = np.where(x @ rng.normal(size=f) + 3 * rng.normal(size=m) > 0, 1, -1)
        x = jnp.asarray((x - x.mean(axis=0)) / x.std(axis=0))
        first, ours, found = timed(jg.indicators.learn_softness, x, y, repeat=1)
        theirs, off = None, None
        try:
            from sklearn.svm import SVC
        except ImportError:
            pass
        else:
            fit = SVC(kernel="linear", C=1.0, cache_size=1000)
            theirs, _ = peer(lambda: fit.fit(np.asarray(x), y), repeat=1)
            off = np.linalg.norm(fit.coef_[0] - found.weight) / np.linalg.norm(found.weight)
        rows.append(
            (
                f"{m:,} rows of {f}",
                f"{first:.1f} s",
                f"{ours:.2f} s",
                "-" if theirs is None else f"{theirs:.2f} s",
                "-" if theirs is None else f"{theirs / ours:.1f}",
                "-" if off is None else f"{off:.0e}",
                int(found.status),
            )
        )
    return table(
        "Learning a softness beside scikit-learn's SVC",
        ("data", "first call", "jaxglass", "SVC", "ratio", "planes apart", "status"),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (maps, cells, barriers, learning))
