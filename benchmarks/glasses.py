"""Glasses that the benchmarks share: quenched from a random start, their Hessians as SciPy matrices."""

import functools

import jax
import numpy as np
import scipy.sparse as sp

import jaxglass as jg


@functools.cache
def expansion(name, n, seed=0):
    """Expansion of a random start's inherent structure."""
    model = jg.models.get(name)
    return jg.expand(model, jg.require(jg.quench(model, jg.random_glass(jax.random.key(seed), name, n))).glass)


def csr(e):
    """The Hessian of an expansion as a SciPy CSR matrix."""
    valid = np.asarray(e.bonds.valid)
    i, j, k = (np.asarray(a)[valid] for a in (e.bonds.i, e.bonds.j, e.stiffness))
    n, d = e.position.shape
    axis = np.arange(d)
    parts = []
    for p, q, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
        rows = np.broadcast_to(p[:, None, None] * d + axis[:, None], k.shape)
        columns = np.broadcast_to(q[:, None, None] * d + axis, k.shape)
        parts.append((rows.ravel(), columns.ravel(), (sign * k).ravel()))
    rows, columns, values = map(np.concatenate, zip(*parts))
    return sp.csr_matrix((values, (rows, columns)), shape=(n * d, n * d))
