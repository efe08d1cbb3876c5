"""Coordinates for a matrix that does not know where its particles are.

The direct engine cuts a glass in halves along its coordinates. Without any, steps along the graph
of interactions serve: of each particle from the first one, from the one farthest from that, from
the one farthest from both, and so on. Averages over neighbours turn numbers of steps into something
smooth that few pairs cross at once.
"""

import numpy as np

SMOOTHING = 3  # averages over neighbours: after two the cuts of a planar glass stop improving


def graph_coordinates(n, i, j, dim):
    """Coordinates (n, dim) of particles with interacting pairs i, j, both (b,)."""
    ends, others = np.concatenate([i, j]), np.concatenate([j, i])
    order = np.argsort(ends, kind="stable")
    start, near = np.searchsorted(ends[order], np.arange(n + 1)), others[order]
    steps, first = [], 0
    for _ in range(dim + 1):
        steps.append(_steps_from(first, n, start, near))
        first = int(np.argmax(np.min(steps, axis=0)))
    # The first particle is any particle; the farthest from it stands at an edge.
    return np.stack([_smooth(s.astype(float), ends, others) for s in steps[1:]], axis=1)


def _steps_from(first, n, start, near):
    """Steps along pairs from one particle; n where no way leads."""
    steps = np.full(n, n)
    steps[first], reached, count = 0, np.array([first]), 0
    while reached.size:
        count += 1
        rows = np.concatenate([near[start[k] : start[k + 1]] for k in reached])
        reached = np.unique(rows[steps[rows] == n])
        steps[reached] = count
    return steps


def _smooth(value, ends, others):
    neighbours = np.maximum(np.bincount(ends, minlength=value.size), 1)
    for _ in range(SMOOTHING):
        seen = np.bincount(ends, weights=value[others], minlength=value.size) / neighbours
        value = (value + seen) / 2
    return value
