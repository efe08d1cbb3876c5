"""Attenuation of transverse sound against frequency as internal stress is taken out (thesis, figure
5.1), beside the frequencies of soft spots.

    python examples/19_sound_attenuation.py [--n 1600] [--samples 3] [--waves 6] [--out demo/x.png]

Correlations are averaged over equivalent directions and samples before a fit. In units of c_T / a0
the rate grows as omega^3 at low frequencies and as omega^2 above that of Ioffe and Regel, where
pi Gamma = omega. Defaults take three minutes; the thesis has --n 102400 --samples 100.
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

DELTAS = (0.0, 0.2, 0.5)
KINDS = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 2), (4, 3), (6, 1), (8, 0), (8, 6), (12, 0))


def curve(expansions, delta, kinds, bar):
    """Frequencies, rates, errors in units of c_T / a0, and whether enough modes share the line."""
    dialled = [jg.internal_stress(e, delta) for e in expansions]
    unit = np.sqrt(np.mean([jg.require(jg.shear_modulus(e)).total for e in dialled]))
    found = []
    for kind in kinds:
        w = jg.response.mean_attenuation(dialled, kind)
        few = int(w.status) & jg.Status.FEW_MODES > 0
        found.append((w.frequency / unit, w.rate / unit, w.rate_error / unit, few))
        bar.done(1)
    return np.array(found, float).T


def spots(e):
    """Frequencies of the distinct soft spots of a glass."""
    found = jg.soft_spots(e)
    stiffness = np.asarray(found.stiffness)
    return np.sqrt(stiffness[np.isfinite(stiffness) & (stiffness > 0)])


def draw(path, curves, soft):
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(10, 4.2))
    for delta, (frequency, rate, error, few) in curves.items():
        line = left.errorbar(frequency, rate, error, fmt="o-", label=f"delta = {delta}", ms=4)
        left.plot(frequency[few == 1], rate[few == 1], "wo", ms=2)
        ioffe = float(jg.response.ioffe_regel_frequency(frequency, rate))
        left.axvline(ioffe, color=line[0].get_color(), linestyle=":")
        cubes = " ".join(f"{g / w**3:.2g}" for w, g in zip(frequency, rate, strict=True))
        print(f"delta = {delta}: Ioffe-Regel at {ioffe:.3g}; rate over frequency cubed", cubes)
    grid = np.geomspace(0.1, 2, 20)
    left.plot(grid, 0.3 * grid**3, "k--", label="cube")
    left.plot(grid, 0.5 * grid**2, "k:", label="square")
    left.set(xscale="log", yscale="log", xlabel="frequency a0 / c_T", ylabel="rate a0 / c_T")
    left.legend(fontsize=7)
    right.hist(soft, 30, histtype="step")
    right.set(xlabel="frequency of soft spots a0 / c_T", ylabel="number")
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("n", 1600), ("samples", 3), ("waves", 6), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--time", type=float, default=20.0, help="of the liquid at T = 1")
    parser.add_argument("--out", type=Path, default=Path("demo/sound_attenuation.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    model = jg.models.get("ipl2d")
    protocol = jg.protocols.instant_quench("ipl2d", time=args.time)
    keys = jax.random.split(jax.random.key(args.seed), args.samples)
    made = jg.require(jg.make_glasses(keys, "ipl2d", args.n, protocol=protocol, progress=True))
    glasses = [jax.tree.map(lambda a, k=k: a[k], made.glass) for k in range(args.samples)]
    expansions = [jg.expand(model, glass) for glass in glasses]
    kinds = KINDS[: args.waves]
    with jg.Progress("waves", len(DELTAS) * len(kinds)) as bar:
        curves = {delta: curve(expansions, delta, kinds, bar) for delta in DELTAS}
    few = jg.require(jg.make_glass(keys[0], "ipl2d", min(args.n, 400), protocol=protocol)).glass
    e = jg.expand(model, few)
    draw(args.out, curves, spots(e) / float(jg.require(jg.shear_modulus(e)).total) ** 0.5)
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
