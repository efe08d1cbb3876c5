"""Everything exact of one large glass: thermal energy, dipole stiffness, low modes, soft spots.

    python examples/07_large_glasses.py                  n = 10,000, about two minutes on two cores
    python examples/07_large_glasses.py --n 100000       10 GB of memory
    python examples/07_large_glasses.py --model ipl3d --n 20000 --modes 20
    python examples/07_large_glasses.py --tile 3         nine periodic images of one small glass

Quenched from a random start, and tiled if wished, which leaves a minimum of a minimum that is not
small. One factor serves all.
The softest spots are found from the softest dipoles: every spot holds some.
"""

import argparse
import os
import time
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import jax.numpy as jnp
import numpy as np

import jaxglass as jg


@contextmanager
def step(words):
    """Says how long something took, compilation included."""
    start = time.perf_counter()
    yield
    print(f"{words}: {time.perf_counter() - start:.1f} s", flush=True)


def softest_spots(e, factor, kappa, count):
    """The softest distinct pseudo-harmonic modes that the softest dipoles lead to."""
    found = []
    for bonds in jnp.argsort(kappa)[: 8 * count].reshape(-1, 8):
        seeds = jg.modes.dipole_seeds(e, bonds, factor=factor)
        found.append(jg.pseudo_harmonic_mode(e, seeds, factor=factor))
    modes = jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)
    label, _ = jg.modes.merge_modes(modes)
    distinct = np.unique(np.asarray(label[label >= 0]))
    order = distinct[np.argsort(np.asarray(modes.stiffness)[distinct])]
    return jax.tree.map(lambda a: a[order[:count]], modes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d")
    parser.add_argument("--n", type=int, default=10_000, help="particles that are quenched")
    parser.add_argument("--tile", type=int, default=1, help="periodic images along each axis")
    parser.add_argument("--modes", type=int, default=32)
    parser.add_argument("--spots", type=int, default=16)
    parser.add_argument("--thermal-only", action="store_true", help="leave the rest, for memory")
    parser.add_argument("--out", type=Path, default=Path("demo/large_glass.png"))
    args = parser.parse_args()
    model, start = jg.models.get(args.model), jg.random_glass(jax.random.key(0), args.model, args.n)
    with step(f"quench of {args.n} particles"):
        glass = jg.prepare.tiled(jg.require(jg.quench(model, start)).glass, args.tile)
        e = jax.block_until_ready(jg.require(jg.expand(model, glass)))
    with step(f"factor of {e.count} particles"):
        factor = jg.require(jg.factorise(e))
    with step("local thermal energy of every bond, and its field"):
        energy = jg.require(jg.local_thermal_energy(e, factor=factor))
        field = jg.softness_field(e, energy.value, bins=jg.thermal.fitting_bins(e))
    rule = float(energy.harmonic.sum()) / (glass.position.size - glass.dim)
    print(f"  equipartition to {abs(rule - 1):.0e}")
    if args.thermal_only:
        return
    with step("dipole stiffness of every bond"):
        kappa = jnp.where(e.bonds.valid, jg.dipole_stiffness(e, factor=factor), jnp.inf)
    with step(f"{args.modes} lowest modes"):
        modes = jg.require(jg.lowest_modes(e, args.modes, method="direct", factor=factor))
    with step(f"{args.spots} softest spots"):
        spots = softest_spots(e, factor, kappa, args.spots)
    lowest = float(modes.frequency[0] ** 2)
    print(f"  stiffness: lowest mode {lowest:.3g}, softest spots {spots.stiffness[:4].round(3)}")
    if glass.dim == 2:
        args.out.parent.mkdir(exist_ok=True)
        draw(e, field, spots).savefig(args.out)
        print(f"saved {args.out}")


def draw(e, field, spots):
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(13, 6))
    jg.plot.scalar_field(e.glass, jnp.log10(field), ax=left, label="log softness field")
    size = jnp.linalg.norm(spots.vector, axis=-1).max(axis=0)
    right.scatter(*np.asarray(e.position).T, c=size, s=1, cmap="magma")
    right.set(aspect="equal", xticks=[], yticks=[], title=f"{len(spots.vector)} softest spots")
    return figure


if __name__ == "__main__":
    main()
