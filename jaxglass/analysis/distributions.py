"""Distributions with logarithmic bins, and exponents of their tails with bootstrap intervals."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..core.checks import integer
from ..core.random import generator


class Histogram(NamedTuple):
    """A probability density.

    Attributes:
        middle: (m,), middles of the bins (geometric for logarithmic ones).
        density: (m,), integrates to the share of samples that fall in the bins.
        error: (m,), its Poisson standard error.
    """

    middle: np.ndarray
    density: np.ndarray
    error: np.ndarray


class Exponent(NamedTuple):
    """An exponent p(x) ~ x^value with a bootstrap interval.

    Attributes:
        value: the exponent.
        low, high: ends of the interval.
        samples: how many lie in the tail.
    """

    value: float
    low: float
    high: float
    samples: int


def log_histogram(
    samples: ArrayLike, bins: int = 30, *, low: float | None = None, high: float | None = None
) -> Histogram:
    """Density of positive samples in bins of equal ratio; empty bins are left out.

    Args:
        samples: positive numbers; others are counted in the normalisation only.
        bins: number of bins.
        low, high: ends; the extremes of the samples by default.

    Returns:
        Histogram.

    Example:
        >>> h = jg.analysis.log_histogram(np.geomspace(1, 100, 1000), 4)
        >>> bool(np.all(np.diff(h.density) < 0))
        True
    """
    samples = np.asarray(samples, float).ravel()
    positive = samples[samples > 0]
    if not positive.size:
        raise ValueError("samples must hold positive numbers, found none")
    low, high = positive.min() if low is None else low, positive.max() if high is None else high
    if not 0 < low < high:
        raise ValueError(f"low and high must be positive and ascending, found {low} and {high}")
    edges = np.geomspace(low, high, integer("bins", bins, at_least=1) + 1)
    edges[0], edges[-1] = low, high
    counts, _ = np.histogram(positive, edges)
    weight = np.diff(edges) * samples.size
    kept = counts > 0
    middle = np.sqrt(edges[1:] * edges[:-1])
    return Histogram(middle[kept], (counts / weight)[kept], (np.sqrt(counts) / weight)[kept])


def tail_exponent(
    samples: ArrayLike,
    start: float,
    *,
    groups: ArrayLike | None = None,
    resamples: int = 400,
    level: float = 0.95,
    key: Any = None,
) -> Exponent:
    """Exponent of the tail p(x) ~ x^value above ``start``, with a bootstrap interval.

    By maximum likelihood (Hill).

    Args:
        samples: numbers; those above ``start`` count.
        start: where the tail begins.
        groups: label of each sample, for example the index of its glass: whole groups are
            resampled, because the bonds of a glass are not independent. By default every sample is
            its own group.
        resamples: bootstrap resamples.
        level: of the interval.
        key: JAX random key of the bootstrap; a fixed one by default.

    Returns:
        Exponent.

    Example:
        >>> x = np.random.default_rng(0).pareto(1.25, 20_000) + 1
        >>> found = jg.analysis.tail_exponent(x, 1.0)
        >>> bool(found.low < -2.25 < found.high)
        True
    """
    samples = np.asarray(samples, float).ravel()
    groups = np.arange(samples.size) if groups is None else np.asarray(groups).ravel()
    if groups.shape != samples.shape:
        raise ValueError(
            f"groups must label every sample, expected {samples.size} labels, found {groups.size}"
        )
    if not start > 0:
        raise ValueError(f"start must be positive, found {start}")
    tail = samples > start
    if tail.sum() < 10:
        raise ValueError(
            f"start must leave at least 10 samples in the tail, "
            f"found {int(tail.sum())} above {start}"
        )
    _, group = np.unique(groups, return_inverse=True)
    size = group.max() + 1
    logs = np.bincount(group[tail], np.log(samples[tail] / start), size)
    counts = np.bincount(group[tail], minlength=size)
    chosen = generator(key).multinomial(size, np.full(size, 1 / size), resamples)
    hill = lambda n, total: -1 - n / total
    drawn = hill(chosen @ counts, np.maximum(chosen @ logs, 1e-300))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Exponent(float(hill(counts.sum(), logs.sum())), float(low), float(high), int(tail.sum()))


def bootstrap(
    statistic: Callable,
    samples: ArrayLike,
    *,
    resamples: int = 400,
    level: float = 0.95,
    key: Any = None,
) -> tuple[Any, Any, Any]:
    """A statistic of independent samples (first axis) with a bootstrap interval.

    Args:
        statistic: function of an array of samples.
        samples: (m, ...) array.
        resamples: bootstrap resamples.
        level: of the interval.
        key: JAX random key of the bootstrap; a fixed one by default.

    Returns:
        (value, low, high).

    Example:
        >>> value, low, high = jg.analysis.bootstrap(np.mean, np.arange(10.0))
        >>> bool(low < value < high)
        True
    """
    samples = np.asarray(samples)
    rng = generator(key)
    drawn = np.array(
        [statistic(samples[rng.integers(0, len(samples), len(samples))]) for _ in range(resamples)]
    )
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return statistic(samples), low, high
