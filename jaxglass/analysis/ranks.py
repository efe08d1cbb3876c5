"""Rank statistics: correlation by ranks, and how high a marked entry stands in a map."""

import numpy as np
from numpy.typing import ArrayLike


def ranks(values: ArrayLike) -> np.ndarray:
    """Ranks from 0, ties sharing their mean.

    Example:
        >>> jg.analysis.ranks([3.0, 1.0, 3.0]).tolist()
        [1.5, 0.0, 1.5]
    """
    values = np.asarray(values, float)
    if not np.isfinite(values).all():
        raise ValueError(
            "values must be finite to have ranks, "
            f"found {int((~np.isfinite(values)).sum())} that are not"
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


def standing(values: ArrayLike, index: int) -> float:
    """Rank of one entry among all, from 0 (lowest) to 1 (highest): the score of a predicted event.

    Example:
        >>> jg.analysis.standing([0.1, 0.9, 0.5], 1)
        1.0
    """
    values = np.asarray(values)
    return float(ranks(values)[index] / (values.size - 1))
