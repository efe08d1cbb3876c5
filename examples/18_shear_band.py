"""A shear band, and since when its place can be told: profiles across it, and the rank of its
particles in maps of the glass on the way (document 003, figure 10).

    python examples/18_shear_band.py [--n 1024] [--parent 0.085] [--strain 0.12]

A glass quenched from swap Monte Carlo is sheared in steps, all plastic events on the way included.
Where it has moved most from the first state to the last is the band. A rank of 1/2 says that its
particles look like all others.
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

MAPS = ("vibrality", "steric_order", "nonaffine_velocity", "size")
HALF = 0.1  # of the box, the half width of what counts as inside


def sheared(model, glass, strain, points):
    """States at even strains, the first one included."""
    states = [glass]
    with jg.Progress("strain", points) as bar:
        for _ in range(points):
            run = jg.require(jg.shear(model, states[-1], max_strain=strain / points))
            states.append(run.glass)
            bar.done(1)
    return states


def rank_inside(model, glass, inside):
    """Mean rank, 0 to 1, of the particles inside by each map, soft ones high."""
    found = {}
    for name, values in jg.indicators.table(model, glass, only=MAPS).items():
        ranks = jg.analysis.ranks(jg.indicators.softness_signs[name] * np.asarray(values))
        found[name] = ranks[inside].mean() / (glass.count - 1)
    return found


def draw(path, states, strains, bands, ranks):
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(11, 4.5))
    for strain, band in zip(strains[1:], bands, strict=True):
        left.plot(band.position, np.asarray(band.value) / states[0].count, label=f"{strain:.3f}")
    left.set(xlabel="place across the band, in boxes", ylabel="D2min a particle", yscale="log")
    left.legend(title="strain", fontsize=7)
    for name in MAPS:
        right.plot(strains, [rank[name] for rank in ranks], "o-", label=name)
    right.axhline(0.5, color="0.6")
    right.set(xlabel="strain", ylabel="mean rank inside the band", ylim=(0, 1))
    right.legend()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("n", 1024), ("points", 6), ("sweeps", 20_000), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--parent", type=float, default=0.085)
    parser.add_argument("--strain", type=float, default=0.12)
    parser.add_argument("--out", type=Path, default=Path("demo/shear_band.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    model = jg.models.get("poly2d")
    protocol = jg.protocols.swapped("poly2d", parent=args.parent, sweeps=args.sweeps)
    key = jax.random.key(args.seed)
    made = jg.make_glass(key, "poly2d", args.n, protocol=protocol, progress=True)
    states = sheared(model, jg.require(made).glass, args.strain, args.points)
    strains = np.linspace(0, args.strain, args.points + 1)
    moved = [jg.d2min(states[0], state) for state in states[1:]]
    # a band lies along the shear or across it: the axis whose profile has the higher peak
    profile = lambda axis: jg.plasticity.band_profile(states[-1], moved[-1], axis=axis)
    axis = max((0, 1), key=lambda axis: float(np.nanmax(profile(axis).value)))
    bands = [jg.plasticity.band_profile(states[-1], one, axis=axis) for one in moved]
    inside = np.asarray(bands[-1].inside) < HALF
    ranks = [rank_inside(model, state, inside) for state in states]
    print("strain   " + "  ".join(f"{name:>18}" for name in MAPS))
    for strain, rank in zip(strains, ranks, strict=True):
        print(f"{strain:6.3f}   " + "  ".join(f"{rank[name]:18.2f}" for name in MAPS))
    draw(args.out, states, strains, bands, ranks)
    print(f"{int(inside.sum())} of {args.n} particles inside the band; saved {args.out}")


if __name__ == "__main__":
    main()
