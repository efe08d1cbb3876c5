"""Products with the Hessian beside SciPy's CSR, quenches, dynamics beside LAMMPS.

    python benchmarks/foundation.py

LAMMPS is optional (lammps_peer.py).
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np
from glasses import expansion
from lammps_peer import POTENTIALS, lammps, minimised, minimiser
from measure import run, side_by_side, table, timed

import jaxglass as jg

# Liquids of which a run of so many steps is timed.
DYNAMICS = (
    ("kalj", 4_096, 1.0, 200),
    ("ipl2d", 1_600, 0.5, 1_000),
    ("ipl2d", 10_000, 0.5, 200),
    ("ipl3d", 2_000, 0.5, 400),
    ("poly2d", 1_024, 0.2, 1_000),
)


def liquid(name, n, temperature, steps=1000):
    """A glass and a configuration of its liquid."""
    model = jg.models.get(name)
    cold = jg.quench(model, jg.random_glass(jax.random.key(0), name, n), force_tol=1e-2).glass
    motion = jg.prepare.start_dynamics(jax.random.key(1), model, cold, temperature=temperature)
    return model, jg.prepare.run_dynamics(model, motion, steps, temperature=temperature)


def products():
    cases = ("ipl2d", 10_000), ("ipl3d", 4_000)
    return beside_scipy("Hessian-vector product beside SciPy CSR", cases)


def beside_scipy(title, cases):
    """Products, alone where there is no matrix of blocks."""
    rows = []
    for name, n in cases:
        e = expansion(name, n)
        z = jax.random.normal(jax.random.key(1), e.position.shape)
        compiled = jax.jit(jg.hvp)
        first, best, product = timed(compiled, e, z, repeat=20)
        row = f"{name}, n = {n}", f"{first:.2f} s"
        if "blocks" not in type(e).has:
            rows.append((*row, f"{best * 1e3:.3f} ms", "-", "-", "-"))
            continue
        matrix, flat = jg.to_scipy(e), np.asarray(z).ravel()
        reference = matrix @ flat
        ours, theirs = side_by_side(
            lambda f=compiled, e=e, z=z: f(e, z), lambda m=matrix, f=flat: m @ f
        )
        error = np.abs(np.asarray(product).ravel() - reference).max() / np.abs(reference).max()
        times = f"{ours * 1e3:.3f} ms", f"{theirs * 1e3:.3f} ms", f"{theirs / ours:.2f}"
        rows.append((*row, *times, f"{error:.0e}"))
    columns = ("system", "first call", "jaxglass", "SciPy", "ratio", "difference")
    return table(title, columns, rows)


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
    return beside_lammps("Dynamics beside LAMMPS on one core", DYNAMICS)


def beside_lammps(title, cases, started=1_000):
    """Steps a second of liquids, each run for so many steps before."""
    rows = []
    for name, n, temperature, steps in cases:
        model, motion = liquid(name, n, temperature, started)
        go = lambda m, model=model, k=steps, t=temperature: jg.prepare.run_dynamics(
            model, m, k, temperature=t
        )
        first, best, _ = timed(go, motion, repeat=1)
        row = [f"{name}, n = {n}, T = {temperature}", f"{first:.1f} s"]
        them = lammps(name, motion, temperature) if name in POTENTIALS else None
        if them is None:
            rows.append((*row, f"{steps / best:.0f} steps/s", "-", "-"))
            continue
        ours, theirs = side_by_side(
            lambda go=go, m=motion: go(m),
            lambda them=them, k=steps: them.command(f"run {k} post no"),
            repeat=5,
        )
        them.close()
        speeds = (f"{steps / seconds:.0f} steps/s" for seconds in (ours, theirs))
        rows.append((*row, *speeds, f"{theirs / ours:.2f}"))
    return table(title, ("system", "first call", "jaxglass", "LAMMPS", "ratio"), rows)


def batches():
    """Copies of one small liquid, each with its own velocities, beside one after the other."""
    model, motion = liquid("ipl2d", 400, 0.5)
    them, rows = lammps("ipl2d", motion, 0.5), []
    for copies, steps in ((16, 1_000), (256, 100)):
        keys = jax.random.split(jax.random.key(2), copies)
        start = jax.jit(
            jax.vmap(
                lambda key: jg.prepare.start_dynamics(key, model, motion.now(), temperature=0.5)
            )
        )(keys)
        go = jax.jit(
            jax.vmap(lambda m, k=steps: jg.prepare.run_dynamics(model, m, k, temperature=0.5))
        )
        first, best, many = timed(go, start, repeat=1)
        row = [f"{copies} x ipl2d, n = 400", f"{first:.1f} s"]
        if them is None:
            rows.append((*row, f"{copies * steps / best:.0f}", "-", "-"))
            continue
        ours, theirs = side_by_side(
            lambda go=go, m=many: go(m),
            lambda k=steps: them.command(f"run {k} post no"),
            repeat=5,
        )
        speeds = copies * steps / ours, steps / theirs
        rows.append((*row, *(f"{s:.0f}" for s in speeds), f"{speeds[0] / speeds[1]:.2f}"))
    return table(
        "Batches of small liquids, steps a second of all copies, beside LAMMPS on one core",
        ("system", "first call", "jaxglass", "LAMMPS, one after the other", "ratio"),
        rows,
    )


def minimisations():
    """From a liquid to the largest force that LAMMPS reaches, or 1e-10."""
    rows = []
    for name, n, temperature in (("ipl2d", 1_024, 1.0), ("ipl2d", 10_000, 1.0)):
        model, motion = liquid(name, n, temperature)
        glass = motion.now()
        first, best, q = timed(jg.quench, model, glass, repeat=2)
        rows.append(
            (
                f"{name}, n = {n}, quench",
                f"{best:.2f} s",
                int(q.steps),
                f"{float(q.max_force):.0e}",
                "1",
            )
        )
        them = minimiser(name, glass)
        # its FIRE takes far longer still
        for style in ("cg",) if them is not None else ():
            runs = [minimised(them, glass, style, 1e-10) for _ in range(2)]
            took, steps, force = min(runs)
            rows.append(
                (f"LAMMPS {style}", f"{took:.2f} s", steps, f"{force:.0e}", f"{best / took:.2f}")
            )
    return table(
        "Minimisation from T = 1 to 1e-10 beside LAMMPS on one core",
        ("work", "run", "steps", "largest force reached", "ours over theirs"),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (products, quenches, minimisations, dynamics, batches))
