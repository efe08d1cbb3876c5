"""Scores of all indicators against exact plastic events, in glasses of several preparations:
figures 3, 4 and 7 and the accuracies of document 003 at a size for two cores.

    python benchmarks/scores.py                       six ensembles, about two hours on two cores
    python benchmarks/scores.py --ensembles HTL --samples 4

Each ensemble is kept in .cache/scores as soon as it is measured; what is there is not measured
again. The tables of a model go to benchmarks/figures/indicator_scores_MODEL.md, its picture beside.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import jax.numpy as jnp
import numpy as np
from measure import machine

import jaxglass as jg

i = jg.indicators
HERE = Path(__file__).parent
KEPT = HERE.parent / ".cache" / "scores"
# The published gradual quench takes a time of 10^6: here it is 2,000 times as fast.
GRADUAL = jg.protocols.cooled("lj2d", rate=0.3 / 500, low=0.03, liquid_time=50.0)
# Model, protocol, and the strain to which glasses are sheared: lj2d has many more events.
ENSEMBLES = {
    "poly2d 0.30": ("poly2d", jg.protocols.published("comparison poly2d 0.30"), 0.1),
    "poly2d 0.12": ("poly2d", jg.protocols.published("comparison poly2d 0.12"), 0.1),
    "poly2d 0.085": ("poly2d", jg.protocols.published("comparison poly2d 0.085"), 0.1),
    "lj2d GQ": ("lj2d", GRADUAL, 0.03),
    "lj2d ESL": ("lj2d", jg.protocols.published("comparison ESL"), 0.03),
    "lj2d HTL": ("lj2d", jg.protocols.published("comparison HTL"), 0.03),
}
# Strains before an event at which its particle is ranked again.
BEFORE = (1e-4, 1e-3, 1e-2)
ALONG = ("steric_order", "vibrality", "nonaffinity", "soft_modes", "density", "size")


def taught(model, glasses, strain):
    """Structure functions and labels at the onsets of all events of some glasses under shear."""
    functions, labels = [], []
    for glass in glasses:
        run = jg.shear(model, glass, max_strain=strain)
        for k in range(int(run.count)):
            onset = jax.tree.map(lambda a, k=k: a[k], run.events.before)
            one = i.event_samples(model, onset, run.events.mode[k])
            functions.append(one[0])
            labels.append(one[1])
    return jnp.concatenate(functions), jnp.concatenate(labels)


def ranks_of(table, particle):
    return {
        name: jg.rank_score(np.asarray(values), particle, sign=i.softness_signs[name])
        for name, values in table.items()
    }


def steric(model, glass, event):
    """Ranks by steric order of the core of an event in the glass as it was made, after its affine
    motion to the event, with the nonaffine one too, and at the event (figure 7).
    """
    strain = float(event.strain)
    velocity = jg.require(jg.shear_modulus(jg.expand(model, glass))).nonaffine
    affine = jg.deformed(glass, jnp.array([[1.0, strain], [0.0, 1.0]]))
    both = affine.replace(position=affine.position + strain * velocity)
    states = {"as made": glass, "affine": affine, "nonaffine": both, "onset": event.glass}
    of = lambda g: jg.rank_score(np.asarray(i.steric_order(model, g)), int(event.particle))
    return {name: of(g) for name, g in states.items()}


def along(model, glass, run, table):
    """Of the events of a run: strains, ranks in the glass as it was made, and in the glass a
    little before each.
    """
    events = []
    for k in range(int(run.count)):
        strain, particle = float(run.events.strain[k]), int(run.events.particle[k])
        earlier = {}
        for back in BEFORE:
            last = float(run.events.strain[k - 1]) if k else 0.0
            if strain - back <= last:
                continue
            onset = jax.tree.map(lambda a, k=k: a[k], run.events.before)
            eased = jg.quench(model, jg.deformed(onset, jnp.array([[1.0, -back], [0.0, 1.0]])))
            if int(eased.status) == 0:
                earlier[back] = ranks_of(i.table(model, eased.glass, only=ALONG), particle)
        events.append((strain, ranks_of(table, particle), earlier))
    return events


def measured(name, n, samples, training, seed):
    """Everything of one ensemble, as plain numbers."""
    of, protocol, strain = ENSEMBLES[name]
    model = jg.models.get(of)
    keys = jax.random.split(jax.random.key(seed), samples + training)
    made = jg.require(jg.make_glasses(keys, of, n, protocol=protocol, progress=True))
    each = [jax.tree.map(lambda a, k=k: a[k], made.glass) for k in range(len(keys))]
    found = {"n": n, "samples": samples, "ranks": [], "steric": [], "strain": [], "along": []}
    with jg.Progress(name, samples + 2) as bar:
        functions, labels = taught(model, each[: training // 2], strain)
        learned = jg.require(i.learn_softness(functions, labels))
        bar.done(1)
        others, sides = taught(model, each[training // 2 : training], strain)
        found["accuracy"] = [
            int(learned.count),
            float(learned.right),
            float(learned.accuracy(others, sides)),
        ]
        bar.done(1)
        matrices = []
        for glass in each[training:]:
            table = {k: np.asarray(v) for k, v in i.table(model, glass, learned=learned).items()}
            matrices.append(i.spearman_matrix(table))
            for sense in (1, -1):
                event = jg.first_event(model, glass, max_strain=0.2 * sense)
                if int(event.status) == 0:
                    found["ranks"].append(ranks_of(table, int(event.particle)))
                    found["steric"].append(steric(model, glass, event))
                    found["strain"].append(abs(float(event.strain)))
            run = jg.shear(model, glass, max_strain=strain)
            found["along"].append(along(model, glass, run, table))
            bar.done(1)
    found["names"], found["matrix"] = list(table), np.nanmean(matrices, axis=0).tolist()
    return found


def score(ranks):
    found = jg.correlation_score(ranks)
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def report(results):
    """Markdown of all ensembles."""
    names = [name for name in i.softness_signs if name in next(iter(results.values()))["names"]]
    rows = [("indicator", *results)]
    for name in names:
        rows.append((name, *(score([r[name] for r in f["ranks"]]) for f in results.values())))
    lines = [
        "# Scores of indicators against exact plastic events",
        "",
        machine(),
        "",
        "C = 2 <rank> - 1 of the particle that moves most in the first event, in both senses of "
        "shear: 1 for a prophet, 0 for a die; 95 per cent intervals over events in brackets.",
        "",
        *_table(rows),
        "",
        "| ensemble | n | glasses | events | mean strain of the first | softness: samples | "
        "accuracy, learned | accuracy, other glasses |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, f in results.items():
        count, right, other = f["accuracy"]
        lines.append(
            f"| {name} | {f['n']} | {f['samples']} | {len(f['ranks'])} | "
            f"{np.mean(f['strain']):.4f} | {count} | {right:.3f} | {other:.3f} |"
        )
    lines += ["", "Steric order on the way to the first event (figure 7):", ""]
    states = ("as made", "affine", "nonaffine", "onset")
    of = lambda f: (score([s[state] for s in f["steric"]]) for state in states)
    lines += _table([("ensemble", *states), *((name, *of(f)) for name, f in results.items())])
    lines += ["", "A strain before each event of a run (C of delta gamma):", ""]
    lines += _table([("ensemble", "strain before", *ALONG), *_before(results)])
    lines += ["", "Events at strains from the glass as it was made (C of gamma):", ""]
    lines += _table([("ensemble", "strain", "events", *ALONG), *_of_strain(results)])
    return "\n".join(lines) + "\n"


def _table(rows):
    head, *rest = ("| " + " | ".join(map(str, row)) + " |" for row in rows)
    return [head, "| --- " * len(rows[0]) + "|", *rest]


def _before(results):
    for name, f in results.items():
        events = [event for run in f["along"] for event in run]
        for back in BEFORE:
            there = [early for _, _, early in events if str(back) in early]
            if len(there) > 2:
                ranks = [[early[str(back)][k] for early in there] for k in ALONG]
                yield (name, back, *map(score, ranks))


def _of_strain(results, edges=(0.0, 0.02, 0.04, 0.06, 0.08, 0.1)):
    for name, f in results.items():
        events = [event for run in f["along"] for event in run]
        for low, high in zip(edges[:-1], edges[1:], strict=True):
            inside = [ranks for strain, ranks, _ in events if low <= strain < high]
            if len(inside) > 2:
                scores = (score([r[k] for r in inside]) for k in ALONG)
                yield (name, f"{low} to {high}", len(inside), *scores)


def draw(results):
    """Scores of every ensemble and the rank correlations of the first (figure 4)."""
    pyplot = jg.plot.apply_style()
    names = next(iter(results.values()))["names"]
    figure, axes = pyplot.subplots(1, len(results) + 1, figsize=(3 * len(results) + 6, 7))
    for axis, (title, f) in zip(axes, results.items(), strict=False):
        for k, name in enumerate(names):
            found = jg.correlation_score([r[name] for r in f["ranks"]])
            axis.plot([found.low, found.high], [k, k], "k-")
            axis.plot(found.value, k, "o")
        axis.axvline(0, color="0.6")
        axis.invert_yaxis()
        axis.set_yticks(range(len(names)), names if axis is axes[0] else [])
        axis.set(xlim=(-1, 1), xlabel="C", title=title)
    shown = axes[-1].imshow(next(iter(results.values()))["matrix"], vmin=-1, vmax=1, cmap="RdBu_r")
    axes[-1].set_xticks(range(len(names)), names, rotation=90)
    axes[-1].set_yticks([])
    figure.colorbar(shown, ax=axes[-1], label="rank correlation")
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ensembles", nargs="*", default=list(ENSEMBLES), choices=ENSEMBLES)
    for name, default in (("n", 400), ("samples", 10), ("training", 16), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in args.ensembles:
        tag = f"{name} {args.n} {args.samples} {args.training} {args.seed}".replace(" ", "_")
        path = KEPT / f"{tag}.json"
        if not path.exists():
            found = measured(name, args.n, args.samples, args.training, args.seed)
            path.write_text(json.dumps(found))
        results[name] = json.loads(path.read_text())
        publish(ENSEMBLES[name][0], results)


def publish(model, results):
    """Tables and picture of the ensembles of a model, as far as they are measured."""
    mine = {name: found for name, found in results.items() if ENSEMBLES[name][0] == model}
    folder = HERE / "figures"
    folder.mkdir(exist_ok=True)
    text = report(mine)
    (folder / f"indicator_scores_{model}.md").write_text(text)
    draw(mine).savefig(folder / f"indicator_scores_{model}.png", dpi=80)
    print(text)


if __name__ == "__main__":
    main()
