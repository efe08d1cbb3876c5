"""Following an elastic branch of minima x(gamma) to where it ends, by continuation.

    grad U(x, gamma) = 0,      d x / d gamma = affine + v,      v = -M^-1 Xi

Every round factors one Hessian, that of the configuration under trial. The predictor is the affine
map and the velocity, the corrector Newton's method; a trial is accepted as a point of the branch if
its Hessian is positive and the way there agrees with the velocities at both ends. A jump to another
branch violates that by orders of magnitude.

Near the end, with l = gamma_c - gamma what is left of the branch, the lowest eigenvalue falls and
the positions move along its mode psi, c = psi.v, as

    lambda^2 ~ l,      psi.(x - x_c) ~ -l^(1/2),      c ~ l^(-1/2) / 2

so that two points give l, the way along psi a step h ahead is 2 l c [1 - (1 - h/l)^(1/2)], and that
between two points 2 h c c' / (c + c'); all this is h c far from the end. With l known
about, the end itself is solved for (fold.py). One that the way does not lead to is not believed:
the branch is followed closer.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import fields_of, generic
from ..linalg.lapack import eigh, orthonormal
from . import fold
from .rest import at_rest, largest
from .strained import Strained

MODES = 4  # carried along; a solve of four columns costs what one costs
ROUNDS = 3  # of inverse iteration at a new point: the modes change little from point to point
FIRST_ROUNDS = 40  # from noise; ten modes below twice the lowest are told apart
LONGEST_STEP = 1e-2  # in strain
FIRST_STEP = 1e-3
SHORTEST_STEP = 1e-10
GROW, SHRINK, LEAST = 3.0, 0.4, 0.2
AIM = 0.5  # doubt that the next step shall have
# Share of the predicted way to the end that one step may go: lambda^2 is not yet linear far away.
AHEAD = 0.7
# Share of its first value to which the lowest eigenvalue falls before the end is solved for, and
# how far that share is lowered where the end found is not believed.
GATE, LOWER_GATE = 0.5, 0.5
NEAR = 1e-5  # in strain: an end predicted closer than this is solved for
NEWTON = 6  # corrections of a trial; two or three are usual
# In mean distances of particles: the longest correction, one that needs no agreement, and one that
# leaves a point on the way close enough to the branch: what follows is of second order.
LONGEST_MOVE, SMALL_MOVE, CLOSE_MOVE = 0.3, 1e-4, 1e-5
# Share of the way beyond a straight line by which it may differ from what the velocities say, and
# share of the whole way by which that to the end may.
AGREE, AGREE_AT_END = 0.5, 0.5
SMOOTH = 1e-3  # of the typical bond force: what is further from rest is not a minimum to begin with

STARTING, WALKING, ENDING, ARRIVED, ENDED, LOST = range(6)


class Walk(Struct):
    """Where a walk along a branch stands.

    Attributes:
        position, strain, velocity, curve: the last point of the branch: (n, d), a number, v, and
            its change with the strain.
        modes, values: (n, d, MODES), (MODES,), lowest eigenpairs there.
        first: lowest eigenvalue where the walk began.
        left: predicted way to the end, infinite where there is none ahead.
        gate: share of ``first`` below which the end is solved for; zero where it is known to lie
            beyond the target.
        step: the next step.
        trial, trial_strain: what is tried: the next point, or the end.
        corrections: made of it so far.
        mode: (n, d), critical mode of the end under trial.
        phase: of STARTING ... LOST.
        rounds: factorisations so far.
        force, curvature: at the end: the largest component of the gradient, and psi.M psi.
        spacing: mean distance of particles.
    """

    position: Array
    strain: Array
    velocity: Array
    curve: Array
    modes: Array
    values: Array
    first: Array
    left: Array
    gate: Array
    step: Array
    trial: Array
    trial_strain: Array
    corrections: Array
    mode: Array
    phase: Array
    rounds: Array
    force: Array
    curvature: Array
    spacing: Array


def begin(position, strain, spacing):
    """A Walk that has still to look at its first point."""
    modes = generic((*position.shape, MODES))
    zero, nothing = jnp.zeros(()), jnp.zeros_like(position)
    return Walk(
        position=position,
        strain=zero + strain,
        velocity=nothing,
        curve=nothing,
        modes=modes,
        values=jnp.ones(MODES),
        first=zero + 1,
        left=zero + jnp.inf,
        gate=zero + GATE,
        step=zero + FIRST_STEP,
        trial=position,
        trial_strain=zero + strain,
        corrections=jnp.int32(0),
        mode=nothing,
        phase=jnp.int32(STARTING),
        rounds=jnp.int32(0),
        force=zero + jnp.inf,
        curvature=zero + jnp.inf,
        spacing=zero + spacing,
    )


def resume(system: Strained, walk: Walk, target) -> Walk:
    """The walk with a new strain to stop at, if it stood where it had arrived."""
    there = target - walk.strain <= SHORTEST_STEP
    again = _try(system, walk.replace(gate=jnp.float64(GATE)), target)
    again = again.replace(phase=jnp.where(there, ARRIVED, WALKING).astype(jnp.int32))
    return choose(walk.phase == ARRIVED, again, walk)


def follow(system: Strained, engine, walk: Walk, target, limit, usable) -> Walk:
    """Goes on until the branch ends, the strain ``target`` is reached, or the walk is lost.

    Args:
        system: Strained.
        engine: what factors its Hessians.
        walk: Walk.
        target: strain to stop at.
        limit: of factorisations, in all.
        usable: function of a Walk, whether the system holds all pairs that its trial needs.
    """
    round_ = lambda walk: _round(system, engine, walk, target)
    going = lambda walk: is_going(walk, limit) & usable(walk)
    return bounded_loop(going, round_, walk, limit)[0]


def is_going(walk, limit):
    """Whether there is more to do."""
    return (walk.phase < ARRIVED) & (walk.rounds < limit)


def shorter(system, walk, target, share=SHRINK) -> Walk:
    """The walk with a share of the step tried; one that tried the end gives that up for now."""
    ending = walk.phase == ENDING
    step = jnp.where(ending, walk.step, share * (walk.trial_strain - walk.strain))
    gate = jnp.where(ending, LOWER_GATE * walk.gate, walk.gate)
    lost = (walk.phase == STARTING) | (step < SHORTEST_STEP)
    again = _try(system, walk.replace(step=step, gate=gate), target)
    return again.replace(phase=jnp.where(lost, LOST, WALKING).astype(jnp.int32))


def _round(system, engine, walk, target):
    """One factorisation, and what follows from it."""
    ending = walk.phase == ENDING
    shift = jnp.where(ending, fold.shift_of(walk.values), 0.0)
    e = system.at(walk.trial, walk.trial_strain)
    inside, positive = engine.factor(e, shift)
    inverse = lambda b: system.project(engine.solve(inside, b))
    walk = walk.replace(rounds=walk.rounds + 1)
    return jax.lax.cond(
        ending,
        lambda: _end(system, inverse, walk, target),
        lambda: _point(system, e, inverse, positive, walk, target),
    )


def _point(system, e, inverse, positive, walk, target):
    """Looks at the trial as a point of the branch."""
    starting = walk.phase == STARTING
    slope, push = system.project(e.gradient()), system.push(e, walk.trial_strain)
    move, velocity = fields_of(inverse(jnp.stack([slope, -push], axis=-1)))
    rest = at_rest(e, slope)
    on_the_way = ~starting & (walk.trial_strain < target)
    close = rest | (on_the_way & (largest(move) <= CLOSE_MOVE * walk.spacing))
    moved = walk.replace(trial=walk.trial - jnp.where(rest, 0.0, move))
    far = largest(move) > LONGEST_MOVE * walk.spacing
    apart = starting & ~at_rest(e, slope, SMOOTH)
    failed = ~positive | far | apart | (~close & (walk.corrections >= NEWTON))
    doubt = jnp.where(starting, 0.0, _doubt(system, moved, velocity))

    def correct():
        return moved.replace(corrections=walk.corrections + 1)

    def arrive():
        return _accept(system, e, inverse, velocity, doubt, moved, target)

    def refuse():
        # where Newton's method fails nothing is known of the doubt
        return shorter(system, walk, target, jnp.where(failed, SHRINK, _change(doubt)))

    choice = jnp.where(failed | (close & (doubt > 1)), 2, jnp.where(close, 1, 0))
    return jax.lax.switch(choice, [correct, arrive, refuse])


def _way(system, walk, position, strain):
    """How far particles moved of their own from the last point of the branch."""
    return system.project(position - system.carried(walk.position, walk.strain, strain))


def _split(walk, z):
    """The part of a field along the lowest mode, a number, and the rest."""
    psi = walk.modes[..., 0]
    along = jnp.sum(psi * z)
    return along, z - along * psi


def _doubt(system, walk, velocity):
    """How far the way to the trial is from what the velocities at both ends say, in units of what
    is allowed; it grows about in proportion to the step.
    """
    step = walk.trial_strain - walk.strain
    way = _way(system, walk, walk.trial, walk.trial_strain)
    (c, across), (later, across_later) = (_split(walk, v) for v in (walk.velocity, velocity))
    mean = jnp.where(c * later > 0, 2 * c * later / (c + later), 0.5 * (c + later))
    expected = step * (0.5 * (across + across_later) + mean * walk.modes[..., 0])
    bend = largest(way - step * walk.velocity)
    return largest(way - expected) / (AGREE * jnp.maximum(bend, SMALL_MOVE * walk.spacing))


def _change(doubt):
    """The factor by which a step changes after a doubt."""
    return jnp.clip(AIM / jnp.where(doubt > 0, doubt, AIM / GROW), LEAST, GROW)


def _leads_to(system, walk, end):
    """Whether the way leads to an end: it has that mode, and lies where the velocity says."""
    step = end.strain - walk.strain
    way = _way(system, walk, end.position, end.strain)
    c, across = _split(walk, walk.velocity)
    off = largest(way - step * (across + 2 * c * walk.modes[..., 0]))
    near = (off < AGREE_AT_END * largest(way)) | (largest(way) < SMALL_MOVE * walk.spacing)
    known = jnp.sum(jnp.einsum("nd,ndk->k", end.mode, walk.modes) ** 2) > 0.25
    return (step >= -NEAR) & near & known


def _accept(system, e, inverse, velocity, doubt, walk, target):
    """The trial becomes the last point of the branch."""
    starting = walk.phase == STARTING
    modes = jax.lax.fori_loop(
        0,
        jnp.where(starting, FIRST_ROUNDS, ROUNDS),
        lambda _, v: orthonormal_columns(inverse(v)),
        walk.modes,
    )
    values, modes = ritz(system.project, e, modes)
    step = jnp.where(starting, 1.0, walk.trial_strain - walk.strain)
    fall = jnp.where(starting, 0.0, (walk.values**2 - values**2) / step)
    lefts = jnp.where(fall > 0, values**2 / jnp.where(fall > 0, fall, 1.0), jnp.inf)
    left = lefts[0]
    # a walk begins with its first step
    longest = jnp.where(starting, FIRST_STEP, jnp.minimum(_change(doubt) * step, LONGEST_STEP))
    walk = walk.replace(
        position=walk.trial,
        strain=walk.trial_strain,
        velocity=velocity,
        curve=jnp.where(starting, 0.0, (velocity - walk.velocity) / step),
        modes=modes,
        values=values,
        first=jnp.where(starting, values[0], walk.first),
        left=left,
        # a step cut short by the target does not shorten the next
        step=jnp.minimum(
            jnp.maximum(longest, jnp.minimum(walk.step, LONGEST_STEP)), AHEAD * jnp.min(lefts)
        ),
    )
    reached = target - walk.strain <= SHORTEST_STEP
    asked = ~starting & ~reached & (walk.gate > 0) & jnp.isfinite(left)
    near = asked & ((values[0] < walk.gate * walk.first) | (left < NEAR))
    phase = jnp.where(near, ENDING, jnp.where(reached, ARRIVED, WALKING)).astype(jnp.int32)
    ending = walk.replace(
        trial=_ahead(system, walk, walk.left, walk.strain + walk.left),
        trial_strain=walk.strain + walk.left,
        mode=modes[..., 0],
        corrections=jnp.int32(0),
    )
    ahead = _try(system, walk, target)
    return choose(near, ending, ahead).replace(phase=phase)


def _try(system, walk, target):
    """The predictor of the next point."""
    left = target - walk.strain
    step = jnp.where(walk.step < left, walk.step, left)
    strain = jnp.where(walk.step < left, walk.strain + step, target)
    return walk.replace(
        trial=_ahead(system, walk, step, strain), trial_strain=strain, corrections=jnp.int32(0)
    )


def _ahead(system, walk, step, strain):
    """Where the branch is expected a step ahead, at most at its end."""
    c, across = _split(walk, walk.velocity)
    share = jnp.minimum(step / walk.left, 1.0)
    # 2 [1 - (1 - s)^(1/2)] / s without the division
    along = step * c * 2 / (1 + jnp.sqrt(1 - share))
    moved = step * across + 0.5 * step**2 * _split(walk, walk.curve)[1]
    affine = system.carried(walk.position, walk.strain, strain)
    return affine + moved + along * walk.modes[..., 0]


def _end(system, inverse, walk, target):
    """One round of the equations of the end."""
    e = system.at(walk.trial, walk.trial_strain, order=3)
    state = fold.Fold(walk.trial, walk.trial_strain, walk.mode)
    state, force, curvature, converged = fold.improve(system, e, inverse, state)
    believed = converged & _leads_to(system, walk, state)
    # an end beyond the target: the target lies on the branch, and the end is not asked for
    beyond = believed & (state.strain > target)
    behind = ~(state.strain >= walk.strain - NEAR)
    astray = beyond | behind | (walk.corrections >= fold.ROUNDS) | (converged & ~believed)
    tried = walk.replace(
        trial=state.position,
        trial_strain=state.strain,
        mode=state.mode,
        corrections=walk.corrections + 1,
        force=force,
        curvature=curvature,
        phase=jnp.where(believed, ENDED, ENDING).astype(jnp.int32),
    )
    closer = shorter(system, walk, target)
    closer = closer.replace(gate=jnp.where(beyond, 0.0, closer.gate))
    return choose(astray, closer, tried)


def choose(condition, one, other):
    """One walk where the condition holds, else the other."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)


def orthonormal_columns(columns):
    """Orthonormal columns (n, d, c)."""
    return orthonormal(columns.reshape(-1, columns.shape[-1])).reshape(columns.shape)


def ritz(project, e, modes):
    """Eigenpairs in the span of orthonormal columns, ascending."""
    image = project(e.second(modes))
    small = jnp.einsum("nda,ndb->ab", modes, image)
    values, y = eigh(0.5 * (small + small.T))
    return values, modes @ y


def status_of(walk, limit):
    """Bits of a Walk that is over."""
    late = (walk.phase < ARRIVED) & (walk.rounds >= limit)
    return (
        flag(late, Status.NOT_CONVERGED)
        | flag((walk.phase == LOST) & (walk.rounds > 1), Status.LOST_BRANCH)
        | flag((walk.phase == LOST) & (walk.rounds <= 1), Status.NOT_A_MINIMUM)
    )
