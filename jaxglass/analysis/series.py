"""Series of correlated samples: how far apart independent ones lie, what their mean is worth."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

# The sum of the correlations is broken off at this many correlation times, where noise takes over
# (Madras and Sokal 1988).
WINDOW = 6


class Mean(NamedTuple):
    """Mean of a series, its standard error and the correlation time in samples."""

    value: Array
    error: Array
    time: Array


def correlation_time(series: Any) -> Array:
    """Integrated correlation time of a stationary series, in samples; 1/2 if none are correlated.

    Args:
        series: (m,).

    Returns:
        A scalar; NaN where the series is too short to tell: of fewer than six times as many samples
        as the correlations last, or constant.

    Example:
        >>> white = jax.random.normal(jax.random.key(0), (4000,))
        >>> bool(abs(jg.analysis.correlation_time(white) - 0.5) < 0.1)
        True
    """
    series = jnp.asarray(series, jnp.float64)
    m = series.shape[-1]
    deviation = series - jnp.mean(series)
    power = jnp.abs(jnp.fft.rfft(deviation, 2 * m)) ** 2
    covariance = jnp.fft.irfft(power, 2 * m)[:m] / (m - jnp.arange(m))
    time = 0.5 + jnp.cumsum(covariance[1:] / covariance[0])
    closed = jnp.arange(1, m) >= WINDOW * time
    first = jnp.maximum(time[jnp.argmax(closed)], 0.5)
    return jnp.where(jnp.any(closed), first, jnp.nan)


def mean_of_series(series: Any) -> Mean:
    """Mean of a stationary series with its standard error, correlations taken into account.

    Args:
        series: (m,).

    Returns:
        Mean(value, error, time); NaN errors where ``correlation_time`` is NaN.

    Example:
        >>> white = jax.random.normal(jax.random.key(0), (4000,))
        >>> mean = jg.analysis.mean_of_series(white)
        >>> bool(abs(mean.value) < 4 * mean.error)
        True
    """
    series = jnp.asarray(series, jnp.float64)
    time = correlation_time(series)
    spread = jnp.var(series, ddof=1) * 2 * time / series.shape[-1]
    return Mean(jnp.mean(series), jnp.sqrt(spread), time)
