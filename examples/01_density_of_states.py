r"""Density of states and localisation of the low modes of an ensemble (thesis figures 2.2 and 2.3).

    python examples/01_density_of_states.py        a toy, about a minute: 2D, 8 glasses of 256
    python examples/01_density_of_states.py --model ipl3d --n 2000 --samples 2000 --modes 60 \
        --rate 1e-3                                full size

Glasses are cooled from the liquid one by one and their modes found together under vmap. Below the
lowest phonon D(omega) grows as omega^4, and n e(omega) tells how many particles take part.
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


def ensemble(args):
    """Expansions of glasses cooled one after the other."""
    model, seed = jg.models.get(args.model), jax.random.key(args.seed)
    protocol = jg.protocols.cooled(args.model, rate=args.rate, low=args.low, liquid_time=5.0)
    with jg.Progress("cooling", args.samples) as bar:
        for k in range(args.samples):
            key = jax.random.fold_in(seed, k)
            made = jg.require(jg.make_glass(key, args.model, args.n, protocol=protocol))
            yield jg.require(jg.expand(model, made.glass))
            bar.done(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d")
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--modes", type=int, default=40)
    parser.add_argument("--rate", type=float, default=0.1, help="cooling rate; published: 1e-3")
    parser.add_argument("--low", type=float, default=0.1, help="temperature of the quench")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/density_of_states.png"))
    args = parser.parse_args()
    samples = jg.stack(list(ensemble(args)))
    found = jg.require(jax.jit(jax.vmap(lambda e: jg.lowest_modes(e, args.modes)))(samples))
    frequency = np.asarray(found.frequency)
    share = np.asarray(jg.modes.participation_ratio(found.vector))
    # Beyond the last mode of some sample the ensemble is not complete.
    complete = frequency[:, -1].min()
    args.out.parent.mkdir(exist_ok=True)
    draw(args, frequency, share, complete, args.n * samples.position.shape[-1])
    lowest = np.argsort(frequency.ravel())[: frequency.size // 10]
    print(
        f"{frequency.size} modes of {args.samples} glasses, lowest {frequency.min():.3f}, "
        f"complete below {complete:.3f}"
    )
    print(f"lowest decile: n e = {args.n * share.ravel()[lowest].mean():.1f}; saved {args.out}")


def draw(args, frequency, share, complete, degrees):
    """D(omega) with the omega^4 guide, and n e(omega)."""
    plt = jg.plot.apply_style()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
    edges = np.geomspace(0.8 * frequency.min(), complete, 16)
    middle = np.sqrt(edges[1:] * edges[:-1])
    dos = jg.analysis.density_of_states(frequency, edges, degrees=args.samples * degrees)
    left.loglog(middle[dos > 0], dos[dos > 0], "o")
    guide = dos[dos > 0][0] * (middle / middle[dos > 0][0]) ** 4
    left.loglog(middle, guide, "--", color="0.5", label=r"$\omega^4$")
    left.set(xlabel=r"$\omega$", ylabel=r"$D(\omega)$")
    left.legend()
    below = frequency < complete
    w, e = jg.analysis.running_mean(frequency[below], share[below], 20)
    right.semilogx(frequency.ravel(), args.n * share.ravel(), ".", color="0.8", markersize=2)
    right.semilogx(w, args.n * e, "o-")
    right.set(xlabel=r"$\omega$", ylabel=r"$n\,e(\omega)$")
    figure.savefig(args.out)


if __name__ == "__main__":
    main()
