"""Attenuation of many glasses together: correlations are averaged over directions and samples
before one fit, because each alone beats.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..core.status import Status, flag
from ..system.glass import stack
from .damping import damping
from .waves import SETTLED, Attenuation, equivalent_waves, wave_attenuation

INDIVIDUAL = Status.FEW_MODES | Status.NO_DECAY


def mean_attenuation(
    expansions: Sequence[Any],
    wave: Any,
    polarisation: str = "transverse",
    *,
    times: Any = None,
    points: int = 400,
    periods: int = 60,
) -> Attenuation:
    """Rate and frequency of a kind of wave in an ensemble.

    Args:
        expansions: of glasses of one kind and box, dialled or not.
        wave: integers m, (d,): all directions that ``equivalent_waves`` makes of it count.
        polarisation: "transverse" or "longitudinal".
        times: (t,); by default to where the slowest direction of the first glass has decayed.
        points, periods: of times by default, as in ``wave_attenuation``.

    Returns:
        Attenuation of the mean correlation; errors from leaving out one glass after the other where
        there are several, modes those of all together, products those of all.

    Example:
        >>> found = jg.response.mean_attenuation([e], (2, 1))
        >>> bool(found.modes > jg.wave_attenuation(e, (2, 1)).modes)
        True
    """
    if not len(expansions):
        raise ValueError("expansions must be of one glass or more, found none")
    together = stack(list(expansions))  # of one capacity, for one program
    expansions = [jax.tree.map(lambda a, k=k: a[k], together) for k in range(len(expansions))]
    waves = equivalent_waves(wave)
    if times is None:
        own = wave_attenuation(expansions[0], waves, polarisation, points=points, periods=periods)
        times = jnp.linspace(0.0, jnp.max(own.time), points)
    each = [wave_attenuation(e, waves, polarisation, times=times) for e in expansions]
    curves = jnp.stack([jnp.mean(one.correlation, axis=0) for one in each])
    total = jnp.mean(curves, axis=0)
    fit = damping(each[0].time[0], total)
    errors = fit.rate_error, fit.frequency_error
    if len(each) > 1:
        without = [damping(each[0].time[0], jnp.mean(jnp.delete(curves, k, axis=0), axis=0))
                   for k in range(len(each))]  # fmt: skip
        errors = _jackknife([f.rate for f in without]), _jackknife([f.frequency for f in without])
    modes = jnp.sum(jnp.stack([one.modes for one in each]))
    bits = [jnp.bitwise_or.reduce(one.status & ~int(INDIVIDUAL)) for one in each]
    status = jnp.bitwise_or.reduce(jnp.stack(bits)) | flag(~(modes >= SETTLED), Status.FEW_MODES)
    end = each[0].time[0, -1]
    return Attenuation(
        fit.rate,
        fit.frequency,
        *errors,
        fit.misfit,
        each[0].wavenumber[0],
        modes,
        each[0].time[0],
        total,
        jnp.sum(jnp.stack([one.products for one in each])),
        status | flag(~(fit.rate * end >= 1), Status.NO_DECAY),
    )


def _jackknife(values):
    values = jnp.stack(values)
    return jnp.sqrt((len(values) - 1) * jnp.mean((values - jnp.mean(values)) ** 2))
