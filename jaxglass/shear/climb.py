"""From a minimum to a saddle of index one.

As long as no mode has negative curvature the glass is pushed on along u, the way it has come, and
relaxes across u. Then its lowest mode psi is followed,

    along psi      - (psi.g) / lambda psi        uphill, as lambda < 0
    across psi     - M^-1 g                      downhill

which is Newton's method, and converges like it. Every step factors M + shift, with a shift that
keeps it positive: inverse iteration with it finds the low modes, and it preconditions the solve
across.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import generic
from ..landscape import dissection
from ..landscape.solve import remove_translation
from ..linalg import nested
from ..linalg.cg import cg
from ..system.glass import Glass
from .branch import orthonormal_columns, ritz
from .fold import across_mode
from .near import coupled, expansion_on, find_near
from .rest import at_rest, largest, stiffest

MODES = 3  # carried along
ROUNDS = 2  # of inverse iteration a step: modes change little from one to the next
# In mean distances, counted at the particle that moves most: the longest step, and the push where
# no curvature is negative. Barriers lie some tenths from their minimum. Steps of 0.1 take as many
# factorisations and leave the basin: of 16 random starts 4 led back, with these 15.
LONGEST, PUSH = 0.03, 0.03
# Shift in units of the stiffest particle: well above the softest modes at first; then twice what
# the lowest eigenvalue asks for, at least the share.
SHIFT, LEAST, MORE = 1e-2, 1e-3, 2.0
FOUND = 1e-7  # |M psi - lambda psi| of the mode of a saddle, of the stiffest particle
STEPS, TOL = 40, 1e-4  # of the solve across: Newton's method needs no more far away


class Climb(Struct):
    """Where a climb stands.

    Attributes:
        position: (n, d).
        modes: (n, d, MODES), low ones, the lowest first.
        values: (MODES,), their eigenvalues.
        shift: of the factor.
        force: largest component of the gradient.
        there: whether it is a saddle of index one.
        steps: factorisations.
        status: bits of lists and trees.
    """

    position: Array
    modes: Array
    values: Array
    shift: Array
    force: Array
    there: Array
    steps: Array
    status: Array


def climb(model, glass: Glass, start, sizes, limit) -> Climb:
    """A climb from a displacement (n, d) of a minimum on, in at most so many steps."""
    others = generic((*start.shape, MODES - 1))
    columns = jnp.concatenate([start[..., None], others], axis=-1)
    zero = jnp.zeros(())
    begin = Climb(
        position=glass.position + remove_translation(start),
        modes=orthonormal_columns(remove_translation(columns)),
        values=jnp.ones(MODES),
        shift=zero - 1,
        force=zero + jnp.inf,
        there=jnp.bool_(False),
        steps=jnp.int32(0),
        status=jnp.int32(0),
    )
    going = lambda c: ~c.there & (c.status == 0)
    step = lambda c: _step(model, glass, c, sizes)
    end, _ = bounded_loop(going, step, begin, limit)
    return end.replace(status=end.status | flag(~end.there, Status.NOT_CONVERGED))


def _step(model, glass, c, sizes):
    here = glass.replace(position=c.position)
    near, found = find_near(model, here, sizes.list)
    tree = dissection.tree_on(sizes.tree, here, coupled(near))
    status = found | flag(tree.overflow, Status.SEPARATOR_OVERFLOW)
    e = expansion_on(model, here, near, 2)
    scale = stiffest(e)
    shift = jnp.where(c.shift < 0, SHIFT * scale, c.shift)
    # the shift holds translations too: a spring on some particles would mix them with other modes
    inside = nested.factor(tree, *e.blocks, shift, 0.0)
    inverse = lambda b: remove_translation(nested.solve(inside, b))
    modes = jax.lax.fori_loop(0, ROUNDS, lambda _, v: orthonormal_columns(inverse(v)), c.modes)
    values, modes = ritz(remove_translation, e, modes)
    slope = remove_translation(e.gradient())
    concave = values[0] < 0
    left = jnp.linalg.norm(e.second(modes[..., 0]) - values[0] * modes[..., 0])
    sharp = left <= FOUND * scale
    there = inside.ok & at_rest(e, slope) & concave & (values[1] > 0) & sharp
    away = remove_translation(c.position - glass.position)
    psi = jnp.where(concave, modes[..., 0], away / jnp.linalg.norm(away))
    newton = -jnp.sum(psi * slope) / jnp.where(concave, values[0], 1.0)
    push = PUSH * glass.spacing / _farthest(psi)
    move = _across(e, inverse, slope, psi) + jnp.where(concave, newton, push) * psi
    move = move * jnp.minimum(1.0, LONGEST * glass.spacing / _farthest(move))
    needed = jnp.maximum(MORE * -values[0], LEAST * scale)
    usable = inside.ok & ~there
    return c.replace(
        position=jnp.where(usable, c.position + move, c.position),
        modes=jnp.where(inside.ok, modes, c.modes),
        values=jnp.where(inside.ok, values, c.values),
        shift=jnp.where(inside.ok, needed, 4 * shift),
        force=largest(slope),
        there=there,
        steps=c.steps + 1,
        status=c.status | status,
    )


def _farthest(move):
    """How far the particle goes that goes farthest."""
    return jnp.max(jnp.linalg.norm(move, axis=1))


def _across(e, inverse, slope, psi):
    """The step of Newton's method across a field."""
    across = across_mode(remove_translation, psi)
    precondition = lambda z: across(inverse(across(z)[..., None])[..., 0])
    of = {"tol": TOL, "max_steps": STEPS, "project": across, "precondition": precondition}
    found = cg(e.second, -across(slope), **of)
    # where another direction goes down too the factor alone says where
    return jnp.where(found.status == 0, found.x, -precondition(slope))
