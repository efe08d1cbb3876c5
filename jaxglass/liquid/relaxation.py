"""Times and units of relaxation, error bars, and the mesoelastic model.

Reduced units: length a0 = (V / n)^(1/d), time t0 = a0 / sqrt(T) with unit masses, so that of all
models msd / a0^2 = d (t / t0)^2 while motion is ballistic, up to about t = 0.1 t0.

    tau_alpha      F_s(q, tau) = 0.2 at the first peak q of S(q)
    mesoelastic    log(tau_alpha / t0) = (l a0)^2 kappa / T + log t~
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, positive
from ..system.glass import Glass
from .frames import Correlation, known_times

# The ballistic regime ends at this time, in units of t0 (thesis, section 6.D.1).
BALLISTIC = 0.1


class Units(NamedTuple):
    """a0 and t0."""

    length: Array
    time: Array


class Mesoelastic(NamedTuple):
    """l of (l a0)^2 kappa / T and t~; the root mean square residual of log(tau / t0)."""

    length: Array
    time: Array
    misfit: Array


def reduced_units(glass: Glass, temperature: Any) -> Units:
    """a0 = (V / n)^(1/d) and t0 = a0 / sqrt(T).

    Example:
        >>> dense = jg.glass([[0.0, 0.0], [1.0, 1.0]], jnp.sqrt(2.0))
        >>> tuple(round(float(u), 9) for u in jg.liquid.reduced_units(dense, 0.25))
        (1.0, 2.0)
    """
    positive("temperature", temperature)
    length = (glass.box.volume / glass.count) ** (1 / glass.dim)
    return Units(length, length / jnp.sqrt(temperature))


def relaxation_time(lag: Any, value: Any, *, threshold: float = 0.2) -> Array:
    """When a correlation first falls to a threshold, linear in the logarithm of the lag.

    Args:
        lag, value: (m,), of ``intermediate_scattering``.
        threshold: 0.2 of tau_alpha.

    Returns:
        A scalar; NaN where the threshold is not reached.

    Example:
        >>> t = jnp.geomspace(0.1, 100.0, 400)
        >>> round(float(jg.liquid.relaxation_time(t, jnp.exp(-t / 10)) / (10 * np.log(5))), 3)
        1.0
    """
    lag, value = jnp.asarray(lag, float), jnp.asarray(value, float)
    if lag.ndim != 1 or value.shape != lag.shape or len(lag) < 2:
        raise ValueError(
            f"value must be one number for each of two lags or more, found shapes {lag.shape} "
            f"of lag and {value.shape}"
        )
    below = value <= threshold
    k = jnp.maximum(jnp.argmax(below), 1)
    share = (value[k - 1] - threshold) / (value[k - 1] - value[k])
    early, late = lag[k - 1], lag[k]
    ratio = late / jnp.where(early > 0, early, 1.0)
    between = jnp.where(early > 0, early * ratio**share, share * late)
    return jnp.where(jnp.any(below) & ~below[0], between, jnp.nan)


def in_blocks(
    observable: Callable[[Any, Any], Correlation], position: Any, time: Any, blocks: int = 5
) -> Correlation:
    """A correlation with standard errors from consecutive parts of one trajectory.

    Args:
        observable: function of position and time that gives a Correlation of the same lags for all
            parts, such as ``mean_square_displacement``.
        position: (f, n, d).
        time: (f,).
        blocks: parts; each should last several relaxation times.

    Returns:
        Correlation: mean over the parts, and its standard error.

    Example:
        >>> x = jax.random.normal(jax.random.key(0), (400, 50, 2)).cumsum(axis=0)
        >>> found = jg.liquid.in_blocks(jg.liquid.mean_square_displacement, x, np.arange(400.0))
        >>> bool(abs(found.value[1] - 2) < 5 * found.error[1])
        True
    """
    time = known_times(jnp.asarray(position), time)
    size = len(time) // integer("blocks", blocks, at_least=2)
    if size < 2:
        raise ValueError(f"blocks must leave two frames each of {len(time)}, found {blocks}")
    part = lambda k: slice(k * size, (k + 1) * size)
    return over_samples([observable(position[part(k)], time[part(k)]) for k in range(blocks)])


def over_samples(found: Sequence[Correlation]) -> Correlation:
    """The mean of the same correlation of independent samples, with its standard error.

    Example:
        >>> one = lambda v: jg.liquid.Correlation(jnp.zeros(1), jnp.array([v]), jnp.zeros(1))
        >>> mean = jg.liquid.over_samples([one(1.0), one(3.0)])
        >>> float(mean.value[0]), float(mean.error[0])
        (2.0, 1.0)
    """
    if len(found) < 2:
        raise ValueError(f"found must be of two samples or more, found {len(found)}")
    lags = [np.asarray(f.lag) for f in found]
    same = all(a.shape == lags[0].shape and np.allclose(a, lags[0], rtol=1e-6) for a in lags)
    if not same:
        raise ValueError("found must be correlations at the same lags, found others")
    value = jnp.stack([f.value for f in found])
    error = jnp.std(value, axis=0, ddof=1) / jnp.sqrt(len(found))
    return Correlation(found[0].lag, jnp.mean(value, axis=0), error)


def mesoelastic_fit(temperature: Any, time: Any, stiffness: Any, *, length: Any) -> Mesoelastic:
    """Least squares of log(tau / t0) = (l a0)^2 kappa / T + log t~.

    Args:
        temperature: (k,).
        time: (k,), tau_alpha / t0 at each.
        stiffness: (k,), mean dipole stiffness of glasses quenched from there.
        length: a0.

    Returns:
        Mesoelastic; the length is NaN where relaxation speeds up with kappa / T.

    Example:
        >>> t, kappa = jnp.array([0.5, 0.6, 0.8]), jnp.array([9.0, 8.0, 7.0])
        >>> found = jg.liquid.mesoelastic_fit(t, 0.1 * jnp.exp(0.16 * kappa / t), kappa, length=1.0)
        >>> round(float(found.length), 6), round(float(found.time), 6)
        (0.4, 0.1)
    """
    temperature, time, stiffness = (jnp.asarray(a, float) for a in (temperature, time, stiffness))
    shapes = temperature.shape, time.shape, stiffness.shape
    if temperature.ndim != 1 or len(set(shapes)) > 1 or len(temperature) < 2:
        raise ValueError(
            "temperature, time and stiffness must be of the same two state points or more, found "
            f"shapes {shapes[0]}, {shapes[1]} and {shapes[2]}"
        )
    x, y = stiffness / temperature, jnp.log(time)
    off = x - jnp.mean(x)
    slope = jnp.sum(off * y) / jnp.sum(off**2)
    start = jnp.mean(y) - slope * jnp.mean(x)
    misfit = jnp.sqrt(jnp.mean((start + slope * x - y) ** 2))
    return Mesoelastic(jnp.sqrt(slope) / length, jnp.exp(start), misfit)
