"""Stress-strain curves of a poorly and a well annealed glass, every plastic event located exactly.

    python examples/09_stress_strain.py             256 disks, to a strain of 0.1
    python examples/09_stress_strain.py --n 1024 --strain 0.15 --parent 0.1 --sweeps 20000

Both are polydisperse disks, quenched from swap Monte Carlo at two parent temperatures. Elastic
branches are followed by continuation, each event is the fold where one ends.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import numpy as np

import jaxglass as jg


def made(key, n, parent, sweeps):
    """A glass from a liquid at a parent temperature, and its model."""
    model = jg.models.get("poly2d")
    liquid = jg.prepare.push_apart(model, jg.random_glass(key, "poly2d", n))
    run = jg.swap_monte_carlo(
        key, model, liquid, temperature=parent, sweeps=sweeps, sample_every=sweeps
    )
    return model, jg.require(jg.quench(model, jg.require(run).glass)).glass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--strain", type=float, default=0.1)
    parser.add_argument("--parent", type=float, default=0.12)
    parser.add_argument("--poor", type=float, default=0.3)
    parser.add_argument("--sweeps", type=int, default=4_000)
    parser.add_argument("--out", type=Path, default=Path("demo/stress_strain.png"))
    args = parser.parse_args()
    runs = {}
    for parent in (args.poor, args.parent):
        model, glass = made(jax.random.key(0), args.n, parent, args.sweeps)
        runs[parent] = run = jg.require(
            jg.shear(model, glass, max_strain=args.strain, progress=True)
        )
        events, count = run.events, int(run.count)
        first = f"the first at {float(events.strain[0]):.6f}, " if count else ""
        print(
            f"parent {parent}: {count} events, {first}"
            f"dissipated {float(events.energy_drop.sum()) / args.n:.5f} a particle, "
            f"{int(run.factorisations)} factorisations"
        )
    args.out.parent.mkdir(exist_ok=True)
    draw(runs).savefig(args.out)
    print(f"saved {args.out}")


def draw(runs):
    """Stress against strain, the events marked by how much energy each dissipates."""
    figure, axis = jg.plot.apply_style().subplots(figsize=(8, 5))
    for parent, run in runs.items():
        (line,) = axis.plot(run.strain, run.stress, label=f"parent temperature {parent}")
        rows = np.searchsorted(np.asarray(run.strain), np.asarray(run.events.strain))
        size = 20 + 60 * np.sqrt(np.asarray(run.events.energy_drop))
        axis.scatter(run.events.strain, run.stress[rows], size, color=line.get_color(), alpha=0.5)
    axis.set(xlabel="strain", ylabel="stress")
    axis.legend()
    return figure


if __name__ == "__main__":
    main()
