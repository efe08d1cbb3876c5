"""Statistics of the local thermal energy, and its measurement by dynamics (article, figure 2).

    python examples/03_thermal_statistics.py [--n 256] [--samples 24] [--time 5] [--rounds 40]

p(E) ends in E^-9/4, the largest E of a glass grows as omega^-4 of its lowest mode, force magnitudes
decay faster than exponentially, and Langevin dynamics approaches the exact E of a bond as T goes to
zero. Defaults are a toy; --n 1024 --samples 1000 --time 200 takes hours; published: n = 10,000.
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
    model, seed = jg.models.get("ipl2d"), jax.random.key(args.seed)
    protocol = jg.protocols.annealed("ipl2d", time=args.time, liquid_time=5.0)
    with jg.Progress("making glasses", args.samples) as bar:
        for k in range(args.samples):
            made = jg.make_glass(jax.random.fold_in(seed, k), "ipl2d", args.n, protocol=protocol)
            yield jg.require(jg.expand(model, jg.require(made).glass))
            bar.done(1)


def measured(e, bonds, rounds, t):
    """(<e_b> - e_b) / (T/2) by Langevin dynamics, after 4,000 steps, and its standard error."""
    key, model, g = jax.random.key(1), jg.models.get("ipl2d"), e.glass
    pairs = np.stack([e.bonds.i, e.bonds.j], axis=1)[bonds]

    def sample(motion, _):
        motion = jg.prepare.run_dynamics(model, motion, 25, temperature=t)
        # The energy of a bond is that of its two particles alone in the box.
        two = lambda p: g.replace(position=motion.position[p], species=g.species[p])
        return motion, jax.vmap(lambda p: jg.energy(model, two(p)))(pairs)

    motion = jg.prepare.start_dynamics(key, model, g, temperature=t, dt=0.01, thermostat="langevin")
    motion, energy = jax.lax.scan(sample, motion, length=160 + 50 * rounds)
    jg.require(motion)
    rise = (energy[160:] - e.energy[bonds]).reshape(rounds, 50, -1).mean(axis=1) / (t / 2)
    return rise.mean(axis=0), rise.std(axis=0, ddof=1) / np.sqrt(rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("n", 256), ("samples", 24), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--time", type=float, default=5.0, help="annealing time; published: 200")
    parser.add_argument("--rounds", type=int, default=40, help="of 1,250 steps a temperature")
    parser.add_argument("--tail", type=float, default=3.0, help="where the tail of |E| begins")
    parser.add_argument("--out", type=Path, default=Path("demo/thermal_statistics.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    e = jg.stack(list(ensemble(args)))
    solved = lambda e, f: (jg.local_thermal_energy(e, factor=f), jg.lowest_modes(e, 1, factor=f))
    thermal, modes = map(jg.require, jax.vmap(solved)(e, jax.vmap(jg.factorise)(e)))
    draw(args, e, np.asarray(thermal.value), np.asarray(modes.frequency[:, 0]))
    print(f"saved {args.out}")


def draw(args, e, value, lowest):
    figure, (above, below) = jg.plot.apply_style().subplots(2, 2, figsize=(10, 8))
    valid, largest, w = np.asarray(e.bonds.valid), np.abs(value).max(axis=1), np.sort(lowest)
    size, force = np.abs(value[valid]), np.linalg.norm(np.asarray(e.force)[valid], axis=-1)
    fit = jg.analysis.tail_exponent(size, args.tail, groups=np.nonzero(valid)[0])
    print(f"tail exponent {fit.value:.2f} [{fit.low:.2f}, {fit.high:.2f}] of {fit.samples} bonds")
    print(f"Spearman, largest |E| and omega^-4: {jg.analysis.spearman(largest, lowest**-4.0):.2f}")
    h = jg.analysis.log_histogram(size, 30, low=0.05)
    x, p = h.middle[h.middle > args.tail], h.density[h.middle > args.tail]
    above[0].errorbar(h.middle, h.density, h.error, fmt="o")
    above[0].loglog(x, p[0] * (x / x[0]) ** -2.25, "--", label=r"$|\mathcal{E}|^{-9/4}$")
    above[0].set(xlabel=r"$|\mathcal{E}|$", ylabel=r"$p(|\mathcal{E}|)$")
    above[1].loglog(lowest, largest, "o")
    above[1].loglog(w, np.median(largest * lowest**4) / w**4, "--", label=r"$\omega^{-4}$")
    above[1].set(xlabel=r"$\omega$ of the lowest mode", ylabel=r"largest $|\mathcal{E}|$")
    below[0].hist(force / force.mean(), 40, density=True, log=True)
    below[0].set(xlabel=r"$f / \langle f \rangle$", ylabel=r"$p(f)$")
    # The glass of the highest lowest mode: its dynamics stays in its minimum.
    e, value = jax.tree.map(lambda a: a[np.argmax(lowest)], (e, np.where(valid, value, 0)))
    bonds = np.argsort(value)[[0, -1]]
    for t in (4e-3, 2e-3, 1e-3, 5e-4):
        below[1].errorbar([t, t], *measured(e, bonds, args.rounds, t), fmt="oC0")
    below[1].hlines(value[bonds], 5e-4, 4e-3, "0.5", "--")
    below[1].set(xscale="log", xlabel="$T$", ylabel=r"$(\langle e_b\rangle_T - e_b) / (T/2)$")
    [ax.legend() for ax in above]
    figure.savefig(args.out)


if __name__ == "__main__":
    main()
