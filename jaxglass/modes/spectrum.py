"""Complete spectra, densities of states, participation, and the phonons to compare them with.

Debye: n d = V Omega_d / ((2 pi)^d d) omega_D^d (c_L^-d + (d - 1) c_T^-d), Omega_d the surface of the unit sphere.
"""

import itertools
import math

import numpy as np

from ..core.checks import positive
from ..landscape.contractions import participation
from .harmonic import lowest_modes


def spectrum(e):
    """All modes but the translations, by full diagonalisation: Modes of n d - d entries. Cost O((n d)^3).

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> jg.spectrum(e).frequency.shape
        (126,)
    """
    n, d = e.position.shape
    return lowest_modes(e, n * d - d, method="dense")


def participation_ratio(vector):
    """(sum_i z_i.z_i)^2 / (n sum_i (z_i.z_i)^2) of fields (..., n, d): 1 if all move alike, 1/n if one moves.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> float(jg.participation_ratio(jnp.eye(4, 2)))
        0.5
    """
    return participation(vector)


def density_of_states(frequency, edges, *, degrees):
    """D(omega): modes per frequency and degree of freedom, from the frequencies of one glass or many.

    Args:
        frequency: any shape; all frequencies below the last edge must be there.
        edges: (m + 1,) ascending.
        degrees: degrees of freedom that the frequencies belong to, samples times n d.

    Returns:
        (m,) values; their integral over the whole spectrum is one.

    Example:
        >>> import numpy as np, jaxglass as jg
        >>> jg.density_of_states(np.array([0.5, 1.5, 1.6]), np.array([0.0, 1.0, 2.0]), degrees=3).tolist()
        [0.3333333333333333, 0.6666666666666666]
    """
    edges = _ascending("edges", edges)
    counts, _ = np.histogram(np.asarray(frequency).ravel(), edges)
    return counts / (np.diff(edges) * degrees)


def cumulative_states(frequency, omega, *, degrees):
    """C(omega): the fraction of modes at or below each omega. C / omega^5 is flat where D grows as omega^4.

    Example:
        >>> import numpy as np, jaxglass as jg
        >>> jg.cumulative_states(np.array([0.5, 1.5]), np.array([1.0, 2.0]), degrees=4).tolist()
        [0.25, 0.5]
    """
    return (
        np.searchsorted(np.sort(np.asarray(frequency).ravel()), np.asarray(omega), side="right")
        / degrees
    )


def phonon_frequencies(box, transverse, longitudinal, largest):
    """Frequencies c |k| of plane waves that fit a periodic box, each as often as it occurs, up to a largest one.

    Args:
        box: Box.
        transverse, longitudinal: sound speeds.
        largest: frequency.

    Returns:
        Sorted array.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import numpy as np, jaxglass as jg
        >>> box = jg.box([2 * np.pi, 2 * np.pi])
        >>> jg.phonon_frequencies(box, 1.0, 2.0, 1.1).round(3).tolist()
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


def debye_frequency(density, dim, transverse, longitudinal):
    """omega_D of a solid of given density and sound speeds.

    Example:
        >>> import math, jaxglass as jg
        >>> math.isclose(jg.debye_frequency(1.0, 2, 1.0, 1.0), math.sqrt(4 * math.pi))
        True
    """
    surface = 2 * math.pi ** (dim / 2) / math.gamma(dim / 2)
    slowness = longitudinal**-dim + (dim - 1) * transverse**-dim
    return (density * dim**2 * (2 * math.pi) ** dim / (surface * slowness)) ** (1 / dim)


def running_mean(x, y, bins):
    """Mean of y over equal-count bins of x: (bins,) mean x and (bins,) mean y, for n e(omega).

    Example:
        >>> import numpy as np, jaxglass as jg
        >>> [a.tolist() for a in jg.running_mean(np.array([3.0, 1, 2, 4]), np.array([3.0, 1, 2, 4]), 2)]
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
