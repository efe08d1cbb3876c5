"""Tail of the local thermal energy, its link to the lowest mode, forces, and its measurement by
dynamics (article, figure 2).

    python examples/03_thermal_statistics.py                                     a toy: 24 glasses of 256
    python examples/03_thermal_statistics.py --n 1024 --samples 1000 --time 200  hours; published:
    10,000 particles

p(E) ends in E^-9/4, the largest E of a glass grows as omega^-4 of its lowest mode, force magnitudes
decay faster than exponentially, and Langevin dynamics approaches the exact E of a bond as T goes to
zero.
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
from jaxglass.landscape.expansion import at_bonds

MODEL = jg.models.get("ipl2d")


def ensemble(args):
    protocol = jg.protocols.annealed("ipl2d", time=args.time, liquid_time=5.0)
    with jg.Progress("making glasses", args.samples) as bar:
        for k in range(args.samples):
            key = jax.random.fold_in(jax.random.key(args.seed), k)
            yield jg.require(
                jg.expand(
                    MODEL, jg.require(jg.make_glass(key, "ipl2d", args.n, protocol=protocol)).glass
                )
            )
            bar.done(1)


def measured(key, e, temperature, bonds, rounds):
    """(<e_b> - e_b) / (T/2) of chosen bonds by Langevin dynamics, with standard errors."""
    motion = jg.prepare.start_dynamics(
        key, MODEL, e.glass, temperature=temperature, dt=0.01, thermostat="langevin"
    )
    motion = jg.prepare.run_dynamics(MODEL, motion, 4000, temperature=temperature)

    def sample(motion, _):
        motion = jg.prepare.run_dynamics(MODEL, motion, 25, temperature=temperature)
        return motion, at_bonds(
            MODEL, e.glass.replace(position=motion.position), e.bonds, 0
        ).energy[bonds]

    block = jax.jit(lambda motion: jax.lax.scan(sample, motion, length=50))
    means = []
    for _ in range(rounds):
        motion, energies = block(motion)
        means.append(
            (np.asarray(energies).mean(0) - np.asarray(e.energy)[bonds]) / (temperature / 2)
        )
    jg.require(motion)
    return np.mean(means, axis=0), np.std(means, axis=0, ddof=1) / np.sqrt(rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--time", type=float, default=5.0, help="annealing time; published: 200")
    parser.add_argument(
        "--rounds",
        type=int,
        default=40,
        help="blocks of 1,250 steps of dynamics at each temperature",
    )
    parser.add_argument("--tail", type=float, default=3.0, help="where the tail of |E| begins")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/thermal_statistics.png"))
    args = parser.parse_args()
    samples = jg.stack(list(ensemble(args)))
    thermal = jg.require(jax.jit(jax.vmap(jg.local_thermal_energy))(samples))
    lowest = jg.require(jax.jit(jax.vmap(lambda e: jg.lowest_modes(e, 1)))(samples)).frequency[:, 0]
    valid = np.asarray(samples.bonds.valid)
    value = np.asarray(thermal.value)
    glass_of = np.broadcast_to(np.arange(args.samples)[:, None], value.shape)
    tail = jg.analysis.tail_exponent(np.abs(value[valid]), args.tail, groups=glass_of[valid])
    print(
        f"tail exponent {tail.value:.2f} [{tail.low:.2f}, {tail.high:.2f}] from {tail.samples} bonds, expected -2.25"
    )
    largest = np.where(valid, np.abs(value), 0).max(1)
    print(
        f"Spearman correlation of the largest |E| with omega^-4: {jg.analysis.spearman(largest, np.asarray(lowest) ** -4.0):.2f}"
    )
    draw(args, samples, value, largest, np.asarray(lowest), valid)
    print(f"saved {args.out}")


def draw(args, samples, value, largest, lowest, valid):
    plt = jg.plot.apply_style()
    figure, axes = plt.subplots(2, 2, figsize=(10, 8))
    h = jg.analysis.log_histogram(np.abs(value[valid]), 30, low=0.05)
    axes[0, 0].errorbar(h.middle, h.density, h.error, fmt="o", markersize=3)
    end = h.middle > args.tail
    axes[0, 0].plot(
        h.middle[end],
        h.density[end][0] * (h.middle[end] / h.middle[end][0]) ** -2.25,
        "--",
        color="0.5",
        label=r"$|\mathcal{E}|^{-9/4}$",
    )
    axes[0, 0].set(
        xscale="log", yscale="log", xlabel=r"$|\mathcal{E}|$", ylabel=r"$p(|\mathcal{E}|)$"
    )
    axes[0, 0].legend()
    axes[0, 1].loglog(lowest, largest, "o", markersize=4)
    w = np.array([lowest.min(), lowest.max()])
    axes[0, 1].loglog(
        w, np.median(largest * lowest**4) * w**-4.0, "--", color="0.5", label=r"$\omega^{-4}$"
    )
    axes[0, 1].set(xlabel=r"$\omega$ of the lowest mode", ylabel=r"largest $|\mathcal{E}|$")
    axes[0, 1].legend()
    force = np.linalg.norm(np.asarray(samples.force), axis=-1)[valid]
    density, edges = np.histogram(force / force.mean(), 40, density=True)
    axes[1, 0].semilogy(0.5 * (edges[1:] + edges[:-1]), density, "o", markersize=3)
    axes[1, 0].set(xlabel=r"$f / \langle f \rangle$", ylabel=r"$p(f)$")
    calm = int(
        np.argmax(lowest)
    )  # its barriers are the highest, so that dynamics stays in the minimum
    e = jax.tree.map(lambda a: a[calm], samples)
    order = np.argsort(np.where(valid[calm], value[calm], 0))
    bonds = np.array([order[0], order[-1]])
    for temperature in (4e-3, 2e-3, 1e-3, 5e-4):
        found, error = measured(jax.random.key(1), e, temperature, bonds, args.rounds)
        axes[1, 1].errorbar([temperature] * 2, found, error, fmt="o", color="C0", markersize=4)
    for b in bonds:
        axes[1, 1].axhline(value[calm, b], linestyle="--", color="0.5")
    axes[1, 1].set(xscale="log", xlabel=r"$T$", ylabel=r"$(\langle e_b \rangle_T - e_b) / (T/2)$")
    args.out.parent.mkdir(exist_ok=True)
    figure.savefig(args.out)


if __name__ == "__main__":
    main()
