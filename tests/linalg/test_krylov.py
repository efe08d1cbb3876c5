"""Lanczos relations, both eigensolvers against dense diagonalisation, and honest residuals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.linalg import krylov
from jaxglass.linalg.dense import as_matrix, deflated
from jaxglass.linalg.filtered import chebyshev_filter, lowest_by_filter
from jaxglass.linalg.krylov import largest_eigenvalue, lowest_by_inverse

N = 120


@pytest.fixture(scope="module")
def matrix():
    q = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (N, N)))[0]
    value = jnp.concatenate(
        [jnp.array([0.1, 0.1, 0.2, 0.5]), jnp.linspace(1.0, 300.0, N - 4)]
    )  # with a degenerate pair
    return (q * value) @ q.T, value


def start(columns):
    return jax.random.normal(jax.random.key(1), (N, columns))


def test_block_krylov_relation(matrix):
    """The basis is orthonormal, the operator is block tridiagonal there, and what a Ritz pair lacks
    is what its residual says; in one go and in two.
    """
    a, _ = matrix
    apply = lambda v: a @ v
    chain = krylov.extend(apply, krylov.begin(start(4), 5), 0, 3)
    chain = krylov.extend(apply, chain, 3, 5)
    basis = krylov.combined(chain, jnp.eye(20))
    np.testing.assert_allclose(basis.T @ basis, np.eye(20), atol=1e-13)
    np.testing.assert_allclose(basis.T @ chain.block, 0, atol=1e-13)
    np.testing.assert_allclose(basis.T @ a @ basis, chain.small, atol=1e-11 * 300)
    theta, y, residual = krylov.ritz(chain, 5)
    v = basis @ y
    np.testing.assert_allclose(jnp.linalg.norm(a @ v - v * theta, axis=0), residual, atol=3e-9)
    at_once = krylov.extend(apply, krylov.begin(start(4), 5), 0, 5)
    np.testing.assert_allclose(krylov.ritz(at_once, 5)[0], theta, rtol=1e-12)


def test_a_round_ends_where_it_may(matrix):
    """With looks from early on the same pairs come out, and no further restart is needed."""
    a, value = matrix
    of = lambda looks: lowest_by_inverse(
        lambda v: jnp.linalg.solve(a, v), lambda v: a @ v, start(8), 4, looks=looks
    )
    found, short = of((2, 4, 6, 10)), of((2,))
    np.testing.assert_allclose(found.value, value[:4], rtol=1e-10)
    np.testing.assert_allclose(short.value, value[:4], rtol=1e-10)
    assert int(found.rounds) == 1 < int(short.rounds)


@pytest.mark.parametrize("method", ["inverse", "filter"])
def test_lowest_pairs_equal_the_dense_ones(matrix, method):
    a, value = matrix
    matvec = lambda v: a @ v
    if method == "inverse":
        found = lowest_by_inverse(lambda v: jnp.linalg.solve(a, v), matvec, start(8), 10)
    else:
        found = lowest_by_filter(matvec, start(18), 10)
    np.testing.assert_allclose(found.value, value[:10], rtol=1e-9)
    np.testing.assert_allclose(found.vector.T @ found.vector, np.eye(10), atol=1e-12)
    assert float(found.residual.max()) < 1e-5
    np.testing.assert_allclose(
        found.residual,
        jnp.linalg.norm(a @ found.vector - found.vector * found.value, axis=0) / found.value,
        atol=1e-9,
    )


def test_an_unconverged_result_shows_its_residual(matrix):
    a, _ = matrix
    found = lowest_by_filter(lambda v: a @ v, start(18), 10, max_rounds=0)
    assert float(found.residual.max()) > 1e-2


def test_largest_eigenvalue_is_bounded_from_above(matrix):
    a, value = matrix
    bound = float(largest_eigenvalue(lambda v: a @ v, start(1)))
    assert float(value[-1]) <= bound < 1.2 * float(value[-1])


def test_filter_is_the_chebyshev_polynomial():
    """On a diagonal matrix the filter of degree m is T_m mapped to [cut, top], scaled to one at
    low.
    """
    value = jnp.linspace(0.0, 10.0, 50)
    out = chebyshev_filter(lambda v: value[:, None] * v, jnp.ones((50, 1)), 7, 0.5, 2.0, 10.0)[:, 0]
    t = np.polynomial.chebyshev.Chebyshev.basis(7)
    np.testing.assert_allclose(out, t((np.asarray(value) - 6) / 4) / t((0.5 - 6) / 4), atol=1e-12)


def test_dense_matrix_and_deflation(matrix):
    a, value = matrix
    np.testing.assert_allclose(
        as_matrix(lambda v: (a @ v.ravel()).reshape(60, 2), (60, 2)), a, atol=1e-12
    )
    null = jnp.linalg.eigh(a)[1][:, :1]
    assert float(jnp.linalg.eigvalsh(deflated(a, null))[-1]) > float(value[-1])
