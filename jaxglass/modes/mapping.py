"""Soft modes by mapping: z <- M^-1 g(z), many starts at once, steered so that it always descends.

The mapping's step is the slope of the cost in the metric of M: w = M^-1 G = z / a - M^-1 g / s, and
z - a w is the next iterate. Successive steps are combined as conjugate directions (Polak and
Ribiere), and along each direction the cost is a ratio of known polynomials, so that its first
minimum is found exactly. That damps the cycles which the bare mapping can fall into, and takes tens
of steps where the bare one takes hundreds.

Starts need unequal numbers of steps, the slowest twice the mean: those that are left go on in ever
narrower batches.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.struct import Struct
from ..landscape.solve import remove_translation
from .cost import form_along

# Trial lengths of a line search, 1e-4 to 100 times a step that changes z by its own size: a factor
# of 1.34 between them, fine enough that the first minimum of a ratio of polynomials of degree four
# was never jumped over in 16,000 searches.
GRID = 48
WIDE = 24  # a batch worth narrowing; each narrower width is a program of its own
HALVINGS = 50  # of the interval found on the grid: to the last digit


class Search(Struct):
    """State of the iteration, columns (n, d, c) and numbers (c,)."""

    z: Array
    mz: Array
    a: Array
    s: Array
    slope: Array
    step: Array
    direction: Array
    residual: Array
    steps: Array


def map_modes(cost, e, inverse, start, *, tol, max_steps):
    """Iterates columns of starts to stationary fields of a cost.

    Args:
        cost: Cost.
        e: expansion with bonds.
        inverse: function on columns (n, d, c), M^-1 with translations removed.
        start: (n, d, c).
        tol: |M z - (a/s) g| / |M z| to reach.
        max_steps: limit.

    Returns:
        Search; columns that have converged stand still.
    """
    none = jnp.zeros(start.shape[-1], jnp.int32)
    begin = _evaluate(cost, e, inverse, start, e.second(start), none)
    # False for NaN: such a column stands still.
    moving_of = lambda s: (s.residual > tol) & (s.steps < max_steps)

    def step(old):
        moving = moving_of(old)
        z, d, md = old.z, old.direction, e.second(old.direction)
        quadratic = old.a, 2 * _sum(z * md), _sum(d * md)  # of a(z + t d)
        t = first_minimum(cost, quadratic, form_along(cost, e, z, d))
        t = jnp.where(moving, t, 0.0)
        trial = z + t * d
        new = _evaluate(cost, e, inverse, trial, old.mz + t * md, old.steps + moving)
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


def _evaluate(cost, e, inverse, z, mz, steps):
    """What follows from z and M z, z made of unit norm: a, s, G, w = M^-1 G, and the residual.

    The residual is |M z - (a/s) g| / |M z| = |a| |G| / |M z|.
    """
    z = remove_translation(z)
    scale = jnp.sqrt(jnp.maximum(_sum(z * z), 1e-300))
    z, mz = z / scale, mz / scale
    g = cost.drive(e, z)
    a, s = _sum(z * mz), _sum(z * g)
    slope = mz / a - g / s
    step = inverse(slope)
    residual = jnp.sqrt(_sum(slope * slope) / _sum(mz * mz)) * jnp.abs(a)
    residual = jnp.where(a > 0, residual, jnp.nan)
    return Search(z, mz, a, s, slope, step, -step, residual, steps)


def first_minimum(cost, a, s):
    """The first minimum along t > 0 of p log a(t) - q log |s(t)|.

    Both are given by ascending coefficients (c,).
    """
    unit = jnp.sqrt(a[0] / jnp.maximum(a[2], 1e-300))  # a step that changes z by its own size
    t = unit * jnp.concatenate([jnp.zeros(1), jnp.geomspace(1e-4, 1e2, GRID)])[:, None]
    slope = lambda t: _slope(cost, a, s, t)
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

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (low, high))
    return 0.5 * (low + high)


def _slope(cost, a, s, t):
    """Sign of the derivative: p a' s - q a s', divided by s."""
    value = _value(s, t)
    return (
        cost.p * _value(_derivative(a), t) * value
        - cost.q * _value(a, t) * _value(_derivative(s), t)
    ) * jnp.sign(value)


def _value(c, t):
    total = 0.0
    for coefficient in reversed(c):
        total = total * t + coefficient
    return total


def _derivative(c):
    return tuple(k * x for k, x in enumerate(c))[1:]
