"""Newton's method with conjugate gradients, close to a minimum, and the verdict whether it is one.

    M dx = -g,        solved as        M y = -g + a M w,        dx = y - a w

The field w is irregular, fixed, zero where nothing touches; a makes both parts of the right-hand
side equally large. Conjugate gradients meet negative curvature only where the right-hand side has a
part along it, and the force of a symmetric configuration (a square lattice, a saddle between two
equal minima) has none: with w every solve sees every mode, at no cost (9,900 products in 10
quenches of n = 1,024, 10,000 without). At rest the right-hand side is M w alone, and nothing moves.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.loop import bounded_loop
from ..core.status import Status
from ..core.struct import Struct
from ..landscape.expansion import at_bonds
from ..landscape.solve import remove_translation
from ..linalg.cg import cg
from .tolerance import particle_stiffness, tolerance, typical_force

STEPS = 8  # quenches of ipl2d take 3 or 4
# Longest move in skins: STEPS of them stay within the half skin for which a list is right.
LONGEST = 1 / 16


class Approach(Struct):
    """Where Newton's method got to.

    Attributes:
        position: (n, d).
        force: largest component of the gradient there.
        scale: typical bond force there.
        at_rest: whether the force is below the tolerance.
        negative: whether negative curvature was met in the last solve.
        firm: whether the mean curvature, the trace of M, is positive.
        touched: (n,), whether a particle touches anything.
        going: whether the last step was accepted.
        steps: gradients evaluated.
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


def look(model, glass, bonds, force_tol):
    """The Approach before its first step: what a configuration looks like."""
    return _seen(at_bonds(model, glass, bonds, order=2), force_tol)


def _seen(e, force_tol):
    force = jnp.max(jnp.abs(e.gradient()))
    trace = jnp.sum(
        e.glass.dim * e.derivative[1] + e.derivative[2] * dot(e.separation, e.separation)
    )
    return Approach(
        position=e.position,
        force=force,
        scale=typical_force(e),
        at_rest=force <= tolerance(e, force_tol),
        negative=jnp.bool_(False),
        firm=trace > 0,
        touched=particle_stiffness(e) > 0,
        going=jnp.bool_(True),
        steps=jnp.int32(1),
    )


def nowhere(position):
    """An Approach to start loops with; it has looked at nothing."""
    no, infinite = jnp.bool_(False), jnp.float64(jnp.inf)
    nothing = jnp.zeros(position.shape[0], bool)
    return Approach(position, infinite, infinite, no, no, no, nothing, no, jnp.int32(0))


def newton(model, glass, bonds, *, force_tol, skin):
    """Newton steps on one list of bonds from the glass's position; returns an Approach.

    A step is accepted if it is short, halves the largest force, and no negative curvature was met.
    There is at least one solve, so that a configuration at rest gets its verdict too.
    """

    def unfinished(carry):
        at, _ = carry
        return at.going & ((at.steps == 1) | ~at.at_rest)

    def step(carry):
        at, e = carry
        move, negative = _solve(e, kick(at), at.at_rest)
        moved = at_bonds(model, glass.replace(position=at.position + move), bonds, order=2)
        trial = _seen(moved, force_tol)
        short = jnp.max(dot(move, move)) < (LONGEST * skin) ** 2
        accepted = short & (trial.force < 0.5 * at.force) & ~negative & ~at.at_rest
        best = jax.tree.map(lambda a, b: jnp.where(accepted, a, b), (trial, moved), (at, e))
        return best[0].replace(negative=negative, going=accepted, steps=at.steps + 1), best[1]

    e = at_bonds(model, glass, bonds, order=2)
    return bounded_loop(unfinished, step, (_seen(e, force_tol), e), STEPS)[0][0]


def _solve(e, w, at_rest):
    """The Newton step -M^-1 g, and whether M w or g have a part along negative curvature.

    The relative residual of 1e-5 costs few products and lets a step gain five digits. At rest it is
    1e-8: a mode of curvature k is seen if its share in M w, k / (k_rms sqrt(n d)), is above the
    residual.
    """
    g, pushed = e.gradient(), e.second(w)
    size = jnp.linalg.norm(pushed)
    a = jnp.where(at_rest, 1.0, jnp.linalg.norm(g) / jnp.where(size > 0, size, 1.0))
    b = a * pushed - jnp.where(at_rest, 0.0, g)
    tol = jnp.where(at_rest, 1e-8, 1e-5)
    s = cg(e.second, b, tol=tol, max_steps=20_000, project=remove_translation)
    return s.x - a * w, (s.status & Status.NOT_A_MINIMUM) != 0


def kick(at):
    """A fixed irregular field of unit mean square without translations, zero where nothing touches.

    Phases that grow with the square of the index look random and have no correlation with any
    neighbour (Weyl); a generator of random numbers is a third of the quench to compile.
    """
    touched = at.touched[:, None]
    index = jnp.arange(at.position.size, dtype=jnp.float64).reshape(at.position.shape)
    w = jnp.where(touched, jnp.cos(np.sqrt(2) * np.pi * index**2), 0.0)
    w = jnp.where(touched, w - jnp.sum(w, axis=0) / jnp.maximum(jnp.sum(touched), 1), 0.0)
    size = jnp.sqrt(jnp.mean(dot(w, w)))
    return w / jnp.where(size > 0, size, 1.0)
