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
    """Disks at a packing fraction, after many swaps, and their series of positions."""
    keys = jax.random.split(key, 4)
    start = jg.prepare.hard_start(keys[0], "hard2d", args.n)
    dense = jg.require(jg.prepare.compress(keys[1], MODEL, start, packing=packing)).glass
    run = jg.swap_monte_carlo(
        keys[2],
        MODEL,
        dense,
        temperature=1.0,
        sweeps=args.equilibrate,
        sample_every=args.equilibrate,
    )
    settings = {"frames": args.frames, "sweeps": args.sweeps, "step": run.step}
    return jg.require(jg.prepare.position_series(keys[3], MODEL, run.glass, **settings))


def compressibility(series):
    """Z, a mean over the frames."""
    one = lambda x: jg.prepare.compressibility(MODEL, series.glass.replace(position=x))
    return float(jnp.mean(jax.jit(lambda x: jax.lax.map(one, x))(series.position[::4])))


def equation_of_state(fill, sizes):
    """Z of a mixture of disks (Henderson; Santos, Yuste and Lopez de Haro; from memory)."""
    alike = np.mean(sizes) ** 2 / np.mean(sizes**2)
    return (1 - alike) / (1 - fill) + alike * (1 + fill**2 / 8) / (1 - fill) ** 2


def measured(series):
    """The expansion of the measured Hessian, with the six nearest as bonds, and frequencies."""
    edge = float(series.glass.box.cell[0, 0])
    found = jg.require(jg.measured_hessian(series.position, edge))
    pairs = jg.nearest_pairs(found.position, edge)
    e = jg.from_hessian(found.matrix, 2, pairs=pairs, position=found.position)
    place = jg.glass(found.position, edge, diameter=series.glass.diameter)
    return e, place, np.asarray(found.frequency)


def draw(args, fills, pressures, sizes, results):
    figure, axes = jg.plot.apply_style().subplots(2, 2, figsize=(9, 8))
    (first, second), (third, fourth) = axes
    line = np.linspace(min(fills), max(fills), 50)
    first.plot(line, equation_of_state(line, sizes), "k-", label="equation of state")
    first.plot(fills, pressures, "s", label="swap Monte Carlo")
    first.set(xlabel="packing fraction", ylabel="P V / N k T")
    first.legend()
    e, glass, _ = results[0]
    lowest = jg.lowest_modes(e, 8)
    jg.plot.displacement_field(glass, lowest.vector[0], ax=second)
    second.set_title("lowest mode, a shear wave")
    soft = jg.pseudo_harmonic_mode(e, lowest.vector)
    small = int(np.nanargmin(jg.modes.participation_ratio(soft.vector)))
    jg.plot.displacement_field(glass, soft.vector[small], ax=fourth)
    fourth.set_title(f"pseudo-harmonic mode, stiffness {float(soft.stiffness[small]):.3g}")
    every = np.concatenate([frequency for *_, frequency in results])
    third.hist(
        every, bins=np.geomspace(every.min(), every.max(), 40), density=True, histtype="step"
    )
    # the four modes of the first band, and where the second is expected
    band = np.mean([frequency[:4].mean() for *_, frequency in results])
    for k, style in ((1.0, "--"), (np.sqrt(2.0), ":")):
        third.axvline(k * band, color="k", linestyle=style)
    third.set(xscale="log", yscale="log", xlabel="frequency", ylabel="density of states")
    figure.savefig(args.out)
    print(f"first shear waves: {results[0][2][:8].round(2)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("n", 64), ("samples", 2), ("frames", 4000), ("sweeps", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--equilibrate", type=int, default=5000, help="sweeps with swaps")
    parser.add_argument("--packing", type=float, default=0.83, help="of the glasses; Z = 35")
    parser.add_argument("--out", type=Path, default=Path("demo/hard_disks.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    key = jax.random.key(args.seed)
    fills = [*np.linspace(0.6, args.packing, 4)[:-1], args.packing]
    series = [equilibrated(args, jax.random.fold_in(key, k), fill) for k, fill in enumerate(fills)]
    pressures = [compressibility(one) for one in series]
    for fill, z in zip(fills, pressures, strict=True):
        print(f"packing {fill:.3f}: Z = {z:.1f}")
    results = [measured(series[-1])]
    for k in range(1, args.samples):
        results.append(measured(equilibrated(args, jax.random.fold_in(key, 100 + k), args.packing)))
    draw(args, fills, pressures, np.asarray(series[0].glass.diameter), results)
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
