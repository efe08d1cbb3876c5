"""Lowest modes, blocks of the inverse, many right-hand sides and conjugate gradients beside SciPy
and LAPACK.

python benchmarks/solvers.py [--only modes]

CHOLMOD and sparsax stand beside it where installed (pip install 'scikit-sparse<0.5' sparsax).
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import scipy.linalg
import scipy.sparse.linalg as spl
from glasses import expansion
from measure import peak_memory, peer, run, side_by_side, table, timed

import jaxglass as jg
from jaxglass.landscape import engine

selected = jax.jit(lambda e, factor: engine.inverse_blocks(e, factor)[0])


def blocks(e):
    """Factor and selected inverse."""
    return selected(e, jg.factorise(e))


def modes():
    rows = []
    for name, n, count, target in (
        ("ipl2d", 10_000, 32, 1),
        ("ipl3d", 2_000, 20, 1.5),
        ("ipl3d", 8_000, 20, 3),
    ):
        e = expansion(name, n)
        matrix = jg.to_scipy(e).tocsc()
        d = e.glass.dim
        first, ours, found = timed(
            lambda e, k=count: jg.lowest_modes(e, k, method="direct"),
            e,
            repeat=3 if n < 8000 else 1,
        )
        memory = peak_memory()
        theirs, (value, _) = peer(
            lambda m=matrix, k=count, d=d: spl.eigsh(m, k=k + d, sigma=-1e-3),
            repeat=2 if n < 8000 else 1,
        )
        exact = np.sqrt(np.sort(value)[d:])
        rows.append(
            (
                f"{name}, n = {n}, {count} modes",
                f"{first:.1f} s",
                f"{ours:.2f} s",
                f"{theirs:.2f} s",
                f"{theirs / ours:.2f}",
                target,
                f"{np.abs(found.frequency / exact - 1).max():.0e}",
                f"{float(found.residual.max()):.0e}",
                f"{memory:.1f} GB",
            )
        )
    columns = (
        "system",
        "first call",
        "jaxglass",
        "eigsh",
        "ratio",
        "to reach",
        "difference",
        "residual",
        "peak memory",
    )
    return table("Lowest modes beside SciPy eigsh (shift-invert)", columns, rows)


def inverse_blocks():
    rows = []
    for name, n, target in (("ipl2d", 1_600, "-"), ("ipl3d", 2_000, "3 s")):
        e = expansion(name, n)
        first, ours, found = timed(blocks, e, repeat=3)
        theirs = dense_inverse(e)
        total = float(jnp.sum(e.stiffness * found)) / (e.position.size - e.glass.dim) - 1
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first:.1f} s",
                f"{ours:.3g} s",
                target,
                f"{theirs:.1f} s",
                f"{theirs / ours:.1f}",
                f"{abs(total):.0e}",
                f"{peak_memory():.1f} GB",
            )
        )
    columns = (
        "system",
        "first call",
        "jaxglass",
        "to reach",
        "dense inverse",
        "ratio",
        "sum rule",
        "peak memory",
    )
    return table("Factor and blocks of M^-1 on every bond beside a dense inverse", columns, rows)


def dense_inverse(e):
    """Seconds of LAPACK's inverse of the dense Hessian, made positive on translations."""
    n, d = e.position.shape
    null = np.tile(np.eye(d), (n, 1)) / np.sqrt(n)
    matrix = jg.to_scipy(e).toarray() + 100 * null @ null.T
    start = time.perf_counter()
    scipy.linalg.cho_solve(scipy.linalg.cho_factor(matrix), np.eye(n * d))
    return time.perf_counter() - start


def pinned(e):
    """The Hessian with its first particle held, which makes it positive."""
    matrix = jg.to_scipy(e).tolil()
    for axis in range(e.glass.dim):
        matrix[axis, axis] += 100
    return matrix.tocsc()


def superlu(matrix):
    """SuperLU as it is fastest for these: minimum degree of A + A^T, pivots on the diagonal."""
    options = {"SymmetricMode": True}
    return spl.splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)


def cholmod(matrix):
    """Seconds of CHOLMOD's analysis and factor, None without scikit-sparse."""
    try:
        from sksparse import cholmod
    except ImportError:
        return None
    return peer(lambda: cholmod.cholesky(matrix), repeat=3)[0]


def selected_inverse(matrix):
    """Seconds of sparsax's factor and selected inverse (CHOLMOD, Takahashi), None without it."""
    try:
        import sparsax
    except ImportError:
        return None
    entries = matrix.tocoo()
    i, j, value = map(jnp.asarray, (entries.row, entries.col, entries.data))
    # Its factor is cached by value: a matrix that differs by rounding is a new one. Compiling takes
    # little beside the minutes of large ones, which are done once.
    scale = iter(1 + 1e-15 * np.arange(1, 100))
    run = lambda: jax.block_until_ready(sparsax.selinv(i, j, value * next(scale), matrix.shape[0]))
    return peer(run, repeat=3 if matrix.shape[0] < 20_001 else 1)[0]


