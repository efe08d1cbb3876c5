"""Rank statistics: correlation by ranks, and how high a marked entry stands in a map."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .distributions import bootstrap


def ranks(values: ArrayLike) -> np.ndarray:
    """Ranks from 0, ties sharing their mean. Infinite values have ranks, NaN has none.

    Example:
        >>> jg.analysis.ranks([3.0, 1.0, 3.0]).tolist()
        [1.5, 0.0, 1.5]
    """
    values = np.asarray(values, float)
    if np.isnan(values).any():
        raise ValueError(
            f"values must be numbers to have ranks, found {int(np.isnan(values).sum())} NaN"
        )
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    first = np.cumsum(counts) - counts
    return (first + 0.5 * (counts - 1))[inverse]


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Spearman's rank correlation of two arrays.

    Example:
        >>> round(jg.analysis.spearman([1, 2, 3, 4], [1, 4, 9, 16]), 12)
        1.0
    """
    a, b = ranks(a), ranks(b)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(
            f"a and b must be arrays of one length, found shapes {a.shape} and {b.shape}"
        )
    return float(np.corrcoef(a, b)[0, 1])


def rank_score(values: ArrayLike, particle: int, sign: float = 1) -> float:
    """How high a particle stands in a field: 0 if its value is the lowest of all, 1 if the highest.

    Of ranks of no meaning the mean is 1/2.

    Args:
        values: (n,), one number per particle.
        particle: index, such as that of the largest component of a critical mode.
        sign: -1 for fields that are low where a glass is soft.

    Example:
        >>> jg.rank_score([0.1, 0.9, 0.5], 1), jg.rank_score([0.1, 0.9, 0.5], 1, sign=-1)
        (1.0, 0.0)
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"values must be one number per particle, found shape {values.shape}")
    if not -len(values) <= particle < len(values):
        raise ValueError(f"particle must be below {len(values)}, found {particle}")
    return float(ranks(sign * values)[particle] / (len(values) - 1))


class Score(NamedTuple):
    """A number between -1 and 1 and the ends of its bootstrap interval."""

    value: float
    low: float
    high: float


def correlation_score(
    ranks: ArrayLike, *, resamples: int = 2000, level: float = 0.95, key: Any = None
) -> Score:
    """C = 2 <r> - 1 of the ranks of many events: 1 for a perfect prediction, 0 for none.

    With the ranks of first events in the glass as it was made this is C_min of the literature, of
    n-th events C_gamma, and in the glass a strain before the event C_dgamma.

    Args:
        ranks: one ``rank_score`` per sample.
        resamples: of the bootstrap over samples.
        level: of the interval.
        key: JAX random key of the bootstrap; a fixed one by default.

    Returns:
        Score: value, low, high.

    Example:
        >>> score = jg.correlation_score([0.9, 1.0, 0.8, 0.95])
        >>> round(score.value, 3), bool(score.low < score.value < score.high)
        (0.825, True)
    """
    ranks = np.asarray(ranks, float).ravel()
    if not len(ranks) or not ((ranks >= 0) & (ranks <= 1)).all():
        raise ValueError("ranks must be numbers from 0 to 1, one per sample, from rank_score")
    found = bootstrap(lambda r: 2 * r.mean() - 1, ranks, resamples=resamples, level=level, key=key)
    return Score(*map(float, found))
