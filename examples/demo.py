"""The whole job in one go: make a planar glass, quench it, find its soft spots, save it, draw it,
say what was found.

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
    """Runs a step and remembers how long it took, compilation included."""
    start = time.perf_counter()
    result = jax.block_until_ready(function(*args, **options))
    TIMES[label] = time.perf_counter() - start
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1600, help="particles")
    parser.add_argument(
        "--time",
        type=float,
        default=60.0,
        help="annealing time just below Tg; the published value is 200",
    )
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(exist_ok=True)

    key = jax.random.key(args.seed)
    model = jg.models.get("ipl2d")
    protocol = jg.protocols.annealed("ipl2d", time=args.time)
    checkpoint = str(args.out / "running.ckpt")
    made = timed(
        "anneal and quench",
        jg.make_glass,
        key,
        "ipl2d",
        args.n,
        protocol=protocol,
        progress=True,
        checkpoint=checkpoint,
    )
    jg.require(made)
    e = jg.require(timed("expand to 4th order", jg.expand, model, made.glass))
    modes = jg.require(timed("30 lowest modes", jg.lowest_modes, e, 30))
    thermal = jg.require(timed("local thermal energy", jg.local_thermal_energy, e))
    elastic = jg.require(timed("elastic moduli", jg.elasticity, e))
    kappa = timed("stiffness of every bond", jg.dipole_stiffness, e)
    spots = jg.require(timed("catalogue of soft spots", jg.soft_spots, e, progress=True))
    results = {
        "quench": made,
        "modes": modes,
        "thermal": thermal,
        "elastic": elastic,
        "dipole_stiffness": kappa,
        "spots": spots,
    }
    jg.save(
        args.out / "glass.h5", made.glass, model=model, results=results, protocol=protocol, key=key
    )
    timed("draw", picture, e, spots, thermal, args.out / "glass.png")
    summary(model, made, e, modes, thermal, elastic, kappa, spots)
    print(f"\nsaved {args.out / 'glass.h5'} and {args.out / 'glass.png'}")


def picture(e, spots, thermal, path):
    """Local thermal energy on the bonds with the softest modes on top, beside the softness field
    and all their cores.
    """
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(14, 6.4))
    jg.plot.bond_field(e, thermal.value, label=r"local thermal energy $\mathcal{E}_b$", ax=left)
    for vector in spots.vector[:6]:
        jg.plot.displacement_field(e.glass, vector, longest=3.0, least=0.1, ax=left)
    left.set_title(f"{e.count} particles: local thermal energy and the softest modes", fontsize=11)
    field = jg.softness_field(e, thermal.value, bins=jg.thermal.fitting_bins(e))
    jg.plot.scalar_field(
        e.glass, field, spots=spots.position, label=r"coarse-grained $|\mathcal{E}|$", ax=right
    )
    right.set_title("softness field and the cores of all modes, the softest first", fontsize=11)
    figure.savefig(path)


def summary(model, made, e, modes, thermal, elastic, kappa, spots):
    """What a physicist would ask first."""
    n, glass = e.count, made.glass
    valid = np.asarray(e.bonds.valid)
    force = np.linalg.norm(np.asarray(e.force), axis=1)[valid]
    extreme = np.asarray(thermal.value)[valid]
    transverse, longitudinal = elastic.sound_speeds
    rows = {
        "particles, dimensions": f"{n}, {glass.dim}",
        "energy per particle": f"{float(jg.energy(model, glass)) / n:.6f}",
        "pressure": f"{float(elastic.pressure):.4f}",
        "largest force left": f"{float(made.max_force):.1e}  (typical bond force {force.mean():.2f})",
        "bonds per particle": f"{int(e.bonds.count) / n:.3f}",
        "bulk, shear modulus": f"{float(elastic.bulk):.2f}, {float(elastic.shear):.2f}  (shear without relaxation {float(elastic.born[0, 1, 0, 1]):.2f})",
        "sound speeds": f"{float(transverse):.2f} transverse, {float(longitudinal):.2f} longitudinal",
        "lowest frequencies": "  ".join(f"{w:.3f}" for w in modes.frequency[:5]),
        "lowest mode": f"about {n * float(jg.modes.participation_ratio(modes.vector[0])):.0f} particles take part",
        "local thermal energy": f"from {extreme.min():.1f} to {extreme.max():.1f}, mean {extreme.mean():.3f}",
        "equipartition": f"sum of K:B = {float(thermal.harmonic.sum()):.8f}, degrees of freedom {n * glass.dim - glass.dim}",
        "soft spots": f"{len(spots.hits)} pseudo-harmonic modes from {spots.tried} starts, about {spots.unseen:.1f} unseen",
        "softest spots": "  ".join(f"{w:.3f}" for w in np.sqrt(spots.stiffness[:5]))
        + "  (frequencies)",
        "softest, median bond": f"stiffness {np.asarray(kappa)[valid].min():.2f}, {np.median(np.asarray(kappa)[valid]):.2f} against a force dipole",
    }
    print("\n" + "\n".join(f"  {label:<24}{value}" for label, value in rows.items()))
    print("\n" + "\n".join(f"  {label:<24}{seconds:8.2f} s" for label, seconds in TIMES.items()))


if __name__ == "__main__":
    main()
