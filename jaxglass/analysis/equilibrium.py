"""Whether a run was at equilibrium: series of energies in, numbers and a verdict out."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from ..core.checks import positive
from ..core.status import Status, flag
from .series import mean_of_series

FEWEST = 5.0  # relaxation times below which a run says nothing about equilibrium
LARGEST = 4.0  # standard errors between the two halves of a run at equilibrium


class Equilibrium(NamedTuple):
    """What a series of energies says about its run.

    Attributes:
        mean, error: of the energy; NaN errors where the series is too short to tell.
        time: correlation time in samples.
        relaxation_times: length of the run in these.
        drift: second half minus first half, in standard errors of the second.
        heat_capacity: d<E>/dT, from the fluctuations.
        status: TOO_SHORT for fewer than five relaxation times or halves that differ.
    """

    mean: Array
    error: Array
    time: Array
    relaxation_times: Array
    drift: Array
    heat_capacity: Array
    status: Array


class Agreement(NamedTuple):
    """Two runs beside each other.

    Attributes:
        difference: of their mean energies, in standard errors.
        heat_capacity: (E_2 - E_1) / (T_2 - T_1); NaN at equal temperatures.
        fluctuation: the mean of their heat capacities from fluctuations.
        status: of both; TOO_SHORT where runs at equal temperatures differ by more than four
            standard errors.
    """

    difference: Array
    heat_capacity: Array
    fluctuation: Array
    status: Array


def equilibrium(energies: Any, *, temperature: Any) -> Equilibrium:
    """Checks a run at constant temperature by its series of energies.

    Args:
        energies: (m,), of a canonical run: Monte Carlo, or potential energies of dynamics with a
            thermostat (whose heat capacity then lacks the kinetic part).
        temperature: of the run.

    Example:
        >>> white = jax.random.normal(jax.random.key(0), (1000,))
        >>> check = jg.analysis.equilibrium(white, temperature=1.0)
        >>> int(check.status), bool(check.relaxation_times > 1000)
        (0, True)
    """
    positive("temperature", temperature)
    series = jnp.asarray(energies, jnp.float64)
    if series.ndim != 1 or len(series) < 4:
        raise ValueError(f"energies must be a series of four or more, found shape {series.shape}")
    value, error, time = mean_of_series(series)
    length = len(series) / time
    half = len(series) // 2
    late = mean_of_series(series[-half:])  # the half that tells what rest is like
    drift = (late.value - jnp.mean(series[:half])) / (jnp.sqrt(2) * late.error)
    short = ~(length >= FEWEST) | ~(jnp.abs(drift) <= LARGEST)
    capacity = jnp.var(series, ddof=1) / temperature**2
    return Equilibrium(value, error, time, length, drift, capacity, flag(short, Status.TOO_SHORT))


def agreement(first: Any, second: Any, *, temperatures: tuple[Any, Any]) -> Agreement:
    """Compares two runs: from a hot and a cold start, or at two neighbouring temperatures.

    Hot and cold starts at one temperature must agree. Between neighbouring temperatures the mean
    energy must change as the fluctuations say.

    Args:
        first, second: series of energies.
        temperatures: of both.

    Example:
        >>> a, b = jax.random.normal(jax.random.key(0), (2, 1000))
        >>> int(jg.analysis.agreement(a, b, temperatures=(1.0, 1.0)).status)
        0
    """
    a, b = (
        equilibrium(series, temperature=t)
        for series, t in zip((first, second), temperatures, strict=True)
    )
    warmer = jnp.asarray(temperatures[1], jnp.float64) - temperatures[0]
    apart = (b.mean - a.mean) / jnp.sqrt(a.error**2 + b.error**2)
    differ = (warmer == 0) & ~(jnp.abs(apart) <= LARGEST)
    slope = jnp.where(warmer == 0, jnp.nan, (b.mean - a.mean) / jnp.where(warmer == 0, 1, warmer))
    mean = 0.5 * (a.heat_capacity + b.heat_capacity)
    return Agreement(apart, slope, mean, a.status | b.status | flag(differ, Status.TOO_SHORT))
