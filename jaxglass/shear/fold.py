"""The end of an elastic branch: a fold, where the lowest mode psi loses its stiffness.

    grad U(x, gamma) = 0,     psi.M psi = 0,     M psi = lambda psi

by Newton's method. With M a + p psi = -grad U and M b + q psi = -Xi, both a and b across psi, the
change of the positions is a + b dgamma + c psi where

    p + q dgamma = c lambda
    lambda + (s.a) + [s.b + t] dgamma + (s.psi) c = 0,    s = U''' psi psi,  t = d(psi.M psi)/dgamma

and convergence is quadratic. The solves across psi are well conditioned where M itself is singular:
conjugate gradients, with the factor of M and a small shift to precondition them.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.vectors import columns_of, fields_of
from ..linalg.cg import cg
from .rest import at_rest, largest, stiffest

ROUNDS = 8  # four or five are usual
# Steps of a solve across the critical mode: ten are usual, the factor is that of M but for a shift.
STEPS = 60
TOL = 1e-11  # relative residual of these solves
SHIFT = 0.25  # of the second eigenvalue: M + shift is positive on both sides of the fold
# The eigenvalue at the fold, in units of the rounding of the largest stiffness.
ZERO = 8 * float(np.finfo(np.float64).eps)


class Fold(NamedTuple):
    """A guess of where a branch ends, and its critical mode, normalised."""

    position: Array
    strain: Array
    mode: Array


def shift_of(values):
    """The shift of the factor, from the lowest eigenvalues of the last point of the branch."""
    return SHIFT * jnp.maximum(values[1], values[0])


def improve(system, e, inverse, fold):
    """One step of Newton's method from a Fold whose Expansion is e.

    Args:
        system: Strained.
        e: Expansion, third derivatives included.
        inverse: columns (n, d, c) -> the inverse of about M times them.
        fold: Fold.

    Returns:
        The next Fold, the largest component of the gradient and psi.M psi at the Fold given, and
        whether that is converged already; if so it comes back, with its critical mode improved.
    """
    across = across_mode(system.project, fold.mode)
    solve = lambda b: _solve(system, e, inverse, across, b)
    image = lambda z: system.project(e.second(z))
    slope, push = system.project(e.gradient()), system.push(e, fold.strain)
    turned, a, b = solve(-jnp.stack([image(fold.mode), slope, push]))
    p, q = (-jnp.sum(fold.mode * (r + image(z))) for r, z in ((slope, a), (push, b)))
    psi = fold.mode + turned
    psi = psi / jnp.linalg.norm(psi)
    value = jnp.sum(psi * image(psi))
    converged = at_rest(e, slope) & (jnp.abs(value) <= ZERO * stiffest(e))
    s = e.third(psi, psi)
    matrix = jnp.stack(
        [
            jnp.stack([q, -value]),
            jnp.stack([system.stiffening(e, fold.strain, psi) + jnp.sum(s * b), jnp.sum(s * psi)]),
        ]
    )
    change, c = _solve_two(matrix, jnp.stack([-p, -value - jnp.sum(s * a)]))
    after = fold.strain + change
    moved = system.carried(fold.position, fold.strain, after) + a + b * change + c * psi
    following = Fold(
        jnp.where(converged, fold.position, moved),
        jnp.where(converged, fold.strain, after),
        psi,
    )
    return following, largest(slope), value, converged


def across_mode(project, psi):
    """A projector that also takes out the part of a field along psi."""

    def across(z):
        z = project(z)
        return z - psi * jnp.sum(psi * z)

    return across


def _solve(system, e, inverse, across, b):
    """M^-1 b across the critical mode, for fields (k, n, d)."""
    each = lambda z: jnp.stack([across(field) for field in z])
    operator = lambda z: fields_of(e.second(columns_of(z)))
    precondition = lambda z: fields_of(inverse(columns_of(z)))
    solution = cg(
        operator,
        b,
        tol=TOL,
        max_steps=STEPS,
        project=each,
        precondition=precondition,
        many=True,
    )
    return solution.x


def _solve_two(matrix, b):
    """The solution of two equations, by Cramer's rule."""
    (a, c), (d, f) = matrix
    determinant = a * f - c * d
    return (b[0] * f - c * b[1]) / determinant, (a * b[1] - d * b[0]) / determinant
