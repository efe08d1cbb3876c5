"""Stillinger-Weber and embedded atoms: dynamics beside LAMMPS, products beside SciPy's CSR,
expansion beside matscipy, local thermal energy of every term, first events.

    python benchmarks/manybody.py [--only dynamics]

LAMMPS is optional (lammps_peer.py), matscipy too (`pip install matscipy ase`).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
from foundation import beside_lammps, beside_scipy
from glasses import expansion
from measure import peak_memory, peer, run, table, timed

import jaxglass as jg

# Liquids of which a run of so many steps is timed.
DYNAMICS = (("sw", 4_096, 0.09, 50), ("cuzr", 4_000, 0.17, 20))


def dynamics():
    return beside_lammps("Dynamics of many bodies beside LAMMPS on one core", DYNAMICS, started=50)


def products():
    cases = ("sw", 4_096), ("cuzr", 1_000)
    return beside_scipy("Hessian-vector product of many bodies beside SciPy CSR", cases)


def expansions():
    """With all derivatives to fourth order at hand, beside the Hessian alone."""
    rows = []
    for name, n in (("sw", 500), ("sw", 2_000), ("cuzr", 1_000)):
        glass = expansion(name, n).glass
        model = jg.models.get(name)
        first, best, _ = timed(jg.expand, model, glass, repeat=3)
        theirs = _matscipy(model, glass) if (name, n) == ("sw", 500) else None  # minutes beyond
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first:.1f} s",
                f"{best:.3g} s",
                "-" if theirs is None else f"{theirs:.3g} s",
                "-" if theirs is None else f"{theirs / best:.1f}",
            )
        )
    return table(
        "Expansion beside matscipy's Hessian",
        ("system", "first call", "jaxglass", "matscipy", "ratio"),
        rows,
    )


def _matscipy(model, glass):
    """Seconds of the sparse Hessian of the same glass; None where it is not installed."""
    try:
        from ase import Atoms
        from matscipy.calculators.manybody import Manybody
        from matscipy.calculators.manybody.explicit_forms import StillingerWeber
    except ImportError:
        return None
    p = {k: float(v) for k, v in model.parameters.items()}
    numbers = {
        "__ref__": "", "el": "Si", "epsilon": 1.0, "sigma": 1.0, "costheta0": p["cosine"],
        "A": p["A"], "B": p["B"], "p": p["p"], "q": p["q"], "a": float(model.cutoff),
        "lambda1": p["strength"], "gamma": p["gamma"],
    }  # fmt: skip
    atoms = Atoms("Si" * glass.count, positions=np.asarray(glass.position), pbc=True)
    atoms.set_cell(np.asarray(glass.box.cell).T)
    calculator = Manybody(**StillingerWeber(numbers))

    def hessian():
        calculator.reset()  # it keeps what it has worked out
        return calculator.get_property("hessian", atoms)

    return peer(hessian, repeat=1)[0]


def local_energy():
    rows = []
    for name, n, method in (
        ("sw", 1_000, "direct"),
        ("sw", 1_000, "dense"),
        ("cuzr", 500, "direct"),
        ("cuzr", 1_000, "direct"),
    ):
        e = expansion(name, n)
        run = lambda e, method=method: jg.local_thermal_energy(e, method=method)
        first, ours, found = timed(run, e, repeat=1)
        total = sum(float(part.sum()) for part in found.harmonic) / (e.position.size - 3) - 1
        terms = int(e.bonds.count) + sum(int(group.valid.sum()) for group in e.groups)
        rows.append(
            (
                f"{name}, n = {n}, {method}",
                terms,
                f"{first:.1f} s",
                f"{ours:.2f} s",
                f"{abs(total):.0e}",
                f"{peak_memory():.1f} GB",
            )
        )
    return table(
        "Local thermal energy of every term",
        ("system", "terms", "first call", "run", "sum rule", "peak memory"),
        rows,
    )


def events():
    """First events of glasses quenched from random places."""
    rows = []
    for name, n in (("sw", 1_000), ("cuzr", 500)):
        glass, model = expansion(name, n).glass, jg.models.get(name)
        first, ours, found = timed(jg.first_event, model, glass, repeat=1)
        rows.append(
            (
                f"{name}, n = {n}",
                f"{float(found.strain):.4f}",
                int(found.factorisations),
                f"{first:.0f} s",
                f"{ours:.1f} s",
                f"{float(found.max_force):.0e}",
                int(found.status),
            )
        )
    return table(
        "First events of many bodies",
        ("system", "strain", "factorisations", "first call", "run", "largest force", "status"),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (dynamics, products, expansions, local_energy, events))
