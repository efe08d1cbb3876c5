"""What a device gives: products against its copy bandwidth, the direct engine against its matrix
product, glasses per hour.

python benchmarks/throughput.py [--only small_glasses]
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
from glasses import expansion
from measure import peak_memory, run, table, timed

import jaxglass as jg

SIZES = (("ipl2d", 10_000), ("ipl3d", 4_000), ("ipl2d", 40_000))


def bandwidth():
    """Bytes of a product: every bond's list, force, stiffness and separation once, the field in and
    out.
    """
    block = jnp.ones(32_000_000)
    copy = jax.jit(lambda a: a + 1.0)
    _, seconds, _ = timed(copy, block)
    copied = 2 * block.nbytes / seconds / 1e9
    rows = [("copy of 256 MB", "-", f"{copied:.1f} GB/s", "1")]
    for name, n in SIZES:
        e = expansion(name, n)
        z = jax.random.normal(jax.random.key(1), e.position.shape)
        d = e.glass.dim
        moved = e.bonds.i.shape[0] * (8 + 8 * (d + 2)) + 2 * z.nbytes
        _, best, _ = timed(jax.jit(jg.hvp), e, z, repeat=200)
        rate = moved / best / 1e9
        rows.append(
            (
                f"hvp, {name}, n = {n}",
                f"{moved / 1e6:.1f} MB",
                f"{rate:.1f} GB/s",
                f"{rate / copied:.2f}",
            )
        )
    return table("Bandwidth of products", ("work", "bytes", "rate", "of the copy"), rows)


def arithmetic():
    """Operations of a factor: per node a Cholesky factor and its triangle's inverse, and products
    with the boundary.
    """
    matrix = jnp.ones((2_000, 2_000))
    _, seconds, _ = timed(jax.jit(jnp.matmul), matrix, matrix)
    product = 2 * 2_000**3 / seconds / 1e9
    rows = [("float64 matrix product, 2000 x 2000", "-", f"{product:.0f} GFLOP/s", "1")]
    for name, n in (("ipl2d", 10_000), ("ipl3d", 2_000), ("ipl3d", 4_000)):
        e = expansion(name, n)
        _, best, factor = timed(jg.factorise, e, repeat=3)
        plan, d = factor.inside.tree.plan, e.glass.dim
        work = 0.0
        for level, (own, edge) in enumerate(zip(plan.own, plan.boundary, strict=True)):
            work += 2**level * d**3 * (2 / 3 * own**3 + 2 * own**2 * edge + 2 * own * edge**2) / 1e9
        rate = work / best
        shape = f"{plan.depth + 1} levels, root {plan.own[0] * d}"
        rows.append(
            (
                f"factor, {name}, n = {n}, {shape}",
                f"{work:.1f} GFLOP",
                f"{rate:.0f} GFLOP/s",
                f"{rate / product:.2f}",
            )
        )
    return table(
        "Arithmetic of the direct engine", ("work", "operations", "rate", "of the product"), rows
    )


# A system, batches on a CPU, and on other devices, which need many samples to be busy.
SMALL = ("ipl2d", 400), (1, 8, 32), (1, 32, 512)
SOLID = ("ipl3d", 2_000), (1, 2), (1, 8)
LARGE = ("ipl2d", 10_000), (1,), (1, 4)


def small_glasses():
    return glasses_per_hour(*SMALL)


def solid_glasses():
    return glasses_per_hour(*SOLID)


def large_glasses():
    return glasses_per_hour(*LARGE)


def glasses_per_hour(system, few, many):
    """Random start to inherent structure, its factor, and from that 30 lowest modes, the local
    thermal energy of all bonds, 32 pseudo-harmonic modes.
    """
    (name, n), rows = system, []
    for batch in few if jax.default_backend() == "cpu" else many:
        first, best, parts, failed = production(name, n, batch)
        rows.append(
            (
                batch,
                f"{first:.0f} s",
                *(f"{seconds / batch:.3g} s" for seconds in parts),
                f"{3600 * batch / best:.0f}",
                failed,
                f"{peak_memory():.1f} GB",
            )
        )
    columns = (
        "batch",
        "first call",
        "quench",
        "factor",
        "30 modes",
        "LTE",
        "32 PHM",
        "glasses per hour",
        "failed",
        "peak memory",
    )
    return table(f"Glasses per hour, {name}, n = {n} (columns per glass)", columns, rows)


def production(name, n, batch):
    """Seconds of the first and of a later pass, its parts, and failed samples."""
    model = jg.models.get(name)
    starts = jg.stack([jg.random_glass(jax.random.key(k), name, n) for k in range(batch)])
    quenched = jax.vmap(lambda g: jg.quench(model, g))(starts)
    e = jax.vmap(lambda g: jg.expand(model, g))(quenched.glass)
    fewest = int(jnp.min(jax.vmap(lambda b: b.count)(e.bonds)))
    bonds = jnp.linspace(0, fewest - 1, 32).astype(int)
    firsts, parts, status = [], [], []

    def part(function, *arguments):
        first, best, result = timed(jax.jit(jax.vmap(function)), *arguments, repeat=1)
        firsts.append(first)
        parts.append(best)
        status.append(jnp.max(result.status.reshape(batch, -1), axis=1))
        return result

    def pseudo_harmonic(e, factor):
        seeds = jg.modes.dipole_seeds(e, bonds, factor=factor)
        return jg.pseudo_harmonic_mode(e, seeds, factor=factor)

    part(lambda g: jg.quench(model, g), starts)
    factor = part(jg.factorise, e)
    part(lambda e, factor: jg.lowest_modes(e, 30, factor=factor), e, factor)
    part(lambda e, factor: jg.local_thermal_energy(e, factor=factor), e, factor)
    part(pseudo_harmonic, e, factor)
    failed = int(jnp.sum(jnp.max(jnp.stack(status), axis=0) != 0))
    return sum(firsts), sum(parts), parts, failed


if __name__ == "__main__":
    run(__doc__, (bandwidth, arithmetic, small_glasses, solid_glasses, large_glasses))
