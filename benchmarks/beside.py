"""This package beside another checkout of it, in one process and in turn: what a change costs.

git worktree add ../before v0.1 && python benchmarks/beside.py ../before [words of row names]
"""

import functools
import importlib.util
import sys
from pathlib import Path

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
from measure import side_by_side, timed

import jaxglass


def package(folder):
    """The jaxglass of another folder, under a name of its own."""
    home = Path(folder) / "jaxglass"
    spec = importlib.util.spec_from_file_location(
        "jaxglass_before", home / "__init__.py", submodule_search_locations=[str(home)]
    )
    before = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = before
    spec.loader.exec_module(before)
    return before


def positions(name, n):
    """An inherent structure, the same for both."""
    return jaxglass.quench(jaxglass.models.get(name), start(jaxglass, name, n)).glass.position


def start(jg, name, n, key=0):
    return jg.random_glass(jax.random.key(key), name, n)


def rows(jg, plane, small, space, mixture):
    """What one package does with given inherent structures, by name; several calls a row where one
    is short.
    """

    def made(name, x):
        model, glass = jg.models.get(name), start(jg, name, len(x)).replace(position=x)
        return model, glass, jg.expand(model, glass)

    (model, glass, e), (_, _, few) = made("ipl2d", plane), made("ipl2d", small)
    (_, _, solid), (kalj, mixed, _) = made("ipl3d", space), made("kalj", mixture)
    seeds = getattr(jg.modes, "dipole_seeds", None) or jg.dipole_seeds
    starts = seeds(few, jnp.arange(0, 2560, 20))
    product, field = jax.jit(jg.hvp), lambda e: jnp.cos(1.7 * jnp.arange(e.position.size * 1.0))
    z, y = (field(e).reshape(e.position.shape) for e in (e, solid))
    shaken = glass.replace(position=glass.position + 0.05 * z)
    repeated = lambda f, count: lambda: [f() for _ in range(count)][-1]

    def moving(name, n, temperature, steps):
        """A liquid that moves on from where lists and speeds are usual; made when first asked."""
        where = jg.prepare if hasattr(jg.prepare, "run_dynamics") else jg
        model = jg.models.get(name)
        run = lambda motion, k: where.run_dynamics(model, motion, k, temperature=temperature)

        @functools.cache
        def warm():
            glass = jg.quench(model, start(jg, name, n)).glass
            key = jax.random.key(1)
            return run(where.start_dynamics(key, model, glass, temperature=temperature), 1000)

        return lambda: run(warm(), steps).position

    return {
        "1,000 steps, ipl2d n = 400": moving("ipl2d", 400, 0.5, 1000),
        "1,000 steps, ipl2d n = 1,600": moving("ipl2d", 1_600, 0.5, 1000),
        "1,000 steps, poly2d n = 1,024": moving("poly2d", 1_024, 0.2, 1000),
        "200 steps, ipl2d n = 10,000": moving("ipl2d", 10_000, 0.5, 200),
        "200 steps, ipl3d n = 2,000": moving("ipl3d", 2_000, 0.5, 200),
        "200 steps, kalj n = 4,096": moving("kalj", 4_096, 1.0, 200),
        "200 products, 2D n = 10,000": repeated(lambda: product(e, z), 200),
        "200 products, 3D n = 2,000": repeated(lambda: product(solid, y), 200),
        "10 energies": repeated(lambda: jg.energy(model, glass), 10),
        "10 forces, kalj n = 4,096": repeated(lambda: jg.force(kalj, mixed), 10),
        "10 expansions, 2D": repeated(lambda: jg.expand(model, glass).derivative, 10),
        "10 expansions, kalj": repeated(lambda: jg.expand(kalj, mixed).derivative, 10),
        "quench of a shaken glass, 2D": lambda: jg.quench(model, shaken).glass.position,
        "quench of a random start, n = 1,600": lambda: (
            jg.quench(model, start(jg, "ipl2d", 1600, 3)).glass.position
        ),
        "factor, 2D": lambda: jg.factorise(e),
        "thermal energy, 2D": lambda: jg.local_thermal_energy(e).value,
        "thermal energy, 3D": lambda: jg.local_thermal_energy(solid).value,
        "kappa of every bond, 2D": lambda: jg.dipole_stiffness(e),
        "32 modes, 2D": lambda: jg.lowest_modes(e, 32, method="direct").frequency,
        "20 modes, 3D": lambda: jg.lowest_modes(solid, 20, method="direct").frequency,
        "elasticity, 2D": lambda: jg.elasticity(e).total,
        "conjugate gradients, 2D": lambda: jg.solve(e, z, method="cg").x,
        "128 pseudo-harmonic modes, n = 1,600": lambda: jg.pseudo_harmonic_mode(few, starts).vector,
    }


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    before = package(sys.argv[1])
    sizes = (("ipl2d", 10_000), ("ipl2d", 1_600), ("ipl3d", 2_000), ("kalj", 4_096))
    shared = [positions(*size) for size in sizes]
    ours, theirs = rows(jaxglass, *shared), rows(before, *shared)
    print("| work | first call before, now | run before, now | ratio |\n| --- | --- | --- | --- |")
    for name in ours:
        if sys.argv[2:] and not any(word in name for word in sys.argv[2:]):
            continue
        first = [timed(row[name], repeat=0)[0] for row in (theirs, ours)]
        now, then = side_by_side(ours[name], theirs[name], repeat=4)
        times = f"{first[0]:.2f}, {first[1]:.2f} s | {then:.3f}, {now:.3f} s"
        print(f"| {name} | {times} | {now / then:.2f} |", flush=True)


if __name__ == "__main__":
    main()
