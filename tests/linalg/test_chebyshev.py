"""Motion by Chebyshev moments against the spectrum: values, count of products, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import jv

from jaxglass.linalg import chebyshev

SIZE, ROOM = 60, 1024


@pytest.fixture(scope="module")
def matrix():
    a = np.random.default_rng(0).normal(size=(SIZE, SIZE))
    return jnp.asarray(a @ a.T)


@pytest.fixture(scope="module")
def start():
    return jnp.asarray(np.random.default_rng(1).normal(size=(SIZE, 2)))


def apply(matrix, v):
    return matrix @ v


def exact(matrix, start, times):
    value, vector = np.linalg.eigh(matrix)
    weight = np.sum((np.asarray(start).T @ vector) ** 2, axis=0)
    return np.cos(np.outer(times, np.sqrt(np.maximum(value, 0)))) @ weight


def found(matrix, start, times, count=None):
    top = 1.01 * jax.lax.stop_gradient(jnp.linalg.eigvalsh(matrix)[-1])
    count = chebyshev.moments_needed(top, jnp.max(times)) if count is None else count
    sequence = chebyshev.begin(apply, matrix, start, top, ROOM)
    sequence = chebyshev.extend(apply, matrix, sequence, top, count)
    value = chebyshev.cosines(sequence.moments, count, jnp.sqrt(top) * times)
    return value, sequence, top, count


def test_cosines_equal_the_spectrum_at_all_times(matrix, start):
    times = jnp.concatenate([jnp.zeros(1), jnp.geomspace(1e-9, 30.0, 80)])
    value, sequence, top, count = found(matrix, start, times)
    np.testing.assert_allclose(value, exact(matrix, start, times), atol=1e-12 * float(value[0]))
    needed = -(-int(count) // 2)
    assert needed <= int(sequence.products) <= needed + 1 < float(jnp.sqrt(top)) * 30 / 4 + 60


def test_they_converge_faster_than_any_power_once_there_are_enough(matrix, start):
    times = jnp.array([20.0])
    truth = exact(matrix, start, times)
    z = float(jnp.sqrt(found(matrix, start, times)[2])) * 20 / 2
    error = [abs(float(found(matrix, start, times, round(z + more))[0][0] - truth[0]))
             for more in (-20, 10, 20, 30, 40)]  # fmt: skip
    assert error[0] > 1e-2 and error[4] < 1e-11 * float(jnp.sum(start**2))
    rate = -np.diff(np.log(np.maximum(error[1:], 1e-300)))
    assert rate[1] > rate[0] > 1  # each ten more do more


def test_bessel_functions_equal_those_of_scipy():
    """Weights of one moment each give the coefficient of that moment."""
    z = jnp.array([0.0, 1e-3, 1.0, 30.0, 200.0])
    for k in (0, 1, 7, 90):
        moments = jnp.zeros(ROOM).at[k].set(1.0)
        sign = (-1) ** k * (1 if k == 0 else 2)
        value = chebyshev.cosines(moments, 200, z)
        np.testing.assert_allclose(value, sign * jv(2 * k, z), atol=1e-13)


def test_of_cosines_is_the_transpose(matrix):
    z = jnp.linspace(0.0, 40.0, 17)
    key = jax.random.split(jax.random.key(0))
    a, b = jax.random.normal(key[0], (ROOM,)), jax.random.normal(key[1], z.shape)
    a = a.at[60:].set(0.0)
    there = jnp.sum(chebyshev.cosines(a, 60, z) * b)
    back = jnp.sum(chebyshev.of_cosines(b, 60, z, ROOM) * a)
    assert float(there) == pytest.approx(float(back), rel=1e-12)


def test_pull_back_is_the_derivative(matrix, start):
    times = jnp.array([0.3, 1.1, 2.5])
    weight = jnp.array([1.0, -2.0, 0.7])
    total = lambda m, v: jnp.sum(weight * found(m, v, times, 120)[0])
    _, sequence, top, count = found(matrix, start, times, 120)
    cotangent = chebyshev.of_cosines(weight, count, jnp.sqrt(top) * times, ROOM)
    of_matrix, of_start = chebyshev.pull_back(apply, matrix, sequence, start, top, cotangent)
    twist = jnp.asarray(np.random.default_rng(2).normal(size=(SIZE, SIZE)))
    twist, turn = twist + twist.T, jnp.cos(start)

    def error(h):
        up, down = (total(matrix + s * h * twist, start + s * h * turn) for s in (1, -1))
        slope = jnp.sum(of_matrix[0] * twist) + jnp.sum(of_start * turn)
        return abs(float((up - down) / (2 * h) - slope)), abs(float(slope))

    (coarse, size), (fine, _) = error(2e-4), error(1e-4)
    assert fine < 1e-4 * size
    assert np.log2(coarse / fine) == pytest.approx(2, abs=0.1)


def test_moments_leave_their_bounds_where_the_spectrum_does(matrix, start):
    sequence = chebyshev.begin(apply, matrix, start, 0.5 * jnp.linalg.eigvalsh(matrix)[-1], ROOM)
    sequence = chebyshev.extend(apply, matrix, sequence, 0.5 * jnp.linalg.eigvalsh(matrix)[-1], 80)
    assert float(jnp.max(jnp.abs(sequence.moments))) > 10 * float(sequence.moments[0])
