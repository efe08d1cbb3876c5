"""An ultrastable glass beside a poor one, and their soft spots.

    python examples/08_ultrastable.py            256 disks, parents 0.085 and 0.30
    python examples/08_ultrastable.py --n 1024 --parent 0.068 --sweeps 30000

Swap Monte Carlo brings a polydisperse liquid to equilibrium at a parent temperature at which its
dynamics would stand still, a quench makes it a glass. The stable glass lies lower, is stiffer, and
has fewer and stiffer soft spots. Whether the liquid was at equilibrium is checked, not assumed.
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


def made(key, model, liquid, parent, sweeps):
    """The glass of a liquid at a parent temperature, with what its run was worth."""
    begun = time.perf_counter()
    run = jg.require(
        jg.swap_monte_carlo(
            key, model, liquid, temperature=parent, sweeps=sweeps, sample_every=5, progress=True
        )
    )
    late = run.energies[len(run.energies) // 2 :]
    check = jg.analysis.equilibrium(late, temperature=parent)
    glass = jg.require(jg.quench(model, run.glass)).glass
    n = glass.count
    print(
        f"parent {parent}: liquid {float(check.mean) / n:.4f}, glass "
        f"{float(jg.energy(model, glass)) / n:.4f} a particle, "
        f"{float(check.relaxation_times):.0f} relaxation times measured, "
        f"swaps accepted {float(run.swap_acceptance):.2f}, {time.perf_counter() - begun:.0f} s"
    )
    if int(check.status):
        print(f"parent {parent}: {jg.describe(check.status)}")
    return glass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--parent", type=float, default=0.085)
    parser.add_argument("--poor", type=float, default=0.30)
    parser.add_argument("--sweeps", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/ultrastable.png"))
    args = parser.parse_args()
    model, key = jg.models.get("poly2d"), jax.random.key(args.seed)
    liquid = jg.prepare.push_apart(model, jg.random_glass(key, "poly2d", args.n))
    glasses = {
        parent: made(jax.random.fold_in(key, k), model, liquid, parent, sweeps)
        for k, (parent, sweeps) in enumerate(
            ((args.parent, args.sweeps), (args.poor, max(100, args.sweeps // 10)))
        )
    }
    spots = {}
    for parent, glass in glasses.items():
        e = jg.require(jg.expand(model, glass))
        spots[parent] = jg.soft_spots(e, progress=True)
        stiffness = np.sort(np.asarray(spots[parent].stiffness))
        modulus = float(jg.shear_modulus(e).total)
        print(
            f"parent {parent}: shear modulus {modulus:.2f}, {len(stiffness)} soft spots, "
            f"the softest {np.round(stiffness[:3], 3).tolist()}"
        )
    args.out.parent.mkdir(exist_ok=True)
    draw(glasses, spots).savefig(args.out)
    print(f"saved {args.out}")


def draw(glasses, spots):
    """Each glass with its softest mode."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(glasses), figsize=(11, 5.5), layout="constrained")
    for axis, (parent, glass) in zip(axes, glasses.items(), strict=True):
        jg.plot.particles(glass, ax=axis)
        softest = int(np.argmin(spots[parent].stiffness))
        jg.plot.displacement_field(glass, spots[parent].vector[softest], ax=axis)
        axis.set_title(f"parent temperature {parent}")
    return figure


if __name__ == "__main__":
    main()
