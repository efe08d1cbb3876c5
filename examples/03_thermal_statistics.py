"""Statistics of the local thermal energy, and its measurement by dynamics (article, figure 2).

    python examples/03_thermal_statistics.py                     a toy: 24 glasses of 256
    python examples/03_thermal_statistics.py --n 1024 --samples 1000 --time 200     hours

p(E) ends in E^-9/4, the largest E of a glass grows as omega^-4 of its lowest mode, force magnitudes
decay faster than exponentially, and Langevin dynamics approaches the exact E of a bond as T goes to
zero. Published: 10,000 particles.
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

MODEL = jg.models.get("ipl2d")


def ensemble(args):
    protocol = jg.protocols.annealed("ipl2d", time=args.time, liquid_time=5.0)
    with jg.Progress("making glasses", args.samples) as bar:
        for k in range(args.samples):
            key = jax.random.fold_in(jax.random.key(args.seed), k)
            made = jg.require(jg.make_glass(key, "ipl2d", args.n, protocol=protocol))
            yield jg.require(jg.expand(MODEL, made.glass))
            bar.done(1)


def solved(e):
    """Local thermal energy of a glass and its lowest mode, by one factor."""
    factor = jg.factorise(e)
    return jg.local_thermal_energy(e, factor=factor), jg.lowest_modes(e, 1, factor=factor)


def measured(e, temperature, bonds, rounds):
    """(<e_b> - e_b) / (T/2) of chosen bonds by Langevin dynamics, with standard errors."""
    glass, pairs = e.glass, np.stack([e.bonds.i, e.bonds.j], axis=1)[bonds]
    start = {"temperature": temperature, "dt": 0.01, "thermostat": "langevin"}
    motion = jg.prepare.start_dynamics(jax.random.key(1), MODEL, glass, **start)
    motion = jg.prepare.run_dynamics(MODEL, motion, 4000, temperature=temperature)

    def sample(motion, _):
        motion = jg.prepare.run_dynamics(MODEL, motion, 25, temperature=temperature)
        # The energy of a bond is that of its two particles alone in the box.
        two = lambda p: glass.replace(position=motion.position[p], species=glass.species[p])
        return motion, jax.vmap(lambda p: jg.energy(MODEL, two(p)))(pairs)

    motion, energy = jax.jit(lambda m: jax.lax.scan(sample, m, length=50 * rounds))(motion)
    jg.require(motion)
    rise = (energy - e.energy[bonds]).reshape(rounds, 50, -1).mean(axis=1) / (temperature / 2)
    return rise.mean(axis=0), rise.std(axis=0, ddof=1) / np.sqrt(rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--time", type=float, default=5.0, help="annealing time; published: 200")
    parser.add_argument("--rounds", type=int, default=40, help="of 1,250 steps a temperature")
    parser.add_argument("--tail", type=float, default=3.0, help="where the tail of |E| begins")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/thermal_statistics.png"))
    args = parser.parse_args()
    samples = jg.stack(list(ensemble(args)))
    thermal, modes = map(jg.require, jax.jit(jax.vmap(solved))(samples))
    draw(args, samples, np.asarray(thermal.value), np.asarray(modes.frequency[:, 0]))
    print(f"saved {args.out}")


def draw(args, samples, value, lowest):
    figure, (above, below) = jg.plot.apply_style().subplots(2, 2, figsize=(10, 8))
    valid, guide = np.asarray(samples.bonds.valid), {"linestyle": "--", "color": "0.5"}
    size = np.where(valid, np.abs(value), 0)
    t = jg.analysis.tail_exponent(size[valid], args.tail, groups=np.nonzero(valid)[0])
    print(f"tail exponent {t.value:.2f} [{t.low:.2f}, {t.high:.2f}], expected -2.25")
    h = jg.analysis.log_histogram(size[valid], 30, low=0.05)
    above[0].errorbar(h.middle, h.density, h.error, fmt="o", markersize=3)
    x, p = h.middle[h.middle > args.tail], h.density[h.middle > args.tail]
    above[0].loglog(x, p[0] * (x / x[0]) ** -2.25, label=r"$|\mathcal{E}|^{-9/4}$", **guide)
    above[0].set(xlabel=r"$|\mathcal{E}|$", ylabel=r"$p(|\mathcal{E}|)$")
    largest, w = size.max(axis=1), np.sort(lowest)
    print(f"Spearman, largest |E| and omega^-4: {jg.analysis.spearman(largest, lowest**-4.0):.2f}")
    above[1].loglog(lowest, largest, "o", markersize=4)
    above[1].loglog(w, np.median(largest * lowest**4) / w**4, label=r"$\omega^{-4}$", **guide)
    above[1].set(xlabel=r"$\omega$ of the lowest mode", ylabel=r"largest $|\mathcal{E}|$")
    force = np.linalg.norm(np.asarray(samples.force), axis=-1)[valid]
    below[0].hist(force / force.mean(), 40, density=True, log=True)
    below[0].set(xlabel=r"$f / \langle f \rangle$", ylabel=r"$p(f)$")
    calm = int(np.argmax(lowest))  # its barriers are the highest: dynamics stays in the minimum
    bonds = np.argsort(np.where(valid[calm], value[calm], 0))[[0, -1]]
    for temperature in (4e-3, 2e-3, 1e-3, 5e-4):
        e = jax.tree.map(lambda a: a[calm], samples)
        found, error = measured(e, temperature, bonds, args.rounds)
        below[1].errorbar([temperature] * 2, found, error, fmt="o", color="C0", markersize=4)
    below[1].hlines(value[calm, bonds], 5e-4, 4e-3, linestyles="--", color="0.5")
    below[1].set(xscale="log", xlabel="$T$", ylabel=r"$(\langle e_b\rangle_T - e_b) / (T/2)$")
    [ax.legend() for ax in above]
    args.out.parent.mkdir(exist_ok=True)
    figure.savefig(args.out)


if __name__ == "__main__":
    main()
