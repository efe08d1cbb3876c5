"""Quartic and cubic modes of an ensemble beside its harmonic ones (article on nonlinear
excitations, figures 2, 4, 5, 7, 8).

    python examples/04_soft_modes.py                      a toy: 24 glasses of 256
    python examples/04_soft_modes.py --n 2000 --model ipl3d --samples 2000

Stiffness and overlap of quartic modes converge to those of the lowest harmonic modes as omega
falls, chi falls as 1 / (n e), cubic modes are stiffer than quartic ones, and tau^2 <= 3 kappa chi
for most.
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


def sample(model, key, name, n):
    """Numbers of the lowest mode of a glass, its quartic mode, and the cubic mode of that."""
    quenched = jg.require(jg.quench(model, jg.random_glass(key, name, n)))
    e = jg.require(jg.expand(model, quenched.glass))
    factor = jg.factorise(e)
    harmonic = jg.require(jg.lowest_modes(e, 1, factor=factor))
    quartic = jg.require(jg.quartic_mode(e, harmonic.vector[0], factor=factor))
    cubic = jg.require(jg.cubic_mode(e, quartic.vector, factor=factor))
    overlap = jnp.abs(jnp.sum(harmonic.vector[0] * quartic.vector))
    fourth = (quartic.stiffness, overlap, quartic.participation, quartic.quartic)
    third = (cubic.stiffness, cubic.asymmetry, cubic.quartic)
    return [float(x) for x in (harmonic.frequency[0] ** 2, *fourth, *third)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d")
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/soft_modes.png"))
    args = parser.parse_args()
    model, key = jg.models.get(args.model), jax.random.key(args.seed)
    keys = [jax.random.fold_in(key, k) for k in range(args.samples)]
    rows = np.array([sample(model, k, args.model, args.n) for k in keys])
    args.out.parent.mkdir(exist_ok=True)
    draw(rows.T, args.n).savefig(args.out)
    kappa2, kappa4, overlap, _, _, kappa3, tau, chi = rows.T
    print(f"quartic over harmonic stiffness, median {np.median(kappa4 / kappa2):.3f}")
    print(f"cubic over quartic stiffness, median {np.median(kappa3 / kappa4):.2f}")
    print(f"tau^2 <= 3 kappa chi in {np.mean(tau**2 <= 3 * kappa3 * chi):.0%} of the cubic modes")
    print(f"overlap of quartic and harmonic modes, median {np.median(overlap):.3f}")
    print(f"saved {args.out}")


def draw(columns, n):
    kappa2, kappa4, overlap, share, chi4, kappa3, tau, chi3 = columns
    plt = jg.plot.apply_style()
    figure, axes = plt.subplots(2, 2, figsize=(10, 8))
    omega = np.sqrt(kappa2)
    line = np.array([omega.min(), omega.max()])
    gap = r"$(\omega_4^2-\omega^2)/\omega_4^2$"
    axes[0, 0].loglog(omega, (kappa4 - kappa2) / kappa4, "o", label=gap)
    axes[0, 0].loglog(omega, 1 - overlap, "s", label=r"$1 - |\hat\pi\cdot\hat\psi|$")
    for power in (2, 4):
        axes[0, 0].loglog(line, 0.1 * (line / line[1]) ** power, "--", label=f"power {power}")
    axes[0, 0].set(xlabel=r"$\omega$ of the lowest mode")
    axes[0, 1].loglog(n * share, chi4, "o")
    x = np.array([(n * share).min(), (n * share).max()])
    axes[0, 1].loglog(x, np.median(chi4 * n * share) / x, "--", color="0.5", label=r"$1/(n e)$")
    axes[0, 1].set(xlabel=r"$n e$", ylabel=r"$\chi$")
    axes[1, 0].loglog(kappa4, kappa3, "o")
    axes[1, 0].loglog(kappa4, kappa4, "--", color="0.5", label="equal")
    axes[1, 0].set(xlabel="stiffness, quartic", ylabel="stiffness, cubic")
    axes[1, 1].loglog(kappa3 * chi3, tau**2, "o")
    x = np.array([(kappa3 * chi3).min(), (kappa3 * chi3).max()])
    axes[1, 1].loglog(x, 3 * x, "--", color="0.5", label=r"$3\kappa\chi$")
    axes[1, 1].set(xlabel=r"$\kappa\chi$", ylabel=r"$\tau^2$")
    for ax in axes.flat:
        ax.legend()
    return figure


if __name__ == "__main__":
    main()
