"""The inverse Hessian as the low-temperature expansion needs it: its blocks on bonds, and its action on fields.

B_b = G_ii + G_jj - G_ij - G_ji,  G any generalised inverse of M;  f_b, K_b and U''' do not see translations.
"""

import functools
from typing import NamedTuple

import jax.numpy as jnp

from ..core.checks import choice
from ..core.status import Status, flag
from ..landscape.direct import apply_inverse, bond_blocks, factorise, plan_layout
from ..landscape.expansion import Expansion, check_expansion
from ..landscape.solve import remove_translation, solve
from ..linalg.dense import as_matrix, pseudo_inverse

GOOD = 1e-8  # relative residual of X
LARGEST = 10e9  # bytes that the direct engine may take before "auto" turns to random probes


class Inverse(NamedTuple):
    """What is known of M^-1.

    Attributes:
        blocks: (b, d, d), B_b; None without bonds.
        apply: function (n, d) -> (n, d) and status, M^-1 on a field.
        columns: function of indices k of coordinates -> (n, d, c), columns of M^-1; None if only modes are known.
        status: bits.
    """

    blocks: object
    apply: object
    columns: object
    status: object


def choose(e, method, methods):
    """The method that "auto" stands for, and the layout of the direct engine where it is used."""
    check_expansion(e)
    choice("method", method, methods)
    bonded = isinstance(e, Expansion)
    if method == "auto":
        method = (
            "direct"
            if bonded and engine_bytes(e, plan_layout(e)) < LARGEST
            else "stochastic"
            if bonded
            else "dense"
        )
    return method, plan_layout(e) if method == "direct" else None


def engine_bytes(e, layout):
    """Estimate of the memory that factor and selected inverse take."""
    n, d = e.position.shape[-2:]
    size = -(-n // layout.slabs) * d
    return 8 * 10 * layout.slabs * size**2


def direct(e, layout):
    """Exact, by the direct engine."""
    engine = factorise(e, layout=layout)

    def apply(b):
        b = remove_translation(b)
        x = solve(e, b, method="direct", factor=engine).x
        # Not the solution's own status: vmap over tangents takes that for batched, and jacfwd refuses.
        left = jnp.linalg.norm(e.second(x) - b)
        return x, flag(~(left <= GOOD * jnp.linalg.norm(b)), Status.NOT_CONVERGED)

    columns = functools.partial(_columns_of_inverse, engine, e.position.shape)
    return Inverse(bond_blocks(engine, e.bonds), apply, columns, engine.status)


def _columns_of_inverse(engine, shape, k):
    """Columns k of M^-1, (n, d, c), translations removed."""
    n, d = shape
    unit = jnp.zeros((n * d, k.size)).at[k, jnp.arange(k.size)].set(1.0).reshape(n, d, -1)
    return remove_translation(apply_inverse(engine, remove_translation(unit)))


def exact(e, method, layout):
    """By "direct" or "dense"."""
    return direct(e, layout) if method == "direct" else dense(e)


def modes(e, found):
    """The share of the modes found."""
    return Inverse(
        blocks_of_modes(e, found),
        lambda b: (apply_modes(found, b), jnp.int32(0)),
        None,
        found.status,
    )


def dense(e):
    """Exact, from the full spectrum; the matrix and its inverse are formed."""
    inverse, status = dense_inverse(e)
    shape = e.position.shape
    apply = lambda b: ((inverse @ b.ravel()).reshape(shape), jnp.int32(0))
    columns = lambda k: inverse[:, k].reshape(*shape, -1)
    if not isinstance(e, Expansion):
        return Inverse(None, apply, columns, status)
    g = inverse.reshape(*shape, *shape)
    i, j = e.bonds.i, e.bonds.j
    mixed = g[i, :, j, :]
    blocks = g[i, :, i, :] + g[j, :, j, :] - mixed - jnp.swapaxes(mixed, -1, -2)
    return Inverse(jnp.where(e.bonds.valid[:, None, None], blocks, 0.0), apply, columns, status)


def dense_inverse(e):
    """M^-1 as a matrix (n d, n d), and a status that tells whether M is positive on translation-free fields."""
    n, d = e.position.shape
    null = jnp.tile(jnp.eye(d), (n, 1)) / jnp.sqrt(n)
    inverse, lowest = pseudo_inverse(
        as_matrix(lambda z: remove_translation(e.second(z)), (n, d)), null
    )
    return inverse, e.status | flag(~(lowest > 0), Status.NOT_A_MINIMUM)


def blocks_of_modes(e, modes):
    """Sum over modes of psi_b psi_b / omega^2, the share of modes in B_b."""
    seen = modes.vector[:, e.bonds.j] - modes.vector[:, e.bonds.i]
    blocks = jnp.einsum("k,kbx,kby->bxy", modes.frequency**-2, seen, seen)
    return jnp.where(e.bonds.valid[:, None, None], blocks, 0.0)


def apply_modes(modes, b):
    """Sum over modes of psi (psi.b) / omega^2."""
    return jnp.einsum(
        "k,k,knd->nd", modes.frequency**-2, jnp.einsum("knd,nd->k", modes.vector, b), modes.vector
    )