def nine_times(e):
    """A minimum of 90,000 particles without its quench."""
    return jg.expand(jg.models.get("ipl2d"), jg.prepare.tiled(e.glass, 3))


def factors():
    """Dissection and factor, then the blocks; the symbolic work is included on all sides."""
    rows, times = [], {}
    for name, n in (
        ("ipl2d", 1_600),
        ("ipl2d", 10_000),
        ("ipl2d", 40_000),
        ("ipl2d", 90_000),
        ("ipl3d", 2_000),
        ("ipl3d", 8_000),
    ):
        e = expansion(name, n) if n < 90_000 else nine_times(expansion(name, 10_000))
        matrix, repeat = pinned(e), 5 if e.count * e.glass.dim < 20_001 else 2
        first, ours, factor = timed(jg.factorise, e, repeat=repeat)
        compiled, reading, found = timed(selected, e, factor, repeat=repeat)
        times[name, n] = ours + reading
        theirs, _ = peer(lambda m=matrix: superlu(m), repeat=2)
        others = cholmod(matrix), selected_inverse(matrix)
        total = float(jnp.sum(e.stiffness * found)) / (e.position.size - e.glass.dim) - 1
        seconds = lambda t: "-" if t is None else f"{t:.3g} s"
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first + compiled:.1f} s",
                f"{ours:.3g} s",
                seconds(theirs),
                seconds(others[0]),
                f"{theirs / ours:.2f}",
                f"{reading:.3g} s",
                seconds(others[1]),
                f"{abs(total):.0e}",
                f"{peak_memory():.1f} GB",
            )
        )
    slope = np.log(times["ipl2d", 90_000] / times["ipl2d", 1_600]) / np.log(90_000 / 1_600)
    columns = (
        "system",
        "first calls",
        "factor",
        "SuperLU",
        "CHOLMOD",
        "SuperLU over ours",
        "blocks on every bond",
        "sparsax, factor and entries",
        "sum rule",
        "peak memory",
    )
    text = table("Factor and selected inverse beside sparse solvers", columns, rows)
    grows = "between 1,600 and 90,000 particles in two dimensions (90,000: nine tiles of 10,000)"
    return text + f"\nFactor and blocks together grow as n^{slope:.2f} {grows}.\n"


def right_hand_sides():
    e = expansion("ipl2d", 10_000)
    n, d = e.position.shape
    factor, matrix = jg.factorise(e), pinned(e)
    b = jax.random.normal(jax.random.key(0), (n, d, 128))
    b = b - b.mean(0)
    first, ours, x = timed(jax.jit(engine.apply_inverse), e, factor, b)
    factored, lu = peer(lambda: superlu(matrix), repeat=2)
    solved, reference = peer(lambda: lu.solve(np.asarray(b).reshape(n * d, -1)), repeat=2)
    reference = reference.reshape(n, d, -1)
    reference, x = (a - a.mean(0) for a in (reference, np.asarray(x)))
    error = np.abs(x - reference).max() / np.abs(reference).max()
    row = (
        "ipl2d, n = 10000",
        f"{first:.1f} s",
        f"{ours:.2f} s",
        "0.6 s",
        f"{solved:.2f} s (factor {factored:.2f} s)",
        f"{solved / ours:.2f}",
        f"{error:.0e}",
    )
    return table(
        "128 right-hand sides after factoring",
        ("system", "first call", "jaxglass", "to reach", "SuperLU", "ratio", "difference"),
        [row],
    )


def conjugate_gradients():
    rows = []
    for name, n in (("ipl2d", 2_500), ("ipl2d", 10_000), ("ipl3d", 2_000)):
        e = expansion(name, n)
        b = jax.random.normal(jax.random.key(0), e.position.shape)
        b = b - b.mean(0)
        matrix, flat = jg.to_scipy(e), np.asarray(b).ravel()
        compiled = jax.jit(jg.solve)
        first, _, s = timed(compiled, e, b, repeat=1)
        ours, theirs = side_by_side(
            lambda: compiled(e, b), lambda: spl.cg(matrix, flat, rtol=1e-10)[0], repeat=4
        )
        rows.append(
            (
                f"{name}, n = {n}",
                f"{first:.1f} s",
                f"{ours:.2f} s",
                f"{theirs:.2f} s",
                f"{theirs / ours:.2f}",
                int(s.steps),
                f"{float(s.residual):.0e}",
            )
        )
    return table(
        "Conjugate gradients to 1e-10 beside SciPy cg",
        ("system", "first call", "jaxglass", "SciPy", "ratio", "steps", "residual"),
        rows,
    )


if __name__ == "__main__":
    run(__doc__, (conjugate_gradients, factors, right_hand_sides, modes, inverse_blocks))
