"""Inverse powers: products where the exponent is even, exponentials elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.models.shapes.power import inverse_power

T = jnp.linspace(0.3, 4.0, 101)


def power(t, n):
    return inverse_power(t, {"exponent": n})


@pytest.mark.parametrize("n", [0.0, 2.0, 10.0, 12.0, 62.0, 3.0, 10.5, 64.0, -2.0])
def test_every_exponent(n):
    np.testing.assert_allclose(power(T, n), np.asarray(T) ** (-n / 2), rtol=1e-14)
    np.testing.assert_allclose(jax.jit(power)(T, n), power(T, n), rtol=1e-14)


@pytest.mark.parametrize("n", [10.0, 7.3])
def test_derivatives_of_all_orders_in_distance_and_exponent(n):
    one = jnp.float64(1.3)
    by_t, factor = power, 1.0
    for order in range(1, 5):
        by_t, factor = jax.grad(by_t), -factor * (n / 2 + order - 1)
        exact = factor * 1.3 ** (-n / 2 - order)
        assert float(by_t(one, n)) == pytest.approx(exact, rel=1e-13)
    log = -0.5 * np.log(1.3)
    for derivative in (jax.grad, jax.jacfwd):
        by_n = derivative(power, 1)
        assert float(by_n(one, n)) == pytest.approx(log * 1.3 ** (-n / 2), rel=1e-13)
        assert float(derivative(by_n, 1)(one, n)) == pytest.approx(
            log**2 * 1.3 ** (-n / 2), rel=1e-13
        )


def test_one_exponent_a_distance():
    n = jnp.where(jnp.arange(T.size) % 2 == 0, 12.0, 9.5)
    each = jax.jit(jax.vmap(power))(T, n)
    np.testing.assert_allclose(each, np.asarray(T) ** (-np.asarray(n) / 2), rtol=1e-14)
