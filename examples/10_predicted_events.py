"""Do soft spots say where a glass yields? The distribution F_n of the standing of the n-th event.

    python examples/10_predicted_events.py                      8 glasses of 400 particles
    python examples/10_predicted_events.py --n 10000 --samples 5000 --events 5    the article's size

Each event goes to the nearest soft spot of the glass as it was made, once of the field of local
thermal energies and once of a map of the 30 lowest modes. Delta = 1 is the softest spot. Thirty
modes cover a small glass evenly, so that all their spots have a Delta near 1; fair at any size is
the share of spots that are softer, 0.5 by chance, which is printed too. Left, the events of the
first glass on its softness field; right, F_n with bootstrap bands of 68 per cent.
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


def fields(e):
    """The softness field, and the map of the lowest modes on the same grid."""
    factor, bins = jg.require(jg.factorise(e)), jg.thermal.fitting_bins(e)
    energy = jg.require(jg.local_thermal_energy(e, factor=factor)).value
    modes = jg.require(jg.lowest_modes(e, 30, method="direct", factor=factor))
    mode_map = jg.indicators.mode_map(modes)
    return {
        "thermal energy": jg.softness_field(e, energy, bins=bins),
        "30 modes": jg.softness_field(e, mode_map, bins=bins, threshold=0.0),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--events", type=int, default=3)
    parser.add_argument("--time", type=float, default=20.0, help="of annealing; published: 200")
    parser.add_argument("--out", type=Path, default=Path("demo/predicted.png"))
    args = parser.parse_args()
    model, plan = jg.models.get("ipl2d"), jg.protocols.annealed("ipl2d", time=args.time)
    delta = {"thermal energy": [], "30 modes": []}
    softer = {name: [] for name in delta}
    shown = None
    for k in range(args.samples):
        glass = jg.require(jg.make_glass(jax.random.key(k), "ipl2d", args.n, protocol=plan)).glass
        e = jg.require(jg.expand(model, glass))
        maps = fields(e)
        run = jg.require(jg.shear(model, glass, max_strain=0.3, events=args.events))
        for name, field in maps.items():
            peaks = jg.softness_peaks(glass, field)
            nearest = [jg.thermal.nearest_peak(glass, peaks, p) for p in run.events.particle]
            delta[name].append([spot.delta for spot in nearest])
            softer[name].append([spot.number / (len(peaks.delta) - 1) for spot in nearest])
        shown = shown or (glass, maps["thermal energy"], run.events)
        print(f"glass {k}: events at", ", ".join(f"{strain:.5f}" for strain in run.events.strain))
    delta = {name: np.array(rows) for name, rows in delta.items()}
    at = np.linspace(1, 4, 61)
    found = {
        name: jg.analysis.bootstrap(lambda rows: (rows[:, :, None] <= at).mean(0), rows, level=0.68)
        for name, rows in delta.items()
    }
    for n in range(args.events):
        print(f"event {n + 1}:")
        for name, (value, _, _) in found.items():
            share = np.array(softer[name])[:, n]
            error = np.std(share) / np.sqrt(len(share))
            print(
                f"    {name:14} F(2) = {value[n][np.searchsorted(at, 2.0)]:.2f}, "
                f"share of softer spots {np.mean(share):.2f} +- {error:.2f}"
            )
    args.out.parent.mkdir(exist_ok=True)
    draw(*shown, at, found).savefig(args.out)
    print(f"saved {args.out}")


def draw(glass, field, events, at, found):
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(12, 5.4))
    jg.plot.scalar_field(glass, field, label="softness, first events", ax=left)
    jg.plot.marks(glass, events.particle, ax=left)
    for (name, (value, low, high)), style in zip(found.items(), ("-", "--"), strict=True):
        for n, color in zip(range(len(value)), ("C0", "C1", "C2", "C3", "C4"), strict=False):
            right.plot(at, value[n], style, color=color, label=f"event {n + 1}, {name}")
            right.fill_between(at, low[n], high[n], color=color, alpha=0.15)
    right.set(xlabel=r"$\Delta$", ylabel=r"$F_n(\Delta)$", ylim=(0, 1))
    right.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    main()
