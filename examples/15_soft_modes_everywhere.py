"""Pseudo-harmonic modes where other soft modes are hard to find (thesis, figure 4.2): soft spheres
near unjamming, a network glass, a metallic glass. Hard disks are in 14_hard_disks.py.

    python examples/15_soft_modes_everywhere.py [--pressure 1e-3] [--time 5] [--seeds 32]

The Hessian and the pairs that interact are all that they need. Glasses in space are seen along an
axis. Some minutes.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import jax.numpy as jnp
import numpy as np

import jaxglass as jg

SIZES = {"hertz": 400, "sw": 512, "cuzr": 256}
STEP = 0.995  # of all lengths, from one density to the next


def near_unjamming(key, n, pressure):
    """Hertzian spheres, decompressed until their pressure is low."""
    model = jg.models.get("hertz")
    glass = jg.quench(model, jg.random_glass(key, "hertz", n)).glass
    while True:
        wider = jg.deformed(glass, jnp.eye(2) / STEP, room=0.05)
        found = jg.quench(model, wider)
        e = jg.expand(model, found.glass)
        if jnp.trace(jg.stress(e)) / 2 > -pressure:
            return jg.expand(model, jg.prepare.without_rattlers(model, glass))
        glass = found.glass


def annealed(key, name, n, time):
    """A glass cooled from the liquid."""
    protocol = jg.protocols.annealed(name, time=time, liquid_time=time)
    made = jg.make_glass(key, name, n, protocol=protocol)
    return jg.expand(jg.models.get(name), jg.require(made).glass)


def most_local(e, seeds):
    """Of the pseudo-harmonic modes from the softest bonds the one on the fewest particles, its
    stiffness, and that of the lowest mode.
    """
    factor = jg.require(jg.factorise(e))
    softness = jnp.where(e.bonds.valid, jg.dipole_stiffness(e, factor=factor), jnp.inf)
    starts = jg.modes.dipole_seeds(e, jnp.argsort(softness)[:seeds], factor=factor)
    found = jg.pseudo_harmonic_mode(e, starts, factor=factor)
    share = np.where(found.status == 0, jg.modes.participation_ratio(found.vector), np.inf)
    k = int(np.argmin(share))
    lowest = float(jg.lowest_modes(e, 1).frequency[0]) ** 2
    return found.vector[k], float(found.stiffness[k]), float(share[k]), lowest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pressure", type=float, default=1e-3, help="of the Hertzian spheres")
    parser.add_argument("--time", type=float, default=5.0, help="of liquids, and of annealing")
    parser.add_argument("--models", nargs="*", default=list(SIZES), choices=SIZES)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of particles")
    parser.add_argument("--seeds", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/soft_modes_everywhere.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    figure, axes = jg.plot.apply_style().subplots(
        1, len(args.models), figsize=(4 * len(args.models), 4.4), squeeze=False
    )
    for ax, name in zip(axes[0], args.models, strict=True):
        of = jax.random.key(args.seed), int(args.scale * SIZES[name])
        if name == "hertz":
            e = near_unjamming(*of, args.pressure)
        else:
            e = annealed(of[0], name, of[1], args.time)
        mode, stiffness, share, lowest = most_local(e, args.seeds)
        jg.plot.displacement_field(e.glass, mode, least=0.05, ax=ax)
        ax.set_title(f"{name}, n = {e.count}")
        print(
            f"{name}: stiffness {stiffness:.3g} on {share * e.count:.0f} of {e.count} particles, "
            f"lowest mode {lowest:.3g}"
        )
    figure.savefig(args.out)
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
