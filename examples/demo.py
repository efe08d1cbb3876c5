"""The whole job in one go: make a planar glass, quench it, expand its energy, save it, draw it, say what was found.

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

import jax.numpy as jnp
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
    parser.add_argument("--time", type=float, default=60.0, help="annealing time just below Tg; the published value is 200")
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(exist_ok=True)

    key = jax.random.key(args.seed)
    model = jg.models.get("ipl2d")
    protocol = jg.protocols.annealed("ipl2d", time=args.time)
    checkpoint = str(args.out / "running.ckpt")
    made = timed(
        "anneal and quench", jg.make_glass, key, "ipl2d", args.n, protocol=protocol, progress=True, checkpoint=checkpoint
    )
    jg.require(made)
    e = jg.require(timed("expand to 4th order", jg.expand, model, made.glass))
    modes = jg.require(timed("30 lowest modes", jg.lowest_modes, e, 30))
    jg.save(args.out / "glass.h5", made.glass, model=model, results={"quench": made, "modes": modes}, protocol=protocol, key=key)
    timed("draw", picture, model, e, modes, args.out / "glass.png")
    summary(model, made, e, modes)
    print(f"\nsaved {args.out / 'glass.h5'} and {args.out / 'glass.png'}")


def picture(model, e, modes, path):
    """Particles, bonds coloured by the force they carry, and the lowest mode as arrows."""
    ax = jg.plot.particles(e.glass, model=model, color="0.9")
    strength = jnp.sign(e.derivative[1]) * jnp.linalg.norm(e.force, axis=1)
    jg.plot.bond_field(e, -strength, signed=False, label="force along the bond", ax=ax)
    jg.plot.displacement_field(e.glass, modes.vector[0], longest=4.0, ax=ax)
    ax.set_title(f"{e.count} particles, inverse power law r$^{{-10}}$, bond forces and the lowest mode", fontsize=11)
    ax.figure.savefig(path)


def summary(model, made, e, modes):
    """What a physicist would ask first."""
    n, glass = e.count, made.glass
    force = np.linalg.norm(np.asarray(e.force), axis=1)[np.asarray(e.bonds.valid)]
    pressure = -float(jnp.trace(jg.stress(e))) / glass.dim
    rows = {
        "particles, dimensions": f"{n}, {glass.dim}",
        "energy per particle": f"{float(jg.energy(model, glass)) / n:.6f}",
        "pressure": f"{pressure:.4f}",
        "largest force left": f"{float(made.max_force):.1e}  (typical bond force {force.mean():.2f})",
        "bonds per particle": f"{int(e.bonds.count) / n:.3f}",
        "Born modulus": f"{float(jg.strain_curvature(e, (0, 1)) / glass.box.volume):.3f}",
        "lowest frequencies": "  ".join(f"{w:.3f}" for w in modes.frequency[:5]),
        "lowest mode": f"about {n * float(jg.participation_ratio(modes.vector[0])):.0f} particles take part",
    }
    print("\n" + "\n".join(f"  {label:<24}{value}" for label, value in rows.items()))
    print("\n" + "\n".join(f"  {label:<24}{seconds:8.2f} s" for label, seconds in TIMES.items()))


if __name__ == "__main__":
    main()
