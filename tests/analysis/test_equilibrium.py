"""Correlated series with known correlation times, and verdicts on them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def autoregressive(key, m, memory):
    """Unit variance, correlations memory^k: correlation time 1/2 + memory / (1 - memory)."""
    noise = jnp.sqrt(1 - memory**2) * jax.random.normal(key, (m,))
    start = jax.random.normal(jax.random.fold_in(key, 1), ())
    step = lambda x, u: (memory * x + u, memory * x + u)
    return jax.lax.scan(step, start, noise)[1]


@pytest.mark.parametrize("memory", (0.0, 0.5, 0.9))
def test_correlation_time_and_error(memory):
    keys = jax.random.split(jax.random.key(3), 40)
    series = jax.vmap(lambda k: autoregressive(k, 4000, memory))(keys)
    mean = jax.vmap(jg.analysis.mean_of_series)(series)
    exact = 0.5 + memory / (1 - memory)
    assert abs(float(mean.time.mean()) / exact - 1) < 0.05
    # The means scatter as the errors say.
    assert 0.75 < float(jnp.std(mean.value) / mean.error.mean()) < 1.3
    one = jg.analysis.mean_of_series(series[0])
    assert float(one.time) == pytest.approx(float(mean.time[0]))


def test_too_short_a_series_says_so():
    slow = jnp.cos(jnp.linspace(0, jnp.pi, 60))
    check = jg.analysis.equilibrium(slow, temperature=1.0)
    assert int(check.status) == jg.Status.TOO_SHORT
    with pytest.raises(RuntimeError, match="five of its own relaxation times"):
        jg.require(check)
    assert np.isnan(jg.analysis.correlation_time(jnp.ones(10)))


def test_a_run_that_still_relaxes_is_told_from_one_at_rest():
    noise = autoregressive(jax.random.key(0), 4000, 0.5)
    falling = noise + 20 * jnp.exp(-jnp.arange(4000) / 300)
    assert int(jg.analysis.equilibrium(noise, temperature=1.0).status) == 0
    assert int(jg.analysis.equilibrium(falling, temperature=1.0).status) == jg.Status.TOO_SHORT


def test_two_starts_and_two_temperatures():
    a, b = (autoregressive(jax.random.key(k), 4000, 0.5) for k in (0, 1))
    agree = jg.analysis.agreement(a, b, temperatures=(0.3, 0.3))
    assert int(agree.status) == 0 and np.isnan(agree.heat_capacity)
    assert int(jg.analysis.agreement(a, b + 1, temperatures=(0.3, 0.3)).status)
    # A Gaussian density of states of width 1: <E> = -1 / T, variance 1.
    energy = lambda series, t: series - 1 / t
    a, b = (autoregressive(jax.random.key(k), 40000, 0.5) for k in (0, 1))
    two = jg.analysis.agreement(energy(a, 1.0), energy(b, 1.3), temperatures=(1.0, 1.3))
    assert int(two.status) == 0
    assert float(two.heat_capacity) == pytest.approx(float(two.fluctuation), rel=0.1)


def test_refusals():
    with pytest.raises(ValueError, match="series of four or more"):
        jg.analysis.equilibrium([1.0], temperature=1.0)
    with pytest.raises(ValueError, match="temperature must be a positive number"):
        jg.analysis.equilibrium([1.0] * 9, temperature=0.0)
