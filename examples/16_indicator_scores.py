"""Which indicator knows where a glass will yield: scores against exact first events, and how alike
indicators rank particles (document 003, figure 4).

    python examples/16_indicator_scores.py [--model ipl2d] [--n 400] [--samples 12]

Every glass is strained in both senses to its first plastic event; the score of an indicator is
C = 2 <rank> - 1 of the particle that moves most, 1 for a prophet and 0 for a die. Size is one more
indicator: small particles rearrange, and structural ones see sizes. Defaults take some minutes; the
document has 10,000 particles and 100 samples.
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

SIGNS = jg.indicators.softness_signs


def measured(model, glass):
    """The table of a glass, and the ranks of the cores of its first events in both senses."""
    table = jg.indicators.table(model, glass)
    ranks = {name: [] for name in table}
    for sense in (1, -1):
        event = jg.first_event(model, glass, max_strain=0.2 * sense)
        if int(event.status) == 0:
            for name, values in table.items():
                rank = jg.rank_score(np.asarray(values), int(event.particle), sign=SIGNS[name])
                ranks[name].append(rank)
    return table, ranks


def draw(path, scores, matrix):
    names = sorted(scores, key=lambda name: -scores[name].value)
    order = [list(scores).index(name) for name in names]
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(12, 6))
    for k, name in enumerate(names):
        left.plot([scores[name].low, scores[name].high], [k, k], "k-")
        left.plot(scores[name].value, k, "o")
    left.axvline(0, color="0.6")
    left.invert_yaxis()
    left.set_yticks(range(len(names)), names)
    left.set(xlabel="score C of first events", xlim=(-1, 1))
    shown = right.imshow(matrix[np.ix_(order, order)], vmin=-1, vmax=1, cmap="RdBu_r")
    right.set_xticks(range(len(names)), names, rotation=90)
    right.set_yticks([])
    figure.colorbar(shown, ax=right, label="rank correlation")
    figure.savefig(path)
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d", help="a planar model of the catalogue")
    for name, default in (("n", 400), ("samples", 12), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--time", type=float, default=20.0, help="of the liquid, and of annealing")
    parser.add_argument("--out", type=Path, default=Path("demo/indicator_scores.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    model, key = jg.models.get(args.model), jax.random.key(args.seed)
    protocol = jg.protocols.annealed(args.model, time=args.time, liquid_time=args.time)
    every, matrices = {name: [] for name in SIGNS}, []
    with jg.Progress("glasses", args.samples) as bar:
        for k in range(args.samples):
            made = jg.make_glass(jax.random.fold_in(key, k), args.model, args.n, protocol=protocol)
            table, ranks = measured(model, jg.require(made).glass)
            matrices.append(jg.indicators.spearman_matrix(table))
            for name, found in ranks.items():
                every[name] += found
            bar.done(1)
    every = {name: every[name] for name in table}
    scores = {name: jg.correlation_score(found) for name, found in every.items()}
    for name in draw(args.out, scores, np.nanmean(matrices, axis=0)):
        low, high = scores[name].low, scores[name].high
        print(f"{name:22} {scores[name].value:6.2f}   {low:5.2f} to {high:5.2f}")
    print(f"{len(every['size'])} events of {args.samples} glasses; saved {args.out}")


if __name__ == "__main__":
    main()
