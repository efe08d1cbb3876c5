"""Conjugate gradients of Polak and Ribiere with a backtracking line search, as LAMMPS has them.

    d <- F + max(0, F.(F - F_old) / F_old.F_old) d,        x <- x + a d

with a halved from the longest allowed until the energy falls by 0.4 a F.d. Forces within a list
that moves of a quarter skin leave right; LAMMPS allows 0.1 in its units of length.
"""

import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.struct import Struct
from ..neighbours.moving import on_fresh_lists
from .each import against, largest, longest, one_where_zero
from .snapshot import snapshot
from .tolerance import tolerance

# The values of LAMMPS: share of the slope by which the energy must fall, and factor on the step.
FALL, HALVE = 0.4, 0.5
LONGEST = 1.0  # the step itself, in the units of the model, as there
HALVINGS = 40  # until a step is nothing: the direction is forgotten then
# Of the energy: what rounding makes of no change.
ROUNDING = 1e-14


class Conjugate(Struct):
    """State of the minimisation of many samples.

    Attributes:
        position: (s, n, d).
        direction, old: (s, n, d), the last direction and the force it was made of.
        force: (s,), largest component of the gradient where the last step began.
        done: (s,), whether the goal is reached.
        evaluated: (s,), gradients evaluated so far.
        steps: the same of the sample that took most, a number.
        status: bits of the lists, a number.
    """

    position: Array
    direction: Array
    old: Array
    force: Array
    done: Array
    evaluated: Array
    steps: Array
    status: Array


def start(position, evaluated, pushing):
    """A Conjugate at positions (s, n, d) after a number of evaluations (s,)."""
    each = lambda value: jnp.full(len(position), value)
    return Conjugate(
        position=position,
        direction=jnp.zeros_like(position),
        old=jnp.zeros_like(position),
        force=each(jnp.inf),
        done=each(False),
        evaluated=evaluated,
        steps=jnp.max(evaluated),
        status=jnp.int32(0),
    )


def descend(model, all, plan, state, force_tol, limit):
    """Goes down until no component of the gradient is above the tolerance, ``force_tol`` (s,) of
    the typical force; or until the limit of evaluations.

    Returns:
        The last Conjugate, and a PairList of its positions.
    """
    prepare = lambda s, pairs: tolerance(snapshot(model, all, pairs, s.position), force_tol)
    advance = lambda s, pairs, enough: _advance(
        lambda position: snapshot(model, all, pairs, position), all, plan.skin, s, enough
    )
    going = lambda s: ~jnp.all(s.done)
    move = prepare, advance
    return on_fresh_lists(model, all, plan, move, going, state, limit, list_at_end=True)


def _advance(look, all, skin, s, enough):
    """A direction and a search along it; samples that are done stay where they are."""
    e = look(s.position)
    force, energy = -e.gradient(), _energy(all, e)
    strongest = largest(force)
    done = s.done | ~(strongest > enough)  # also where it is NaN
    inner = lambda a, b: jnp.sum(a * b, axis=(1, 2))
    turn = inner(force, force - s.old) / one_where_zero(inner(s.old, s.old))
    direction = force + against(jnp.maximum(turn, 0.0)) * s.direction
    uphill = inner(force, direction) <= 0
    direction = jnp.where(against(uphill), force, direction)
    slope = inner(force, direction)
    first = jnp.minimum(LONGEST, skin / 4 / one_where_zero(longest(direction)))
    place = lambda step: s.position + against(step) * direction

    def falls(step):
        after = _energy(all, look(place(step)))
        return after - energy <= -FALL * step * slope + ROUNDING * jnp.abs(energy)

    def halve(carry):
        step, enough, tried = carry
        step = jnp.where(enough, step, HALVE * step)
        return step, enough | falls(step), tried + 1

    unmet = lambda carry: ~jnp.all(carry[1])
    begin = first, done | falls(first), jnp.int32(1)
    (step, good, tried), _ = bounded_loop(unmet, halve, begin, HALVINGS)
    moves = ~done & good
    return s.replace(
        position=jnp.where(against(moves), place(step), s.position),
        direction=jnp.where(against(good), direction, 0.0),
        old=force,
        force=jnp.where(s.done, s.force, strongest),
        done=done,
        evaluated=s.evaluated + jnp.where(s.done, 0, tried + 1),
        steps=s.steps + tried + 1,
    )


def _energy(all, e):
    """Energies (s,) of a Snapshot."""
    return all.total(e.derivative[0], e.pairs.i)
