"""Thermal displacement, local thermal energy and softness field of one glass.

    python examples/02_thermal_maps.py                          1,600 particles, a minute
    python examples/02_thermal_maps.py --n 10000 --time 200     the article's size and annealing

Figures 1 and 3 of the article.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=1600)
    parser.add_argument(
        "--time", type=float, default=20.0, help="annealing time just below Tg; published: 200"
    )
    parser.add_argument("--bins", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/thermal_maps.png"))
    args = parser.parse_args()
    model = jg.models.get("ipl2d")
    protocol = jg.protocols.annealed("ipl2d", time=args.time)
    made = jg.require(
        jg.make_glass(jax.random.key(args.seed), "ipl2d", args.n, protocol=protocol, progress=True)
    )
    e = jg.require(jg.expand(model, made.glass))
    thermal = jg.require(jg.local_thermal_energy(e))
    bins = jg.thermal.fitting_bins(e, most=args.bins)
    field = jg.softness_field(e, thermal.value, bins=bins)
    peaks = jg.softness_peaks(e.glass, field)
    args.out.parent.mkdir(exist_ok=True)
    draw(e, thermal, field, peaks).savefig(args.out)
    strongest = np.argsort(-np.abs(np.asarray(thermal.value)))[:5]
    print(
        "largest local thermal energies  " + "  ".join(f"{thermal.value[b]:.1f}" for b in strongest)
    )
    print(
        f"{len(peaks.score)} soft spots, Delta of the first five  "
        + "  ".join(f"{x:.2f}" for x in peaks.delta[:5])
    )
    print(f"saved {args.out}")


def draw(e, thermal, field, peaks):
    plt = jg.plot.apply_style()
    figure, axes = plt.subplots(1, 3, figsize=(15, 5))
    jg.plot.displacement_field(
        e.glass, thermal.displacement, longest=4.0, color="#15304f", ax=axes[0]
    )
    axes[0].set_title("thermal displacement")
    jg.plot.bond_field(e, thermal.value, label=r"$\mathcal{E}_b$", ax=axes[1])
    axes[1].set_title("local thermal energy")
    jg.plot.scalar_field(
        e.glass,
        field,
        spots=peaks.position[:5],
        label=r"coarse-grained $|\mathcal{E}|$",
        ax=axes[2],
    )
    axes[2].set_title("softness field")
    return figure


if __name__ == "__main__":
    main()
