"""Soft modes by mapping: z <- M^-1 g(z), many starts at once, steered so that it always descends.

The mapping's step is the slope of the cost in the metric of M: w = M^-1 G = z / a - M^-1 g / s, and z - a w is the next
iterate. Successive steps are combined as conjugate directions (Polak and Ribiere), and along each direction the cost is a
ratio of known polynomials, so that its first minimum is found exactly. That damps the cycles which the bare mapping can
fall into, and takes tens of steps where the bare one takes hundreds.

Starts need unequal numbers of steps, the slowest twice the mean: those that are left go on in ever narrower batches.
"""

import jax
import jax.numpy as jnp

from ..core.loop import bounded_loop
from ..core.struct import struct
from . import costs

GRID = 48
WIDE = 24  # a batch worth narrowing


@struct
class Search:
    """State of the iteration, columns (n, d, c) and numbers (c,)."""

    z: object
    a: object
    s: object
    slope: object
    step: object
    direction: object
    residual: object
    steps: object


def map_modes(kind, e, inverse, start, *, tol, max_steps):
    """Iterates columns of starts to stationary fields of a cost.

    Args:
        kind: costs.Kind.
        e: expansion with bonds.
        inverse: function on columns (n, d, c), M^-1 with translations removed.
        start: (n, d, c).
        tol: |M z - (a/s) g| / |M z| to reach.
        max_steps: limit.

    Returns:
        Search; columns that have converged stand still.
    """
    begin = _evaluate(kind, e, inverse, start, jnp.zeros(start.shape[-1], jnp.int32))
    moving_of = lambda s: (
        (s.residual > tol) & (s.steps < max_steps)
    )  # false for NaN: such a column stands still

    def step(old):
        moving = moving_of(old)
        t = first_minimum(
            kind, _quadratic(kind, e, old), costs.along(kind, e, old.z, old.direction)
        )
        trial = old.z + jnp.where(moving, t, 0.0) * old.direction
        new = _evaluate(kind, e, inverse, trial, old.steps + moving)
        # Both are homogeneous of degree -1 in z, whose norm _evaluate resets.
        scale = jnp.sqrt(jnp.maximum(_sum(trial * trial), 1e-300))
        turned = _sum(new.slope * (new.step - scale * old.step))
        beta = jnp.maximum(turned / (scale**2 * _sum(old.slope * old.step)), 0.0)
        direction = -new.step + beta * old.direction / scale
        downhill = _sum(direction * new.slope) < 0
        new = new.replace(direction=jnp.where(downhill, direction, -new.step))
        return jax.tree.map(lambda a, b: jnp.where(moving, a, b), new, old)

    return _narrowing(moving_of, step, begin, max_steps)


def _narrowing(moving_of, step, state, max_steps):
    """Steps until no column moves; when few enough do, these go on as a narrower batch."""
    few = state.a.shape[-1] // 3 if state.a.shape[-1] >= WIDE else 0
    state, _ = bounded_loop(lambda s: jnp.sum(moving_of(s)) > few, step, state, max_steps)
    if few == 0:
        return state
    left = jnp.argsort(~moving_of(state))[:few]
    part = jax.tree.map(lambda a: a[..., left], state)
    part = _narrowing(moving_of, step, part, max_steps)
    return jax.tree.map(lambda a, b: a.at[..., left].set(b), state, part)


def _sum(x):
    return jnp.sum(x, axis=(0, 1))


def _evaluate(kind, e, inverse, z, steps):
    z = z - jnp.mean(z, axis=0)
    z = z / jnp.sqrt(jnp.maximum(_sum(z * z), 1e-300))
    mz, g = costs.columns(kind, e, z)
    a, s = _sum(z * mz), _sum(z * g)
    slope = mz / a - g / s
    step = inverse(slope)
    residual = jnp.sqrt(_sum(slope * slope) / _sum(mz * mz)) * jnp.abs(a)
    residual = jnp.where(a > 0, residual, jnp.nan)
    return Search(z, a, s, slope, step, -step, residual, steps)


def _quadratic(kind, e, state):
    """a(z + t d) = a + 2 t M:zd + t^2 M:dd."""
    z, d = state.z, state.direction
    md = costs.second_columns(e, d)
    return state.a, 2 * _sum(z * md), _sum(d * md)


def first_minimum(kind, a, s):
    """The first minimum along t > 0 of p log a(t) - q log |s(t)|, both given by ascending coefficients (c,)."""
    unit = jnp.sqrt(a[0] / jnp.maximum(a[2], 1e-300))  # a step that changes z by its own size
    t = unit * jnp.concatenate([jnp.zeros(1), jnp.geomspace(1e-4, 1e2, GRID)])[:, None]
    slope = lambda t: _slope(kind, a, s, t)
    uphill = (slope(t) > 0) | (_value(s, t) * s[0] <= 0)
    first = jnp.argmax(uphill.at[-1].set(True), axis=0)
    low, high = (
        jnp.take_along_axis(t, k[None], axis=0)[0] for k in (jnp.maximum(first - 1, 0), first)
    )

    def halve(_, ends):
        low, high = ends
        middle = 0.5 * (low + high)
        right = (slope(middle) > 0) | (_value(s, middle) * s[0] <= 0)
        return jnp.where(right, low, middle), jnp.where(right, middle, high)

    low, high = jax.lax.fori_loop(0, 50, halve, (low, high))
    return 0.5 * (low + high)


def _slope(kind, a, s, t):
    """Sign of the derivative: p a' s - q a s', divided by s."""
    value = _value(s, t)
    return (
        kind.p * _value(_derivative(a), t) * value
        - kind.q * _value(a, t) * _value(_derivative(s), t)
    ) * jnp.sign(value)


def _value(c, t):
    total = 0.0
    for coefficient in reversed(c):
        total = total * t + coefficient
    return total


def _derivative(c):
    return tuple(k * x for k, x in enumerate(c))[1:]
