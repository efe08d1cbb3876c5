"""Local thermal energy of pairs and triples in a network glass, and its soft modes (thesis, figure
4.2; the article's claim for energies of three particles).

    python examples/13_beyond_pairs.py [--model sw] [--n 216] [--samples 4] [--time 5]

Left: tails of the local thermal energy of pairs and of triples (embedding for --model cuzr), with
the E^-9/4 of soft spots. Right: stiffness of the pseudo-harmonic modes found from the lowest modes,
over that of these. Defaults are a toy of some minutes; --n 1000 --samples 100 takes hours.
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


def glasses(args):
    """Minima below the equilibrated liquid, slowly annealed."""
    key, model = jax.random.key(args.seed), jg.models.get(args.model)
    protocol = jg.protocols.annealed(args.model, time=args.time, liquid_time=args.time)
    with jg.Progress("making glasses", args.samples) as bar:
        for k in range(args.samples):
            made = jg.make_glass(jax.random.fold_in(key, k), args.model, args.n, protocol=protocol)
            yield jg.require(jg.expand(model, jg.require(made).glass))
            bar.done(1)


def held(e, values):
    """Values of the terms that are there, kind by kind."""
    kept = [e.bonds.valid, *(group.valid for group in e.groups)]
    return [np.asarray(v)[np.asarray(k)] for v, k in zip(values, kept, strict=True)]


def measured(e, count):
    """Local thermal energies of the kinds of terms, stiffness of lowest modes and of the
    pseudo-harmonic modes they lead to.
    """
    energies = held(e, jg.require(jg.local_thermal_energy(e)).value)
    total = sum(values.sum() for values in energies)
    assert abs(total / (e.position.size - 3) - 1) < 1e-8, "equipartition"
    modes = jg.require(jg.lowest_modes(e, count))
    soft = jg.pseudo_harmonic_mode(e, modes.vector)
    good = np.asarray(soft.status) == 0
    return energies, np.asarray(modes.frequency**2)[good], np.asarray(soft.stiffness)[good]


def draw(args, energies, stiffness):
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(10, 4))
    names = ("pairs", "triples" if args.model == "sw" else "embedding")
    for name, values in zip(names, energies, strict=True):
        size = np.sort(np.abs(values[np.abs(values) > 1e-2]))
        share = 1 - (np.arange(len(size)) + 0.5) / len(size)
        left.loglog(size, share, label=name)
    top = max(np.abs(values).max() for values in energies)
    guide = np.geomspace(top / 100, top, 20)
    left.loglog(guide, 1e-4 * (guide / top) ** -1.25, "k:", label="$E^{-5/4}$")
    left.set(xlabel="|E|", ylabel="share of terms above, from 0.01 on")
    left.legend()
    right.loglog(*stiffness, ".")
    right.loglog(*[np.sort(stiffness[0])] * 2, "k:", label="equal")
    right.legend()
    right.set(xlabel="stiffness of a lowest mode", ylabel="of the pseudo-harmonic mode it leads to")
    figure.savefig(args.out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="sw", choices=("sw", "cuzr"))
    for name, default in (("n", 216), ("samples", 4), ("modes", 12), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--time", type=float, default=5.0, help="of the liquid, and of annealing")
    parser.add_argument("--out", type=Path, default=Path("demo/beyond_pairs.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    found = [measured(e, args.modes) for e in glasses(args)]
    energies = [np.concatenate(kind) for kind in zip(*(f[0] for f in found), strict=True)]
    stiffness = [np.concatenate(kind) for kind in zip(*(f[1:] for f in found), strict=True)]
    draw(args, energies, stiffness)
    for kind, values in zip(("pairs", "terms of more"), energies, strict=True):
        print(f"{kind}: {len(values)} terms, E from {values.min():.3g} to {values.max():.3g}")
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
