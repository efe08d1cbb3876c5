"""The whole job in one go: make a planar glass, find its soft spots, shear it, save, draw, sum up.

python examples/demo.py [--n 1600] [--time 200] [--events 3] [--out demo] [--seed 0]
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
    """Runs a step and remembers how long it took, compilation included."""
    start = time.perf_counter()
    result = jax.block_until_ready(function(*args, **options))
    TIMES[label] = time.perf_counter() - start
    return jg.require(result) if hasattr(result, "status") else result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1600, help="particles")
    parser.add_argument("--time", type=float, default=200.0, help="of annealing; published: 200")
    parser.add_argument("--events", type=int, default=3, help="plastic events to shear to")
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(exist_ok=True)
    key, model = jax.random.key(args.seed), jg.models.get("ipl2d")
    plan = jg.protocols.annealed("ipl2d", time=args.time)
    watched = {"progress": True, "checkpoint": str(args.out / "running.ckpt")}
    made = timed("anneal and quench", jg.make_glass, key, "ipl2d", args.n, protocol=plan, **watched)
    e = timed("expand to 4th order", jg.expand, model, made.glass)
    by = {"factor": timed("factor the Hessian", jg.factorise, e)}
    results = {
        "quench": made,
        "modes": timed("30 lowest modes", jg.lowest_modes, e, 30, **by),
        "thermal": timed("local thermal energy", jg.local_thermal_energy, e, **by),
        "elastic": timed("elastic moduli", jg.elasticity, e, **by),
        "dipole_stiffness": timed("stiffness of every bond", jg.dipole_stiffness, e, **by),
        "spots": timed("catalogue of soft spots", jg.soft_spots, e, progress=True, **by),
        "shear": timed("shear", jg.shear, model, made.glass, max_strain=0.3, events=args.events),
    }
    jg.save(args.out / "glass.h5", made.glass, model=model, results=results, protocol=plan, key=key)
    bins = jg.thermal.fitting_bins(e)
    field = timed("softness field", jg.softness_field, e, results["thermal"].value, bins=bins)
    timed("draw", picture, e, results, field, args.out / "glass.png")
    said = summary(model, e, field, **results)
    print("\n" + "\n".join(f"  {label:<24}{text}" for label, text in said))
    print("\n" + "\n".join(f"  {label:<24}{seconds:8.2f} s" for label, seconds in TIMES.items()))
    print(f"\nsaved {args.out / 'glass.h5'} and {args.out / 'glass.png'}")


def picture(e, results, field, path):
    """Local thermal energy with the softest modes, beside the softness field with all cores."""
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(14, 6.4))
    jg.plot.bond_field(e, results["thermal"].value, label=r"$\mathcal{E}_b$", ax=left)
    for vector in results["spots"].vector[:6]:
        jg.plot.displacement_field(e.glass, vector, longest=3.0, least=0.1, ax=left)
    left.set_title(f"{e.count} particles: local thermal energy and the softest modes", fontsize=11)
    jg.plot.scalar_field(e.glass, field, spots=results["spots"].position, label="|E|", ax=right)
    jg.plot.marks(e.glass, results["shear"].events.particle, ax=right)
    right.set_title("softness field, cores of all modes ringed, plastic events", fontsize=11)
    figure.savefig(path)


def summary(model, e, field, quench, modes, thermal, elastic, dipole_stiffness, spots, shear):
    """What a physicist would ask first."""
    n, valid = e.count, np.asarray(e.bonds.valid)
    value, kappa = np.asarray(thermal.value)[valid], np.asarray(dipole_stiffness)[valid]
    yield "particles, dimensions", f"{n}, {e.glass.dim}"
    yield "energy per particle", f"{jg.energy(model, e.glass) / n:.6f}"
    yield "largest force left", f"{quench.max_force:.1e}  (typical bond {quench.force_scale:.2f})"
    yield "pressure, moduli", f"{elastic.pressure:.4f}, {elastic.bulk:.2f}, {elastic.shear:.2f}"
    yield "lowest frequencies", "  ".join(f"{w:.3f}" for w in modes.frequency[:5])
    yield "local thermal energy", f"{value.min():.1f} to {value.max():.1f}, mean {value.mean():.3f}"
    yield "softest, median bond", f"stiffness {kappa.min():.2f}, {np.median(kappa):.2f}"
    yield "soft spots", f"{len(spots.hits)} from {spots.tried} starts, {spots.unseen:.1f} unseen"
    peaks = jg.softness_peaks(e.glass, field)
    for k, (at, core) in enumerate(zip(shear.events.strain, shear.events.particle, strict=True), 1):
        near = jg.thermal.nearest_peak(e.glass, peaks, core)
        where = f"{near.distance:.1f} from soft spot {near.number + 1} of {len(peaks.delta)}"
        yield f"plastic event {k}", f"at strain {at:.5f}, {where}"


if __name__ == "__main__":
    main()
