"""How strength is distributed in glasses of two preparations, as they are made and on the way under
shear: figures 8 and 9 of document 003 at a size for two cores.

    python benchmarks/strengths.py [--n 400] [--samples 4]

The table goes to benchmarks/figures/residual_strength.md, the picture beside it.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import numpy as np
from measure import machine

import jaxglass as jg

PARENTS = ("0.30", "0.085")
STRAINS = (0.0, 0.05, 0.1)
SHARES = (1, 10, 50)  # percentiles


def strengths(model, glass, modulus):
    """Residual strength of every site over a modulus; the sites that yield."""
    found = jg.residual_plastic_strength(model, glass, progress=True)
    value = np.asarray(found.projected) / modulus
    return value[np.isfinite(value)]


def ensemble(model, parent, n, samples, seed):
    """Strengths of all glasses at each strain."""
    protocol = jg.protocols.published(f"comparison poly2d {parent}")
    keys = jax.random.split(jax.random.key(seed), samples)
    made = jg.require(jg.make_glasses(keys, "poly2d", n, protocol=protocol, progress=True))
    found = {strain: [] for strain in STRAINS}
    for k in range(samples):
        glass, now = jax.tree.map(lambda a, k=k: a[k], made.glass), 0.0
        # As it was made: that of a glass about to yield may be negative.
        modulus = float(jg.require(jg.shear_modulus(jg.expand(model, glass))).total)
        for strain in STRAINS:
            if strain > now:
                glass = jg.require(jg.shear(model, glass, max_strain=strain - now)).glass
                now = strain
            found[strain].append(strengths(model, glass, modulus))
    return {strain: np.concatenate(parts) for strain, parts in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("n", 400), ("samples", 4), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    model = jg.models.get("poly2d")
    found = {p: ensemble(model, p, args.n, args.samples, args.seed) for p in PARENTS}
    lines = [
        "# Residual plastic strength over the shear modulus of the glass as it was made",
        "",
        machine(),
        "",
        f"poly2d, n = {args.n}, {args.samples} glasses of each parent temperature; discs of radius "
        "5 on a grid of 2.5; percentiles over sites.",
        "",
        "| parent | strain | sites | " + " | ".join(f"{s} %" for s in SHARES) + " |",
        "| --- " * (3 + len(SHARES)) + "|",
    ]
    figure, axis = jg.plot.apply_style().subplots(figsize=(6.5, 4.5))
    for parent, by_strain in found.items():
        for strain, values in by_strain.items():
            shares = " | ".join(f"{x:.4f}" for x in np.percentile(values, SHARES))
            lines.append(f"| {parent} | {strain} | {len(values)} | {shares} |")
            axis.hist(values, np.linspace(0, 0.25, 40), density=True, histtype="step",
                      label=f"parent {parent}, strain {strain}")  # fmt: skip
    axis.set(xlabel="residual strength / G", ylabel="density", yscale="log")
    axis.legend(fontsize=7)
    folder = Path(__file__).parent / "figures"
    folder.mkdir(exist_ok=True)
    (folder / "residual_strength.md").write_text("\n".join(lines) + "\n")
    figure.savefig(folder / "residual_strength.png", dpi=80)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
