"""Velocity autocorrelation of fields in harmonic motion, and the time within which it decays.

C(t) = v . cos(sqrt(M) t) v / v . v, from moments of Chebyshev polynomials (``linalg/chebyshev``).
Its derivative in the expansion is that of C at fixed times.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.samples import loop_on_cpu
from ..core.status import Status, flag
from ..core.vectors import generic, no_tangent
from ..linalg import chebyshev
from ..linalg.krylov import largest_eigenvalue

# Lanczos gives the largest eigenvalue within a per cent from below, and its residual is added.
SAFETY = 1.01
# Moments of a spectrum between 0 and the bound are between -1 and 1.
INSIDE = 1 + 1e-6
# The window is looked for in pieces of so many periods, and drawn with so many points in each.
PERIODS, POINTS = 10, 20


class Settings(NamedTuple):
    """What decides shapes: points of a window of its own, its longest in periods, how far C must
    fall in it, and room for moments.
    """

    points: int
    periods: int
    level: float
    room: int


class Observed(NamedTuple):
    """C at times (t,), products used, and status."""

    time: Array
    value: Array
    products: Array
    status: Array


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def correlation(settings, e, top, start, times):
    """C of the columns of a start, (n, d, c), together.

    Args:
        settings: Settings.
        e: expansion.
        top: ``bound_of_spectrum`` of it.
        start: v, (n, d, c).
        times: (t,), or None: from 0 to where C has stayed below a level for a period.

    Returns:
        Observed.
    """
    return _forth(settings, e, top, start, times)[0]


def _forth(settings, e, top, start, times):
    found = loop_on_cpu(functools.partial(_observed, settings))(e, top, start, times)
    return found, (e, top, start, times, found.time)


def _back(settings, kept, cotangent):
    e, top, start, given, times = kept
    run = loop_on_cpu(functools.partial(_pulled, settings))
    floating, of_start = run(e, top, start, times, cotangent.value)
    leaves, tree = jax.tree.flatten(e)
    pulled = iter(floating)
    own = [next(pulled) if chebyshev.is_floating(a) else no_tangent(a) for a in leaves]
    fixed = jax.tree.map(jnp.zeros_like, given)
    return jax.tree.unflatten(tree, own), jnp.zeros_like(top), of_start, fixed


correlation.defvjp(_forth, _back)


@jax.jit
def bound_of_spectrum(e):
    """A number above all eigenvalues of the Hessian, which counts as a constant."""
    e = jax.lax.stop_gradient(e)
    n, d = e.position.shape
    start = generic((n * d, 1))
    apply = lambda v: e.second(v.reshape(n, d, -1)).reshape(n * d, -1)
    return SAFETY * largest_eigenvalue(apply, start)


def second(e, z):
    """M z, as linear algebra calls it."""
    return e.second(z)


def out_of_bounds(sequence):
    """NOT_A_MINIMUM where moments left what a positive Hessian allows."""
    largest = jnp.max(jnp.abs(sequence.moments)) / sequence.moments[0]
    return flag(~(largest <= INSIDE), Status.NOT_A_MINIMUM)


def _observed(settings, e, top, start, times):
    sequence = chebyshev.begin(second, e, start, top, settings.room)
    if times is None:
        sequence, end = _until_decayed(settings, e, sequence, top)
        times = jnp.linspace(0.0, end, settings.points)
    count = chebyshev.moments_needed(top, jnp.max(times))
    sequence = chebyshev.extend(second, e, sequence, top, count)
    enough = count <= 2 * sequence.products
    c = chebyshev.cosines(sequence.moments, _at_most(count, sequence), _z(top, times))
    c = jnp.where(enough, c / sequence.moments[0], jnp.nan)
    status = out_of_bounds(sequence) | flag(~enough, Status.NOT_CONVERGED) | e.status
    return Observed(times, c, sequence.products, status)


def _at_most(count, sequence):
    """As many moments as there are."""
    return jnp.minimum(count, 2 * sequence.products)


def _z(top, times):
    return jnp.sqrt(top) * times


def _until_decayed(settings, e, sequence, top):
    """The Sequence at the time from which C stays below a level for a period, and that time."""
    mean = 0.5 * (sequence.moments[1] / sequence.moments[0] + 1) * top  # v.M.v / v.v
    period = 2 * jnp.pi / jnp.sqrt(mean)
    pieces, size = -(-(settings.periods + 1) // PERIODS), PERIODS * POINTS
    times = period / POINTS * jnp.arange(pieces * size)

    def further(state):
        sequence, piece, c, _ = state
        count = chebyshev.moments_needed(top, (piece + 1) * PERIODS * period)
        sequence = chebyshev.extend(second, e, sequence, top, count)
        z = _z(top, jax.lax.dynamic_slice(times, (piece * size,), (size,)))
        new = chebyshev.cosines(sequence.moments, _at_most(count, sequence), z)
        c = jax.lax.dynamic_update_slice(c, new / sequence.moments[0], (piece * size,))
        return sequence, piece + 1, c, _first_quiet(c, times, settings.level)

    unfinished = lambda state: (state[1] < pieces) & ~jnp.isfinite(state[3])
    unseen = jnp.full(pieces * size, jnp.inf)
    first = sequence, jnp.int32(0), unseen, jnp.asarray(jnp.inf)
    sequence, _, _, end = jax.lax.while_loop(unfinished, further, first)
    return sequence, jnp.minimum(end, settings.periods * period)


def _first_quiet(c, times, level):
    """First time from which |C| is below the level for a period; infinite if there is none."""
    later = jnp.concatenate([jnp.abs(c), jnp.full(POINTS, jnp.inf)])
    shifted = jnp.stack([later[k : k + len(c)] for k in range(POINTS)])
    quiet = jnp.max(shifted, axis=0) < level
    return jnp.where(jnp.any(quiet), times[jnp.argmax(quiet)], jnp.inf)


def _pulled(settings, e, top, start, times, cotangent):
    """Cotangents of the floating leaves of e and of the start, from that of C."""
    count = chebyshev.moments_needed(top, jnp.max(times))
    sequence = chebyshev.begin(second, e, start, top, settings.room)
    sequence = chebyshev.extend(second, e, sequence, top, count)
    count, z = _at_most(count, sequence), _z(top, times)
    norm = sequence.moments[0]
    weights = chebyshev.of_cosines(cotangent / norm, count, z, settings.room)
    value = chebyshev.cosines(sequence.moments, count, z)
    weights = weights.at[0].add(-jnp.sum(cotangent * value) / norm**2)
    return chebyshev.pull_back(second, e, sequence, start, top, weights)
