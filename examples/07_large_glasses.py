"""Everything exact of one large glass: thermal energy, dipole stiffness, low modes, soft spots.

    python examples/07_large_glasses.py                  n = 10,000, two minutes on two cores
    python examples/07_large_glasses.py --n 100000 --modes 100 --spots 50
    python examples/07_large_glasses.py --tile 10 --thermal-only      a million of them in 21 GB

Quenched, or tiles of a quenched glass, a minimum where that is not small. One factor serves all.
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

BATCH, REACH = 16, 3.0  # soft modes searched together; distance of dipoles of different spots


@contextmanager
def step(words):
    start = time.perf_counter()
    yield
    print(f"{words}: {time.perf_counter() - start:.1f} s", flush=True)


def softest_spots(e, factor, kappa, count):
    """Distinct pseudo-harmonic modes that the softest dipoles lead to, one dipole a place."""
    at, left, bonds = e.position[e.bonds.i], kappa, []
    for _ in range(BATCH * -(-2 * count // BATCH)):
        bonds.append(jnp.argmin(left))
        apart = e.glass.box.minimum_image(at - at[bonds[-1]])
        left = jnp.where(jnp.sum(apart**2, axis=1) < REACH**2, jnp.inf, left)
    batches = jnp.stack(bonds).reshape(-1, BATCH)
    seeds = [jg.modes.dipole_seeds(e, batch, factor=factor) for batch in batches]
    found = [jg.pseudo_harmonic_mode(e, batch, factor=factor) for batch in seeds]
    modes = jax.tree.map(lambda *parts: jnp.concatenate(parts), *found)
    order = np.setdiff1d(jg.modes.merge_modes(modes)[0], [-1])
    order = order[np.argsort(modes.stiffness[order])][:count]
    return jax.tree.map(lambda a: a[order], modes)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="ipl2d")
    for name, value in (("--n", 10_000), ("--tile", 1), ("--modes", 32), ("--spots", 16)):
        parser.add_argument(name, type=int, default=value)
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
    print(f"  equipartition: {float(energy.harmonic.sum()) / (glass.position.size - glass.dim)}")
    if args.thermal_only:
        return
    with step("dipole stiffness of every bond"):
        kappa = jnp.where(e.bonds.valid, jg.dipole_stiffness(e, factor=factor), jnp.inf)
    with step(f"{args.modes} lowest modes"):
        modes = jg.require(jg.lowest_modes(e, args.modes, method="direct", factor=factor))
    with step(f"{args.spots} softest spots"):
        spots = softest_spots(e, factor, kappa, args.spots)
    print(f"  lowest mode {modes.frequency[0] ** 2:.3g}, spots {spots.stiffness[:4].round(3)}")
    if glass.dim == 2:
        args.out.parent.mkdir(exist_ok=True)
        draw(e, field, spots).savefig(args.out)
        print(f"saved {args.out}")


def draw(e, field, spots):
    figure, (left, right) = jg.plot.apply_style().subplots(1, 2, figsize=(13, 6))
    jg.plot.scalar_field(e.glass, jnp.log10(field), ax=left, label="log softness field")
    moved = jnp.linalg.norm(spots.vector, axis=-1).max(axis=0)
    right.scatter(*np.asarray(e.position).T, c=moved, s=1, cmap="magma")
    right.set(aspect="equal", xticks=[], yticks=[], title=f"{len(spots.vector)} softest spots")
    return figure


if __name__ == "__main__":
    main()
