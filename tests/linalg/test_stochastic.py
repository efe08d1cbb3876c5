"""Random estimates agree with exact values within their standard errors, which shrink as they
should.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jaxglass.linalg import stochastic

N = 60
KEY = jax.random.key(3)


def operator():
    a = jax.random.normal(jax.random.key(0), (N, N))
    return jnp.linalg.inv(a @ a.T + 0.5 * jnp.eye(N))


def test_trace_and_diagonal_within_five_standard_errors():
    g = operator()
    apply = lambda z: g @ z
    t = stochastic.trace(KEY, apply, (N,), 400)
    assert abs(float(t.value) - float(jnp.trace(g))) < 5 * float(t.error)
    d = stochastic.diagonal(KEY, apply, (N,), 400)
    z = (np.asarray(d.value) - np.diag(g)) / np.asarray(d.error)
    assert np.abs(z).max() < 5 and 0.7 < z.std() < 1.3


def test_error_falls_with_the_square_root_of_the_probes():
    g = operator()
    few, many = (
        float(stochastic.trace(KEY, lambda z: g @ z, (N,), count).error) for count in (200, 3200)
    )
    assert 3 < few / many < 5.3


def test_deflation_removes_the_noise_of_what_is_known():
    g = operator()
    a, v = jnp.linalg.eigh(g)
    known = a[-10:], v[:, -10:].T
    plain, better = (
        stochastic.trace(KEY, lambda z: g @ z, (N,), 200, known=k) for k in (None, known)
    )
    assert float(better.error) < 0.5 * float(plain.error)
    assert abs(float(better.value) - float(jnp.trace(g))) < 5 * float(better.error)
    d = stochastic.diagonal(KEY, lambda z: g @ z, (N,), 200, known=known)
    assert np.abs((np.asarray(d.value) - np.diag(g)) / np.asarray(d.error)).max() < 5


def test_probe_k_does_not_depend_on_the_count():
    np.testing.assert_array_equal(
        stochastic.probes(KEY, 8, (5,))[:3], stochastic.probes(KEY, 3, (5,))
    )
