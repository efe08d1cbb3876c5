"""Lowest vibrational modes, M psi = omega^2 psi, translations left out, by three engines, with right derivatives.

    d omega_k^2 = psi_k.dM psi_k
    d psi_k = sum_l psi_l (psi_l.dM psi_k) / (omega_k^2 - omega_l^2) - (M - omega_k^2)^-1 dM psi_k

the sum over the other modes found, the solve on the complement of all of them. Between modes closer than DEGENERATE the
vector's derivative does not exist, and that term is left out: differentiate only what does not depend on the choice of
vectors within a degenerate group.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import choice, integer
from ..core.status import Status, flag
from ..core.struct import struct
from ..landscape.direct import apply_inverse, factorise, plan_layout
from ..landscape.expansion import Expansion, check_expansion
from ..landscape.solve import remove_translation
from ..linalg.cg import cg
from ..linalg.dense import as_matrix, deflated
from ..linalg.filtered import lowest_by_filter
from ..linalg.krylov import Eigenpairs, lowest_by_inverse
from ..linalg.lapack import eigh
from ..system.box import fractional

METHODS = ("auto", "filter", "direct", "dense")
DENSE_SIZE = 1000
DEGENERATE = 1e-9
GOOD = 1e-5


@struct
class Modes:
    """Vibrational modes.

    Attributes:
        frequency: (count,), omega, ascending; of an unstable mode minus the root of -omega^2.
        vector: (count, n, d), orthonormal, the largest component positive.
        residual: (count,), |M psi - omega^2 psi| / omega^2.
        status: bits.
    """

    frequency: object
    vector: object
    residual: object
    status: object


def lowest_modes(e, count, *, method="auto", seed=0):
    """The lowest modes of a glass.

    Args:
        e: expansion.
        count: number of modes.
        method: "direct": block Lanczos on the inverse from the direct engine; needs bonds and a minimum. "filter":
            Chebyshev-filtered subspace iteration, matrix-free, little memory, works at saddles too. "dense": full
            diagonalisation. "auto": dense below 1,000 degrees of freedom, then direct, or filter without bonds.
        seed: of the random start of the iterations.

    Returns:
        Modes: frequency, vector, residual, status. Differentiable; see the module for degenerate modes.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> m = jg.lowest_modes(e, 4)
        >>> m.vector.shape, int(m.status), bool(m.frequency[0] > 0)
        ((4, 64, 2), 0, True)
    """
    choice("method", method, METHODS)
    check_expansion(e)
    n, d = e.position.shape
    integer("count", count, at_least=1)
    if count > n * d - d:
        raise ValueError(
            f"count must be at most {n * d - d}, the modes of {n} particles without translations, found {count}"
        )
    if method == "auto":
        bonded = isinstance(e, Expansion)
        method = (
            "dense"
            if n * d <= DENSE_SIZE or 4 * count > n * d
            else "direct"
            if bonded
            else "filter"
        )
    if method == "direct" and 3 * count > n * d:
        raise ValueError(
            f"count must be at most a third of the {n * d} coordinates for method='direct', found {count}; use 'dense'"
        )
    layout = plan_layout(e) if method == "direct" else None
    value, vector, residual, status = _lowest(e, count, method, layout, seed)
    root = jnp.sqrt(jnp.where(value == 0, 1.0, jnp.abs(value)))
    return Modes(jnp.where(value == 0, 0.0, jnp.sign(value) * root), vector, residual, status)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2, 3, 4))
@functools.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _lowest(e, count, method, layout, seed):
    n, d = e.position.shape
    shape = e.position.shape
    block = lambda f: lambda v: jax.vmap(lambda c: f(c.reshape(shape)).ravel(), 1, 1)(v)
    matvec = block(lambda z: remove_translation(e.second(remove_translation(z))))
    project = block(remove_translation)
    status = e.status
    if method == "dense":
        pairs = _dense(e, count)
    elif method == "direct":
        engine = factorise(e, layout=layout)
        status = status | engine.status
        inverse = lambda v: _columns(lambda b: apply_inverse(engine, b), v, shape)
        columns = max(8, math.ceil(0.75 * count))
        depth = min(12, (n * d - d) // columns)
        start = project(
            _plane_waves(e, columns)
            + 1e-3 * jax.random.normal(jax.random.key(seed), (n * d, columns))
        )
        pairs = lowest_by_inverse(
            inverse, matvec, start, count, depth=depth, max_rounds=jnp.where(engine.factor.ok, 8, 0)
        )
    else:
        columns = min(count + max(8, count // 2), n * d - d)
        start = project(jax.random.normal(jax.random.key(seed), (n * d, columns)))
        pairs = lowest_by_filter(matvec, start, count, project=project)
    status = status | flag(~jnp.all(pairs.residual <= GOOD), Status.NOT_CONVERGED)
    status = status | flag(pairs.value[0] < -GOOD * jnp.abs(pairs.value[-1]), Status.NOT_A_MINIMUM)
    vector = pairs.vector.T.reshape(count, n, d)
    flat = vector.reshape(count, -1)
    largest = jnp.take_along_axis(flat, jnp.argmax(jnp.abs(flat), axis=1)[:, None], axis=1)
    return (
        pairs.value,
        vector * jnp.where(largest < 0, -1.0, 1.0)[:, :, None],
        pairs.residual,
        status,
    )


def _plane_waves(e, columns):
    """The longest transverse waves of the box, (n d, columns): most low modes of a large glass resemble them."""
    n, d = e.position.shape
    side = math.ceil((2 * columns) ** (1 / d) / 2) + 1
    half = [k for k in itertools.product(range(-side, side + 1), repeat=d) if k > (0,) * d]
    half = sorted(half, key=lambda k: sum(i * i for i in k))
    phase = 2 * jnp.pi * fractional(e.glass.box, e.position) @ jnp.array(half[:columns], float).T
    across = [np.linalg.svd(np.array(k, float)[None])[2][1:] for k in half[:columns]]
    waves = [
        jnp.outer(f(phase[:, k]), u).ravel()
        for k in range(columns)
        for u in across[k]
        for f in (jnp.cos, jnp.sin)
    ]
    return jnp.stack(waves[:columns], axis=1)


def _columns(f, v, shape):
    """A function of fields (n, d, c) applied to columns (n d, c), translations removed before and after."""
    z = v.reshape(*shape, -1)
    z = f(z - jnp.mean(z, axis=0))
    return (z - jnp.mean(z, axis=0)).reshape(v.shape)


def _dense(e, count):
    n, d = e.position.shape
    matrix = as_matrix(e.second, (n, d))
    null = jnp.tile(jnp.eye(d), (n, 1)) / jnp.sqrt(n)
    value, vector = eigh(deflated(matrix, null))
    value, vector = value[:count], vector[:, :count]
    scale = jnp.maximum(jnp.abs(value), 1e-300)
    return Eigenpairs(
        value,
        vector,
        jnp.linalg.norm(matrix @ vector - vector * value, axis=0) / scale,
        jnp.int32(0),
    )


@_lowest.defjvp
def _lowest_jvp(count, method, layout, seed, primals, tangents):
    (e,), (de,) = primals, tangents
    value, vector, residual, status = _lowest(e, count, method, layout, seed)
    moved = lambda v: jax.jvp(lambda e: remove_translation(e.second(v)), (e,), (de,))[1]
    dm = jax.vmap(moved)(vector)
    overlap = jnp.einsum("lnd,knd->lk", vector, dm)
    gap = value[None, :] - value[:, None]
    apart = jnp.abs(gap) > DEGENERATE * jnp.abs(value[-1])
    within = jnp.where(apart, overlap / jnp.where(apart, gap, 1.0), 0.0)
    complement = lambda z: remove_translation(
        z - jnp.einsum("knd,k->nd", vector, jnp.einsum("knd,nd->k", vector, z))
    )

    def outside(dm_k, value_k):
        matvec = lambda z: complement(e.second(z) - value_k * z)
        solver = lambda matvec, b: cg(matvec, b, tol=1e-11, project=complement).x
        return complement(
            jax.lax.custom_linear_solve(matvec, complement(-dm_k), solver, symmetric=True)
        )

    dvector = jnp.einsum("lk,lnd->knd", within, vector) + jax.vmap(outside)(dm, value)
    primal_out = (value, vector, residual, status)
    return primal_out, (
        jnp.diagonal(overlap),
        dvector,
        jnp.zeros_like(residual),
        np.zeros(status.shape, jax.dtypes.float0),
    )
