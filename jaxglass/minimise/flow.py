"""Steepest descent as the motion that it stands for, dx/dt = F(x), followed with error control.

Where it ends is a matter of the landscape alone, and not of a minimiser and its steps. The motion
is stiff, its rates are the eigenvalues of the Hessian: the Runge-Kutta-Chebyshev method of second
order (Sommeijer, Shampine and Verwer, J. Comput. Appl. Math. 88, 315) is explicit and takes steps
as long as 0.65 S^2 / lambda_max with S evaluations of the force. Its coefficients are cited from
memory; a test holds them against their order of convergence and the limit of stability.

Many samples move at once, each with its own step, in as many stages as the stiffest needs.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from ..neighbours.listing import forces
from ..neighbours.moving import on_fresh_lists
from .each import against, largest, longest, one_where_zero
from .fire import largest_stiffness
from .snapshot import snapshot
from .tolerance import tolerance

DAMPING = 2 / 13  # of the polynomial of stability, as published
STABLE = 2 / 3 * (1 - 2 / 15 * DAMPING)  # h lambda_max / (S^2 - 1) that is stable
STIFFER = 1.2  # lambda_max is estimated from below, within a tenth
MOST_STAGES = 250
# Largest error of a step, in skins; falls of ipl2d then take some 2,000 evaluations. Three falls of
# n = 1,600 end where those of FIRE do.
ERROR = 1e-3
GROW, SHRINK, SAFE = 5.0, 0.2, 0.8  # of a step


class Flow(Struct):
    """State of the motion of many samples.

    Attributes:
        position: (s, n, d).
        force: (s,), largest component of the gradient where the last step began.
        done: (s,), whether the goal is reached.
        step: (s,), in time; zero before the first.
        evaluated: (s,), gradients evaluated so far.
        steps: the same of the sample that took most, a number.
        status: bits of the lists, a number.
    """

    position: Array
    force: Array
    done: Array
    step: Array
    evaluated: Array
    steps: Array
    status: Array


def start(position, evaluated, pushing):
    """A Flow at positions (s, n, d) after a number of evaluations (s,); overlaps are not pushed
    apart, as that would be another motion.
    """
    each = lambda value: jnp.full(len(position), value)
    return Flow(
        position=position,
        force=each(jnp.inf),
        done=each(False),
        step=each(0.0),
        evaluated=evaluated,
        steps=jnp.max(evaluated),
        status=jnp.int32(0),
    )


def descend(model, all, plan, state, force_tol, limit):
    """Follows the motion until no component of the gradient is above the tolerance, ``force_tol``
    (s,) of the typical force; or until the limit of evaluations.

    Returns:
        The last Flow, and a PairList of its positions.
    """

    def prepare(s, pairs):
        e = snapshot(model, all, pairs, s.position)
        return STIFFER * one_where_zero(largest_stiffness(e)), tolerance(e, force_tol)

    def advance(s, pairs, context):
        force_of = lambda position: forces(model, all, pairs, position)
        return _advance(force_of, plan.skin, s, *context)

    going = lambda s: ~jnp.all(s.done)
    move = prepare, advance
    return on_fresh_lists(model, all, plan, move, going, state, limit, list_at_end=True)


def _advance(force_of, skin, s, stiffness, enough):
    """One step; samples that are done stay where they are, too large a step is not made."""
    force = force_of(s.position)
    strongest = largest(force)
    done = s.done | ~(strongest > enough)  # also where it is NaN
    step = jnp.where(s.step > 0, s.step, 1 / stiffness)
    # nobody may leave the list
    step = jnp.minimum(step, skin / 4 / one_where_zero(longest(force)))
    step = jnp.minimum(step, STABLE * (MOST_STAGES**2 - 1) / stiffness)
    stages = jnp.max(jnp.where(done, 2.0, jnp.sqrt(1 + step * stiffness / STABLE)))
    stages = jnp.maximum(jnp.ceil(stages).astype(jnp.int32), 2)
    position, after = chebyshev(force_of, s.position, force, step, stages)
    difference = 0.8 * (s.position - position) + 0.4 * against(step) * (force + after)
    off = largest(difference) / (ERROR * skin)
    good = ~done & (off <= 1)
    change = jnp.clip(SAFE / jnp.cbrt(one_where_zero(off)), SHRINK, GROW)
    change = jnp.where(off > 0, change, jnp.where(off == 0, GROW, SHRINK))
    return s.replace(
        position=jnp.where(against(good), position, s.position),
        force=jnp.where(s.done, s.force, strongest),
        done=done,
        step=jnp.where(done, s.step, change * step),
        evaluated=s.evaluated + jnp.where(s.done, 0, stages + 1),
        steps=s.steps + stages + 1,
    )


def chebyshev(force_of, position, force, step, stages):
    """One step of the method, and the force behind it.

    Args:
        force_of: function of positions (s, n, d).
        position, force: where the step begins.
        step: (s,), in time.
        stages: S, two or more.
    """
    size = stages.astype(float)
    w0 = 1 + DAMPING / size**2
    angle = jnp.arccosh(w0)
    top = jnp.cosh(size * angle)
    slope = size * jnp.sinh(size * angle) / jnp.sinh(angle)
    w1 = slope * (w0**2 - 1) / (size**2 * top - w0 * slope)
    h = against(step)
    b = 1 / (4 * w0**2)  # of the first three stages
    first = position + b * w1 * h * force
    # T_j(w0), T_j' and T_j'' for j = 0 and 1
    polynomials = jnp.array([1.0, 0.0, 0.0]), jnp.stack([w0, 1.0, 0.0])

    def stage(_, carry):
        (older, old), (b_older, b_old), (before, now) = carry
        t = 2 * w0 * old - older + jnp.stack([0.0, 2 * old[0], 4 * old[1]])
        b_new = t[2] / t[1] ** 2
        mu, nu = 2 * b_new * w0 / b_old, -b_new / b_older
        pull = 2 * b_new * w1 / b_old
        back = -(1 - b_old * old[0]) * pull
        place = (1 - mu - nu) * position + mu * now + nu * before
        place = place + h * (pull * force_of(now) + back * force)
        return (old, t), (b_old, b_new), (now, place)

    begin = polynomials, (b, b), (position, first)
    end = jax.lax.fori_loop(0, stages - 1, stage, begin)[2][1]
    return end, force_of(end)
