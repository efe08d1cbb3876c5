"""A softness learned from plastic events of some glasses, tried on others (document 003, appendix
B 5).

    python examples/17_learned_softness.py [--model ipl2d] [--n 400] [--glasses 6]

Half of the glasses are sheared to teach: where D2min of a critical mode has a local maximum, the
surroundings count as soft, where a minimum, as hard. The plane between both is kept in a file,
which any other program of yours can load and apply to configurations from anywhere. The document
has 20,000 samples of each side and 10,000 particles, and accuracies from 87.5 to 93.5 per cent.
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


def samples(model, glasses, strain, bar):
    """Surroundings and labels at the onsets of all events of some glasses."""
    parts = []
    for glass in glasses:
        events = jg.require(jg.shear(model, glass, max_strain=strain)).events
        for k in range(len(events.strain)):
            onset = jax.tree.map(lambda a, k=k: a[k], events.before)
            parts.append(jg.indicators.event_samples(model, onset, events.mode[k]))
        bar.done(1)
    if not parts:
        raise SystemExit(f"no event up to a strain of {strain}: raise --strain or --glasses")
    return [jnp.concatenate(part) for part in zip(*parts, strict=True)]


def draw(path, model, glass, learned):
    soft = np.asarray(jg.indicators.softness(model, glass, learned))
    event = jg.first_event(model, glass, max_strain=0.2)
    figure, axis = jg.plot.apply_style().subplots(figsize=(6, 5))
    x, size = np.asarray(glass.position), np.asarray(jg.models.diameters(model, glass))
    shown = axis.scatter(*x.T, c=soft, s=60 * size**2, cmap="coolwarm", edgecolor="none")
    if int(event.status) == 0:
        axis.plot(*x[int(event.particle)], "k*", markersize=14)
        rank = jg.rank_score(soft, int(event.particle))
        print(f"first event at {float(event.strain):.4f}, its particle ranks {rank:.2f} of 1")
    axis.set_aspect("equal")
    figure.colorbar(shown, label="softness; star: where the first event is")
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d", help="a planar model of the catalogue")
    for name, default in (("n", 400), ("glasses", 6), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--strain", type=float, default=0.1)
    parser.add_argument("--time", type=float, default=20.0, help="of the liquid, and of annealing")
    parser.add_argument("--out", type=Path, default=Path("demo/softness.h5"))
    args = parser.parse_args()
    if args.glasses < 2:
        parser.error("--glasses must be at least 2: one to learn from, one to try it on")
    args.out.parent.mkdir(exist_ok=True)
    model = jg.models.get(args.model)
    protocol = jg.protocols.annealed(args.model, time=args.time, liquid_time=args.time)
    keys = jax.random.split(jax.random.key(args.seed), args.glasses)
    made = jg.require(jg.make_glasses(keys, args.model, args.n, protocol=protocol, progress=True))
    glasses = [jax.tree.map(lambda a, k=k: a[k], made.glass) for k in range(args.glasses)]
    half = args.glasses // 2
    with jg.Progress("sheared", args.glasses) as bar:
        teaching = samples(model, glasses[:half], args.strain, bar)
        trying = samples(model, glasses[half:], args.strain, bar)
    learned = jg.require(jg.indicators.learn_softness(*teaching))
    jg.save(args.out, model=model, results={"softness": learned})
    print(
        f"learned from {int(learned.count)} particles, right in {float(learned.right):.1%}; "
        f"of {int((trying[1] != 0).sum())} of other glasses in "
        f"{float(learned.accuracy(*trying)):.1%}"
    )
    again = jg.load(args.out).results["softness"]
    draw(args.out.with_suffix(".png"), model, glasses[-1], again)
    print(f"saved {args.out} and {args.out.with_suffix('.png')}")


if __name__ == "__main__":
    main()
