"""Quartic and cubic modes of an ensemble beside its harmonic ones.

    python examples/04_soft_modes.py            a toy: 24 instantly quenched glasses of 256
    python examples/04_soft_modes.py --n 2000 --model ipl3d --samples 2000

Figures 2, 4, 5, 7, 8 of the article on nonlinear excitations. Stiffness and overlap of quartic
modes converge to those of the lowest harmonic modes as omega falls, chi falls as 1 / (n e), cubic
modes are stiffer than quartic ones, and tau^2 <= 3 kappa chi for most.
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


def sample(model, glass):
    """Lowest harmonic mode of a glass, the quartic mode it leads to, the cubic one of that."""
    e = jg.require(jg.expand(model, jg.require(jg.quench(model, glass)).glass))
    factor = jg.factorise(e)
    harmonic = jg.require(jg.lowest_modes(e, 1, factor=factor))
    quartic = jg.require(jg.quartic_mode(e, harmonic.vector[0], factor=factor))
    cubic = jg.require(jg.cubic_mode(e, quartic.vector, factor=factor))
    overlap = jnp.abs(jnp.sum(harmonic.vector[0] * quartic.vector))
    first = (harmonic.frequency[0] ** 2, overlap)
    second = (quartic.stiffness, quartic.participation, quartic.quartic)
    third = (cubic.stiffness, cubic.asymmetry, cubic.quartic)
    return [float(x) for x in first + second + third]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d")
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--samples", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("demo/soft_modes.png"))
    args = parser.parse_args()
    model, seed = jg.models.get(args.model), jax.random.key(args.seed)
    keys = [jax.random.fold_in(seed, k) for k in range(args.samples)]
    columns = np.array([sample(model, jg.random_glass(key, args.model, args.n)) for key in keys]).T
    args.out.parent.mkdir(exist_ok=True)
    draw(columns, args.n).savefig(args.out)
    kappa2, overlap, kappa4, _, _, kappa3, tau, chi = columns
    print(
        f"quartic over harmonic stiffness, median {np.median(kappa4 / kappa2):.3f}; "
        f"cubic over quartic {np.median(kappa3 / kappa4):.2f}"
    )
    print(
        f"tau^2 <= 3 kappa chi in {np.mean(tau**2 <= 3 * kappa3 * chi):.0%} of the cubic modes; "
        f"overlap, median {np.median(overlap):.3f}"
    )
    print(f"saved {args.out}")


def draw(columns, n):
    kappa2, overlap, kappa4, share, chi4, kappa3, tau, chi3 = columns
    figure, ((close, chi), (stiffness, bound)) = jg.plot.apply_style().subplots(
        2, 2, figsize=(10, 8)
    )
    guide = {"linestyle": "--", "color": "0.5"}
    ends = lambda x: np.array([x.min(), x.max()])
    omega, size = np.sqrt(kappa2), n * share
    close.loglog(omega, 1 - kappa2 / kappa4, "o", label=r"$(\omega_4^2-\omega^2)/\omega_4^2$")
    close.loglog(omega, 1 - overlap, "s", label=r"$1 - |\hat\pi\cdot\hat\psi|$")
    line = ends(omega)
    close.loglog(line, 0.1 * (line / line[1]) ** 2, label=r"$\omega^2$, $\omega^4$", **guide)
    close.loglog(line, 0.1 * (line / line[1]) ** 4, **guide)
    close.set(xlabel=r"$\omega$ of the lowest mode")
    chi.loglog(size, chi4, "o")
    chi.loglog(ends(size), np.median(chi4 * size) / ends(size), label=r"$1/(n e)$", **guide)
    chi.set(xlabel=r"$n e$", ylabel=r"$\chi$")
    stiffness.loglog(kappa4, kappa3, "o")
    stiffness.loglog(kappa4, kappa4, label="equal", **guide)
    stiffness.set(xlabel="stiffness, quartic", ylabel="stiffness, cubic")
    bound.loglog(kappa3 * chi3, tau**2, "o")
    bound.loglog(ends(kappa3 * chi3), 3 * ends(kappa3 * chi3), label=r"$3\kappa\chi$", **guide)
    bound.set(xlabel=r"$\kappa\chi$", ylabel=r"$\tau^2$")
    for ax in (close, chi, stiffness, bound):
        ax.legend()
    return figure


if __name__ == "__main__":
    main()
