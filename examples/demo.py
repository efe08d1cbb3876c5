"""The whole job: make a planar glass, quench it, find its soft spots, save it, draw it.

python examples/demo.py [--n 1600] [--time 60] [--out demo] [--seed 0]
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import numpy as np

import jaxglass as jg

TIMES = {}


def timed(label, function, *args, **options):
    """Runs a step and notes its time, compilation included."""
    start = time.perf_counter()
    result = jax.block_until_ready(function(*args, **options))
    TIMES[label] = time.perf_counter() - start
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1600, help="particles")
    parser.add_argument("--time", type=float, default=60.0, help="of annealing; published: 200")
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(exist_ok=True)
    key, model = jax.random.key(args.seed), jg.models.get("ipl2d")
    protocol = jg.protocols.annealed("ipl2d", time=args.time)
    options = {"protocol": protocol, "progress": True, "checkpoint": args.out / "running.ckpt"}
    made = jg.require(timed("annealing", jg.make_glass, key, "ipl2d", args.n, **options))
    e = jg.require(timed("expand to 4th order", jg.expand, model, made.glass))
    factor = jg.require(timed("one factor for the rest", jg.factorise, e))
    found = {
        "quench": made,
        "modes": timed("30 lowest modes", jg.lowest_modes, e, 30, factor=factor),
        "thermal": timed("local thermal energy", jg.local_thermal_energy, e, factor=factor),
        "elastic": timed("elastic moduli", jg.elasticity, e, factor=factor),
        "spots": timed("soft spots", jg.soft_spots, e, factor=factor, progress=True),
    }
    list(map(jg.require, found.values()))
    found["kappa"] = timed("stiffness of every bond", jg.dipole_stiffness, e, factor=factor)
    path = args.out / "glass.h5"
    jg.save(path, made.glass, model=model, results=found, protocol=protocol, key=key)
    timed("draw", picture, e, found["spots"], found["thermal"], args.out / "glass.png")
    summary(model, e, **found)
    print(f"\nsaved {path} and {args.out / 'glass.png'}")


def picture(e, spots, thermal, path):
    """Bonds by their local thermal energy, softest modes on top; the softness field, all cores."""
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(14, 6.4))
    jg.plot.bond_field(e, thermal.value, label=r"local thermal energy $\mathcal{E}_b$", ax=left)
    for vector in spots.vector[:6]:
        jg.plot.displacement_field(e.glass, vector, longest=3.0, least=0.1, ax=left)
    left.set_title(f"{e.count} particles: local thermal energy and the softest modes")
    field = jg.softness_field(e, thermal.value, bins=jg.thermal.fitting_bins(e))
    jg.plot.scalar_field(e.glass, field, spots=spots.position, label="softness", ax=right)
    right.set_title("softness field and the cores of all modes, the softest first")
    figure.savefig(path)


def summary(model, e, quench, modes, thermal, elastic, spots, kappa):
    """What a physicist would ask first."""
    n, d = e.position.shape
    value, kappa = (np.asarray(a)[np.asarray(e.bonds.valid)] for a in (thermal.value, kappa))
    moving = n * float(jg.modes.participation_ratio(modes.vector[0]))
    numbers = lambda values, digits=3: "  ".join(f"{float(v):.{digits}f}" for v in values)
    rows = {
        "energy per particle": f"{float(jg.energy(model, e.glass)) / n:.6f}",
        "pressure": f"{float(elastic.pressure):.4f}",
        "largest, typical force": f"{float(quench.max_force):.1e}, {float(quench.force_scale):.2f}",
        "bulk, shear modulus": numbers([elastic.bulk, elastic.shear], 2),
        "sound speeds": f"{numbers(elastic.sound_speeds, 2)}  (transverse, longitudinal)",
        "lowest frequencies": numbers(modes.frequency[:5]),
        "particles in the lowest": f"{moving:.0f}",
        "local thermal energy": f"{numbers([value.min(), value.max()], 1)}  (least, largest)",
        "equipartition": f"{float(thermal.harmonic.sum()):.8f} of {n * d - d} degrees of freedom",
        "soft spots": f"{len(spots.hits)} from {spots.tried} seeds, {spots.unseen:.1f} unseen",
        "softest spots": f"{numbers(np.sqrt(spots.stiffness[:5]))}  (frequencies)",
        "softest, median bond": numbers([kappa.min(), np.median(kappa)], 2),
    }
    print("\n" + "\n".join(f"  {label:<24}{value}" for label, value in rows.items()))
    print("\n" + "\n".join(f"  {label:<24}{seconds:8.2f} s" for label, seconds in TIMES.items()))


if __name__ == "__main__":
    main()
