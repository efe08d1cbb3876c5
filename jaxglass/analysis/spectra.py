"""Densities of states from the frequencies of many glasses, and means over bins of equal count."""

import numpy as np
from numpy.typing import ArrayLike


def density_of_states(frequency: ArrayLike, edges: ArrayLike, *, degrees: int) -> np.ndarray:
    """D(omega): modes per frequency and degree of freedom, of one glass or many.

    Args:
        frequency: any shape; all frequencies below the last edge must be there.
        edges: (m + 1,) ascending.
        degrees: degrees of freedom that the frequencies belong to, samples times n d.

    Returns:
        (m,) values; their integral over the whole spectrum is one.

    Example:
        >>> frequency, edges = np.array([0.5, 1.5, 1.6]), np.array([0.0, 1.0, 2.0])
        >>> jg.analysis.density_of_states(frequency, edges, degrees=3).tolist()
        [0.3333333333333333, 0.6666666666666666]
    """
    edges = _ascending("edges", edges)
    counts, _ = np.histogram(np.asarray(frequency).ravel(), edges)
    return counts / (np.diff(edges) * degrees)


def cumulative_states(frequency: ArrayLike, omega: ArrayLike, *, degrees: int) -> np.ndarray:
    """C(omega): the fraction of modes at or below each omega.

    C / omega^5 is flat where D grows as omega^4.

    Example:
        >>> frequency, omega = np.array([0.5, 1.5]), np.array([1.0, 2.0])
        >>> jg.analysis.cumulative_states(frequency, omega, degrees=4).tolist()
        [0.25, 0.5]
    """
    return (
        np.searchsorted(np.sort(np.asarray(frequency).ravel()), np.asarray(omega), side="right")
        / degrees
    )


def running_mean(x: ArrayLike, y: ArrayLike, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of y over equal-count bins of x: (bins,) mean x and (bins,) mean y, for n e(omega).

    Example:
        >>> x = np.array([3.0, 1, 2, 4])
        >>> [a.tolist() for a in jg.analysis.running_mean(x, x, 2)]
        [[1.5, 3.5], [1.5, 3.5]]
    """
    x, y = np.asarray(x).ravel(), np.asarray(y).ravel()
    parts = np.array_split(np.argsort(x, kind="stable"), bins)
    return np.array([x[p].mean() for p in parts]), np.array([y[p].mean() for p in parts])


def _ascending(name, values):
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) < 2 or np.any(np.diff(values) <= 0):
        raise ValueError(f"{name} must be ascending numbers, at least two, found {values.tolist()}")
    return values
