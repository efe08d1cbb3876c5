"""How much moduli differ from glass to glass, and what that does to sound (figures 5.2 and 5.3).

    python examples/20_elastic_disorder.py [--sizes 100 400] [--samples 300] [--out demo/x.png]

With all internal stress moduli have a tail n^(-3/2) (<G> - G)^(-7/2), which vanishes as stress is
taken out. gamma(n) = n (std / mean)^2 then tends to a number that decides the attenuation, 3.77
Gamma / omega^3 = gamma. Defaults take ten minutes; the thesis has --sizes 400 1600 6400 25600
--samples 10000.
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

DELTAS = (0.0, 0.1, 0.2, 0.5)
WAVES = (2, 0), (2, 1), (2, 2), (3, 0)  # long ones, several to a sample


def dialled_moduli(model, glass):
    """G of one glass at every delta."""
    e = jg.expand(model, glass)
    return [jg.shear_modulus(jg.internal_stress(e, delta)).total for delta in DELTAS]


def moduli(model, n, args):
    """(samples, deltas) of glasses quenched from the liquid."""
    keys = jax.random.split(jax.random.key(n), args.samples)
    protocol = jg.protocols.instant_quench("ipl2d", time=args.time)
    made = jg.require(jg.make_glasses(keys, "ipl2d", n, protocol=protocol, progress=True))
    one = jax.jit(lambda glass: dialled_moduli(model, glass))
    each = [one(jax.tree.map(lambda a, k=k: a[k], made.glass)) for k in range(args.samples)]
    return np.array(each), made.glass


def attenuation(model, glasses, delta, mean):
    """Reduced rate over frequency cubed, the median over long waves."""
    few = [jax.tree.map(lambda a, k=k: a[k], glasses) for k in range(min(8, len(glasses.position)))]
    expansions = [jg.internal_stress(jg.expand(model, glass), delta) for glass in few]
    found = [jg.response.mean_attenuation(expansions, kind) for kind in WAVES]
    return np.median([float(w.rate / w.frequency**3) * mean for w in found])


def draw(path, sizes, all_moduli, gammas, rates):
    figure, axes = jg.plot.apply_style().subplots(1, 3, figsize=(13, 4))
    for n, g in zip(sizes, all_moduli, strict=True):
        for k, style in ((0, "o"), (2, "s")):
            low = g[:, k].mean() - g[:, k]
            h = jg.analysis.log_histogram(low, 14, low=0.05 * low.std())
            name = f"n = {n}, delta = {DELTAS[k]}"
            axes[0].plot(h.middle, h.density * n**1.5, style, label=name)
    axes[0].plot([10, 30], [100, 100 / 3**3.5], "k--", label="-7/2")
    axes[0].set(xscale="log", yscale="log", xlabel="<G> - G", ylabel="n^(3/2) P")
    for k, delta in enumerate(DELTAS):
        mine = [row[k] for row in gammas]
        spread = np.array([[g.value - g.low, g.high - g.value] for g in mine]).T
        axes[1].errorbar(sizes, [g.value for g in mine], spread, fmt="o-", label=f"delta = {delta}")
    axes[1].set(xscale="log", yscale="log", xlabel="n", ylabel="gamma")
    axes[2].loglog([row.value for row in gammas[-1][2:]], rates, "o")
    line = np.geomspace(0.3, 5, 9)
    axes[2].plot(line, line / jg.response.C_GAMMA, "k--", label="3.77 Gamma / omega^3 = gamma")
    axes[2].set(xlabel="gamma", ylabel="Gamma / omega^3")
    [axis.legend(fontsize=7) for axis in axes]
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--time", type=float, default=10.0, help="of the liquid at T = 1")
    parser.add_argument("--out", type=Path, default=Path("demo/elastic_disorder.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    model = jg.models.get("ipl2d")
    all_moduli, glasses = zip(*(moduli(model, n, args) for n in args.sizes), strict=True)
    gammas = []
    for n, found in zip(args.sizes, all_moduli, strict=True):
        gammas.append([jg.disorder_parameter(g, n) for g in found.T])
        parts = [f"{g.value:.3g} [{g.low:.2g}, {g.high:.2g}]" for g in gammas[-1]]
        print(f"n = {n}, gamma at delta = {DELTAS}:", ", ".join(parts))
    mean = all_moduli[-1].mean(axis=0)
    rates = [attenuation(model, glasses[-1], DELTAS[k], mean[k]) for k in (2, 3)]
    print("Gamma / omega^3 at delta = 0.2 and 0.5:", np.round(rates, 3))
    draw(args.out, args.sizes, all_moduli, gammas, rates)
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
