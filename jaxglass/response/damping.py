"""Rate and frequency of a decaying wave: least squares of exp(-rate t / 2) cos(frequency t).

No amplitude and no phase are free. The rate is that of the energy, and the full width of the
spectral line. The fit begins at the best of a grid of rates and frequencies, takes Levenberg and
Marquardt's steps, and a last step of Newton gives derivatives in what was fitted. Standard errors
count residuals within a period of each other as dependent (Newey and West 1987).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..system.box import inverse

STEPS = 60
RATES, FREQUENCIES = 60, 41


class Damping(NamedTuple):
    """Fitted rate and frequency, their standard errors, and the root mean square residual."""

    rate: Array
    frequency: Array
    rate_error: Array
    frequency_error: Array
    misfit: Array


def damped(time, rate, frequency):
    """exp(-rate t / 2) cos(frequency t).

    Example:
        >>> round(float(jg.response.damped(jnp.pi, 0.0, 1.0)), 12)
        -1.0
    """
    return jnp.exp(-0.5 * rate * time) * jnp.cos(frequency * time)


def damping(time, correlation) -> Damping:
    """The fit to one correlation, or to the mean of many.

    Waves that should be alike, of several directions or samples, are averaged first and fitted
    once: each alone beats.

    Args:
        time: (t,).
        correlation: (t,), one at time 0.

    Returns:
        Damping. Cost: of a correlation of hundreds of times, some milliseconds.

    Example:
        >>> t = jnp.linspace(0.0, 30.0, 400)
        >>> found = jg.response.damping(t, jg.response.damped(t, 0.1, 1.2))
        >>> bool(abs(found.rate - 0.1) < 1e-9), bool(abs(found.frequency - 1.2) < 1e-9)
        (True, True)
    """
    time, correlation = jnp.asarray(time, float), jnp.asarray(correlation, float)
    if time.ndim != 1 or len(time) < 3 or correlation.shape != time.shape:
        raise ValueError(
            "correlation must be one number for each of three times or more, found shapes "
            f"{time.shape} of time and {correlation.shape}"
        )
    return _fitted(time, correlation)


@jax.jit
def _fitted(time, c):
    fixed = jax.lax.stop_gradient((time, c))
    p = _descended(*fixed, _start(*fixed))
    loss = lambda p, c: 0.5 * jnp.sum((damped(time, *p) - c) ** 2)
    curvature = jax.lax.stop_gradient(jax.hessian(loss)(p, fixed[1]))
    p = p - inverse(curvature) @ jax.grad(loss)(p, c)
    residual = damped(time, *p) - c
    rate_error, frequency_error = _standard_errors(time, *jax.lax.stop_gradient((residual, p)))
    misfit = jnp.sqrt(jnp.mean(residual**2))
    return Damping(p[0], p[1], rate_error, frequency_error, misfit)


def _start(time, c):
    """The best of a grid about the frequency of the first zeros."""
    crossing = c[1:] * c[:-1] <= 0
    at = time[:-1] + c[:-1] * jnp.diff(time) / jnp.where(crossing, c[:-1] - c[1:], 1.0)
    number = jnp.cumsum(crossing)
    used = crossing & (number <= 5)
    ratio = jnp.where(used, (number - 0.5) / jnp.where(used, at, 1.0), 0.0)
    few = jnp.pi / (2 * time[-1])
    w = jnp.where(jnp.any(used), jnp.pi * jnp.sum(ratio) / jnp.maximum(jnp.sum(used), 1), few)
    rates = w * jnp.concatenate([jnp.zeros(1), jnp.geomspace(1e-4, 2.0, RATES - 1)])
    frequencies = w * jnp.linspace(0.8, 1.2, FREQUENCIES)
    fall = jnp.exp(-0.5 * rates[:, None] * time)
    wave = jnp.cos(frequencies[:, None] * time)
    square = (fall**2) @ (wave**2).T - 2 * fall @ (wave * c).T
    best = jnp.unravel_index(jnp.argmin(square), square.shape)
    return jnp.stack([rates[best[0]], frequencies[best[1]]])


def _slopes(time, p):
    return jax.jacfwd(lambda p: damped(time, *p))(p)


def _descended(time, c, p):
    """Levenberg and Marquardt's steps."""
    loss = lambda p: jnp.sum((damped(time, *p) - c) ** 2)

    def step(_, state):
        p, guard = state
        slope = _slopes(time, p)
        square = slope.T @ slope
        within = square + guard * jnp.diag(jnp.diag(square))
        tried = p - inverse(within) @ slope.T @ (damped(time, *p) - c)
        better = loss(tried) <= loss(p)
        return jnp.where(better, tried, p), jnp.where(better, guard * 0.2, guard * 5)

    return jax.lax.fori_loop(0, STEPS, step, (p, jnp.asarray(1e-2)))[0]


def _standard_errors(time, residual, p):
    slope = _slopes(time, p)
    bread = inverse(slope.T @ slope)
    apart = jnp.abs(time[:, None] - time) * jnp.abs(p[1]) / (2 * jnp.pi)
    pushed = slope * residual[:, None]
    meat = pushed.T @ jnp.maximum(1 - apart, 0.0) @ pushed
    return jnp.sqrt(jnp.diag(bread @ meat @ bread))
