"""The ring solver against dense algebra: solutions, determinant, selected inverse and its symmetry,
failure.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.linalg import slabs

SIZE = 5


def ring(blocks, seed=0, strength=20.0):
    """A random ring and its dense matrix."""
    rng = np.random.default_rng(seed)
    full = np.zeros((blocks * SIZE, blocks * SIZE))
    at = lambda k: slice(k * SIZE, (k + 1) * SIZE)
    upper = rng.normal(size=(blocks, SIZE, SIZE)) * (blocks > 1)
    for k in range(blocks):
        a = rng.normal(size=(SIZE, SIZE))
        full[at(k), at(k)] += a + a.T + strength * np.eye(SIZE)
        if blocks > 1:
            full[at(k), at((k + 1) % blocks)] += upper[k]
            full[at((k + 1) % blocks), at(k)] += upper[k].T
    diagonal = np.stack([full[at(k), at(k)] for k in range(blocks)])
    return slabs.Ring(jnp.asarray(diagonal), jnp.asarray(upper)), full, at


@pytest.mark.parametrize("blocks", [1, 3, 4, 9])
def test_against_dense_algebra(blocks):
    matrix, full, at = ring(blocks)
    factor = slabs.factor(matrix)
    b = np.random.default_rng(1).normal(size=(blocks, SIZE, 3))
    x = np.asarray(slabs.solve(factor, jnp.asarray(b))).reshape(-1, 3)
    np.testing.assert_allclose(full @ x, b.reshape(-1, 3), atol=1e-13)
    assert float(factor.logdet) == pytest.approx(np.linalg.slogdet(full)[1], rel=1e-13)
    inverse, dense = slabs.selected_inverse(factor), np.linalg.inv(full)
    for k in range(blocks):
        np.testing.assert_allclose(inverse.diagonal[k], dense[at(k), at(k)], atol=1e-15)
        np.testing.assert_allclose(
            inverse.diagonal[k], np.asarray(inverse.diagonal[k]).T, atol=1e-15
        )
        if blocks > 1:
            np.testing.assert_allclose(
                inverse.upper[k], dense[at(k), at((k + 1) % blocks)], atol=1e-15
            )


def test_derivative_of_the_selected_inverse_with_respect_to_a_shift():
    """It is minus the selected blocks of the squared inverse."""
    matrix, full, at = ring(6)

    def shifted(s):
        return slabs.selected_inverse(
            slabs.factor(slabs.Ring(matrix.diagonal + s * jnp.eye(SIZE), matrix.upper))
        )

    slope = jax.jvp(shifted, (0.0,), (1.0,))[1]
    square = np.linalg.inv(full) @ np.linalg.inv(full)
    for k in range(6):
        np.testing.assert_allclose(-slope.diagonal[k], square[at(k), at(k)], atol=1e-14)
        np.testing.assert_allclose(-slope.upper[k], square[at(k), at((k + 1) % 6)], atol=1e-14)


def test_gradient_of_the_determinant_is_the_inverse():
    matrix, full, at = ring(5)
    g = jax.grad(lambda r: slabs.factor(r).logdet)(matrix)
    dense = np.linalg.inv(full)
    for k in range(5):
        # Only the lower triangle of a diagonal block is read, so off-diagonal entries count twice
        # there.
        np.testing.assert_allclose(
            0.5 * (g.diagonal[k] + g.diagonal[k].T), dense[at(k), at(k)], atol=1e-14
        )
        np.testing.assert_allclose(g.upper[k], 2 * dense[at(k), at((k + 1) % 5)], atol=1e-14)


def test_a_matrix_that_is_not_positive_is_reported_without_nan():
    matrix, _, _ = ring(4, strength=-3.0)
    factor = slabs.factor(matrix)
    assert not bool(factor.ok)
    assert float(jnp.abs(slabs.solve(factor, jnp.ones((4, SIZE, 1)))).max()) == 0.0
    assert bool(jnp.isfinite(slabs.selected_inverse(factor).diagonal).all())


def test_vmap_over_rings():
    many = [ring(4, seed)[0] for seed in range(3)]
    stacked = jax.tree.map(lambda *a: jnp.stack(a), *many)
    together = jax.vmap(lambda r: slabs.selected_inverse(slabs.factor(r)).diagonal)(stacked)
    np.testing.assert_allclose(
        together[2], slabs.selected_inverse(slabs.factor(many[2])).diagonal, atol=1e-15
    )
