"""Hard disks, whose Hessian is that of their fluctuations (thesis, figures 4.5 and 4.2 a):
pressure, density of states, a wave and a soft spot.

    python examples/14_hard_disks.py [--n 64] [--samples 2] [--frames 4000] [--packing 0.83]

Swap Monte Carlo equilibrates disks far above the packing 0.7 at which their dynamics stops; then
they move without swaps, and k_B T over the covariance of their positions is a Hessian. Defaults are
a toy of three minutes; the thesis has --n 1600 --samples 128 --frames 20000, a day.
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

MODEL = jg.models.get("hard2d")


def equilibrated(args, key, packing):
    """A series of positions of disks at a packing fraction, after many swaps."""
    keys, n = jax.random.split(key, 4), args.equilibrate
    start = jg.prepare.hard_start(keys[0], "hard2d", args.n)
    dense = jg.require(jg.prepare.compress(keys[1], MODEL, start, packing=packing)).glass
    run = jg.swap_monte_carlo(keys[2], MODEL, dense, temperature=1.0, sweeps=n, sample_every=n)
    settings = {"frames": args.frames, "sweeps": args.sweeps, "step": run.step}
    return jg.require(jg.prepare.position_series(keys[3], MODEL, run.glass, **settings))


def equation_of_state(fill, sizes):
    """Z of a mixture of disks (Henderson; Santos, Yuste and Lopez de Haro; from memory)."""
    alike = np.mean(sizes) ** 2 / np.mean(sizes**2)
    return (1 - alike) / (1 - fill) + alike * (1 + fill**2 / 8) / (1 - fill) ** 2


def measured(series):
    """Z of a series, its Hessian with the six nearest as bonds, mean positions, frequencies."""
    z = lambda x: jg.prepare.compressibility(MODEL, series.glass.replace(position=x))
    edge = series.glass.box.cell[0, 0]
    found = jg.require(jg.measured_hessian(series.position, edge))
    pairs = jg.nearest_pairs(found.position, edge)
    e = jg.from_hessian(found.matrix, 2, pairs=pairs, position=found.position)
    pressure = jnp.mean(jax.lax.map(jax.jit(z), series.position[::4]))
    return float(pressure), e, jg.glass(found.position, edge), np.asarray(found.frequency)


def draw(path, fills, sizes, results):
    figure, axes = jg.plot.apply_style().subplots(2, 2, figsize=(9, 8))
    first, second, third, fourth = axes.flat
    line = np.linspace(fills[0], fills[-1], 50)
    first.plot(line, equation_of_state(line, sizes), "k-", label="equation of state")
    first.plot(fills, [z for z, *_ in results], "s", label="swap Monte Carlo")
    first.set(xlabel="packing fraction", ylabel="P V / N k T")
    first.legend()
    _, e, glass, _ = results[-1]
    lowest = jg.lowest_modes(e, 8).vector
    soft = jg.pseudo_harmonic_mode(e, lowest)
    small = int(np.nanargmin(jg.modes.participation_ratio(soft.vector)))
    jg.plot.displacement_field(glass, lowest[0], ax=second).set_title("lowest mode, a shear wave")
    jg.plot.displacement_field(glass, soft.vector[small], ax=fourth).set_title("soft spot")
    every = np.concatenate([frequency for *_, frequency in results[3:]])
    third.hist(every, np.geomspace(every.min(), every.max(), 40), density=True, histtype="step")
    band = np.mean([frequency[:4].mean() for *_, frequency in results[3:]])
    for factor in (1, np.sqrt(2)):  # the four modes of the first band, and those of the second
        third.axvline(factor * band, color="k", linestyle=":")
    third.set(xscale="log", yscale="log", xlabel="frequency", ylabel="density of states")
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    numbers = {"n": 64, "samples": 2, "frames": 4000, "sweeps": 20, "equilibrate": 5000, "seed": 0}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--packing", type=float, default=0.83, help="of the glasses, Z = 35")
    parser.add_argument("--out", type=Path, default=Path("demo/hard_disks.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    fills = [*np.linspace(0.6, args.packing, 4)[:-1], *[args.packing] * args.samples]
    keys = jax.random.split(jax.random.key(args.seed), len(fills))
    series = [equilibrated(args, key, fill) for key, fill in zip(keys, fills, strict=True)]
    results = [measured(one) for one in series]
    draw(args.out, fills, np.asarray(series[0].glass.diameter), results)
    print("Z =", np.round([z for z, *_ in results], 1), "at packings", np.round(fills, 3))
    print(f"first shear waves: {results[-1][-1][:8].round(2)}; saved {args.out}")


if __name__ == "__main__":
    main()
