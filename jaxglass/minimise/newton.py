"""Newton's method with conjugate gradients, close to a minimum, and the verdict whether it is one.

    M dx = -g,        solved as        M y = -g + a M w,        dx = y - a w

The field w is irregular, fixed, zero where nothing touches; a makes both parts of the right-hand
side equally large. Conjugate gradients meet negative curvature only where the right-hand side has a
part along it, and the force of a symmetric configuration (a square lattice, a saddle between two
equal minima) has none: with w every solve sees every mode, at no cost (9,900 products in 10
quenches of n = 1,024, 10,000 without). At rest the right-hand side is M w alone, and nothing moves.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.loop import bounded_loop
from ..core.status import Status
from ..core.struct import Struct
from ..linalg.cg import cg
from ..neighbours.moving import where
from .snapshot import snapshot
from .tolerance import tolerance, typical_force

STEPS = 8  # quenches of ipl2d take 3 or 4
# Longest move in skins: STEPS of them stay within the half skin for which a list is right.
LONGEST = 1 / 16


class Approach(Struct):
    """Where Newton's method got to with each of the samples.

    Attributes:
        position: (s, n, d).
        force: (s,), largest component of the gradient there.
        scale: (s,), typical bond force there.
        at_rest: (s,), whether the force is below the tolerance.
        negative: (s,), whether negative curvature was met in the last solve.
        firm: (s,), whether the mean curvature, the trace of M, is positive.
        touched: (s, n), whether a particle touches anything.
        going: (s,), whether the last step was accepted.
        steps: (s,), gradients evaluated.
    """

    position: Array
    force: Array
    scale: Array
    at_rest: Array
    negative: Array
    firm: Array
    touched: Array
    going: Array
    steps: Array


def look(e, force_tol):
    """The Approach before its first step: what a Snapshot looks like."""
    samples = len(e.position)
    force = jnp.max(jnp.abs(e.gradient()), axis=(1, 2))
    curvature = e.position.shape[-1] * e.derivative[1]
    curvature = curvature + e.derivative[2] * dot(e.separation, e.separation)
    return Approach(
        position=e.position,
        force=force,
        scale=typical_force(e),
        at_rest=force <= tolerance(e, force_tol),
        negative=jnp.zeros(samples, bool),
        firm=e.all.total(curvature, e.pairs.i) > 0,
        touched=e.stiffness > 0,
        going=jnp.ones(samples, bool),
        steps=jnp.ones(samples, jnp.int32),
    )


def nowhere(position):
    """An Approach to start loops with; it has looked at nothing."""
    samples = len(position)
    no, infinite = jnp.zeros(samples, bool), jnp.full(samples, jnp.inf)
    nothing = jnp.zeros(position.shape[:2], bool)
    steps = jnp.zeros(samples, jnp.int32)
    return Approach(position, infinite, infinite, no, no, no, nothing, no, steps)


def newton(model, all, pairs, position, *, force_tol, skin):
    """Newton steps on one list of pairs from positions (s, n, d); returns an Approach.

    A step is accepted if it is short, halves the largest force, and no negative curvature was met.
    There is at least one solve, so that a configuration at rest gets its verdict too.
    """

    def unfinished(at):
        return at.going & ((at.steps == 1) | ~at.at_rest)

    def step(at):
        e = snapshot(model, all, pairs, at.position)
        move, negative = _solve(e, kick(at), at.at_rest)
        trial = look(snapshot(model, all, pairs, at.position + move), force_tol)
        short = jnp.max(dot(move, move), axis=1) < (LONGEST * skin) ** 2
        accepted = short & (trial.force < 0.5 * at.force) & ~negative & ~at.at_rest
        best = where(accepted, trial, at)
        best = best.replace(negative=negative, going=accepted, steps=at.steps + 1)
        return where(unfinished(at), best, at)

    start = look(snapshot(model, all, pairs, position), force_tol)
    return bounded_loop(lambda at: jnp.any(unfinished(at)), step, start, STEPS)[0]


def _solve(e, w, at_rest):
    """The Newton step -M^-1 g, and whether M w or g have a part along negative curvature.

    The relative residual of 1e-5 costs few products and lets a step gain five digits. At rest it is
    1e-8: a mode of curvature k is seen if its share in M w, k / (k_rms sqrt(n d)), is above the
    residual.
    """
    each = lambda a: a[:, None, None]
    size = lambda field: jnp.sqrt(jnp.sum(field * field, axis=(1, 2)))
    g, pushed = e.gradient(), e.second(w)
    length = size(pushed)
    a = jnp.where(at_rest, 1.0, size(g) / jnp.where(length > 0, length, 1.0))
    b = each(a) * pushed - each(jnp.where(at_rest, 0.0, 1.0)) * g
    tol = jnp.where(at_rest, 1e-8, 1e-5)
    level = lambda v: v - jnp.mean(v, axis=1, keepdims=True)
    s = cg(e.second, b, tol=tol, max_steps=20_000, project=level, many=True)
    return s.x - each(a) * w, (s.status & Status.NOT_A_MINIMUM) != 0


def kick(at):
    """A fixed irregular field of unit mean square without translations, zero where nothing touches.

    Phases that grow with the square of the index look random and have no correlation with any
    neighbour (Weyl); a generator of random numbers is a third of the quench to compile.
    """
    touched = at.touched[..., None]
    index = jnp.arange(at.position[0].size, dtype=jnp.float64).reshape(at.position.shape[1:])
    w = jnp.where(touched, jnp.cos(np.sqrt(2) * np.pi * index**2), 0.0)
    count = jnp.maximum(jnp.sum(touched, axis=1, keepdims=True), 1)
    w = jnp.where(touched, w - jnp.sum(w, axis=1, keepdims=True) / count, 0.0)
    size = jnp.sqrt(jnp.mean(dot(w, w), axis=1))[:, None, None]
    return w / jnp.where(size > 0, size, 1.0)
