"""Plane waves to compare the modes of a glass with.

Debye: n d = V Omega_d / ((2 pi)^d d) omega_D^d (c_L^-d + (d - 1) c_T^-d), Omega_d the surface of
the unit sphere.
"""

import itertools
import math

import numpy as np

from ..core.checks import positive
from ..core.geometry import sphere
from ..system.box import Box


def phonon_frequencies(
    box: Box, transverse: float, longitudinal: float, largest: float
) -> np.ndarray:
    """Frequencies c |k| up to a largest one of plane waves that fit a periodic box.

    Each comes as often as it occurs.

    Args:
        box: Box.
        transverse, longitudinal: sound speeds.
        largest: frequency.

    Returns:
        Sorted array.

    Example:
        >>> box = jg.box([2 * np.pi, 2 * np.pi])
        >>> jg.response.phonon_frequencies(box, 1.0, 2.0, 1.1).round(3).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    cell = np.asarray(box.cell)
    d = cell.shape[0]
    slowest = min(positive("transverse", transverse), positive("longitudinal", longitudinal))
    reach = np.ceil(largest / slowest * np.linalg.norm(cell, axis=0) / (2 * np.pi)).astype(int)
    integers = np.array(
        [m for m in itertools.product(*(range(-r, r + 1) for r in reach)) if any(m)]
    )
    k = 2 * np.pi * np.linalg.norm(integers @ np.linalg.inv(cell), axis=1)
    waves = np.concatenate([np.repeat(transverse * k, d - 1), longitudinal * k])
    return np.sort(waves[waves <= largest * (1 + 1e-12)])


def debye_frequency(density: float, dim: int, transverse: float, longitudinal: float) -> float:
    """omega_D of a solid of given density and sound speeds.

    Example:
        >>> import math
        >>> math.isclose(jg.response.debye_frequency(1.0, 2, 1.0, 1.0), math.sqrt(4 * math.pi))
        True
    """
    slowness = longitudinal**-dim + (dim - 1) * transverse**-dim
    return (density * dim**2 * (2 * math.pi) ** dim / (sphere(dim) * slowness)) ** (1 / dim)
