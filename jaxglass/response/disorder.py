"""How much elastic moduli differ from glass to glass, and where sound ceases to travel.

    gamma(n) = n (std / mean)^2      of the moduli of many glasses of n particles

tends to a number for large n. At weak disorder the attenuation follows from it: c_Gamma Gamma /
omega^3 = gamma in the plane, rates and frequencies in units of c / a0, with c_Gamma = 3.77 of the
thesis, section 5.4. Where internal stress is not taken out, glasses that are nearly unstable make a
tail p(mu) ~ n^(-3/2) (<mu> - mu)^(-7/2) of low moduli.
"""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from ..core.checks import integer
from ..core.random import generator

# Of the thesis, figure 5.3: it multiplies the reduced rate.
C_GAMMA = 3.77
LEVEL = 0.95


class Disorder(NamedTuple):
    """gamma and the ends of its 95 per cent bootstrap interval."""

    value: Array
    low: Array
    high: Array


def disorder_parameter(moduli: Any, n: int, *, resamples: int = 2000, key: Any = None) -> Disorder:
    """n (std / mean)^2 of the moduli of many glasses, with a 95 per cent bootstrap interval.

    Args:
        moduli: (m,), of m samples; negative ones belong to it.
        n: particles of each.
        resamples: of the bootstrap over samples.
        key: JAX random key of the bootstrap; a fixed one by default.

    Returns:
        Disorder; its value differentiates in the moduli.

    Example:
        >>> found = jg.disorder_parameter(jnp.array([10.0, 12.0, 11.0, 9.0]), 400)
        >>> round(float(found.value), 3), bool(found.low <= found.value <= found.high)
        (4.535, True)
    """
    moduli = jnp.asarray(moduli, float)
    if moduli.ndim != 1 or len(moduli) < 2:
        raise ValueError(
            f"moduli must be of two samples or more, (m,), found an array of shape {moduli.shape}"
        )
    integer("n", n, at_least=1)
    drawn = generator(key).integers(
        0, len(moduli), (integer("resamples", resamples, at_least=1),) + moduli.shape
    )
    gamma = lambda g: n * jnp.var(g, axis=-1) / jnp.mean(g, axis=-1) ** 2
    low, high = jnp.quantile(gamma(moduli[drawn]), jnp.array([1 - LEVEL, 1 + LEVEL]) / 2)
    return Disorder(gamma(moduli), low, high)


def ioffe_regel_frequency(frequency: Any, rate: Any) -> Array:
    """The frequency from which sound does not travel: where pi Gamma first exceeds omega.

    Args:
        frequency: (w,), ascending.
        rate: (w,), Gamma of the waves.

    Returns:
        A scalar, interpolated between logarithms; NaN where pi Gamma stays below.

    Example:
        >>> w = jnp.geomspace(0.1, 10.0, 20)
        >>> round(float(jg.response.ioffe_regel_frequency(w, w**3 / jnp.pi)), 9)
        1.0
    """
    frequency, rate = jnp.asarray(frequency, float), jnp.asarray(rate, float)
    if frequency.ndim != 1 or len(frequency) < 2 or rate.shape != frequency.shape:
        raise ValueError(
            "frequency and rate must be of the same two waves or more, found shapes "
            f"{frequency.shape} and {rate.shape}"
        )
    ratio = jnp.log(jnp.pi * jnp.maximum(rate, 1e-300) / frequency)
    crossing = (ratio[:-1] < 0) & (ratio[1:] >= 0)
    k = jnp.argmax(crossing)
    log = jnp.log(frequency)
    there = log[k] - ratio[k] * (log[k + 1] - log[k]) / (ratio[k + 1] - ratio[k])
    return jnp.where(jnp.any(crossing), jnp.exp(there), jnp.nan)
