"""Lowest vibrational modes, M psi = omega^2 psi, by three engines, with right derivatives.

Translations are left out.

    d omega_k^2 = psi_k.dM psi_k
    d psi_k = sum_l psi_l (psi_l.dM psi_k) / (omega_k^2 - omega_l^2) - (M - omega_k^2)^-1 dM psi_k

the sum over the other modes found, the solve on the complement of all of them. Between modes closer
than DEGENERATE the vector's derivative does not exist, and that term is left out: differentiate
only what does not depend on the choice of vectors within a degenerate group.
"""

import functools
import itertools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import choice, integer, is_traced
from ..core.random import key_or_first
from ..core.samples import loop_on_cpu
from ..core.status import Status, flag
from ..core.struct import Struct
from ..core.vectors import fields_of, no_tangent, upright
from ..landscape import engine
from ..landscape.contract import need
from ..landscape.engine import Factor
from ..landscape.masses import (
    dynamical,
    inverse_dynamical,
    unit_translations,
    weight,
    without_translation,
)
from ..linalg.dense import as_matrix, deflated
from ..linalg.filtered import lowest_by_filter
from ..linalg.krylov import Eigenpairs, blocks_to_look_at, lowest_by_inverse
from ..linalg.lapack import eigh
from ..linalg.tangent import projected_solution
from ..system.masses import masses

METHODS = ("auto", "filter", "direct", "dense")
DENSE_SIZE = 1000  # degrees of freedom below which full diagonalisation (0.1 s) is the fastest
DEGENERATE = 1e-9  # gap between two modes over the highest found, far above rounding
# Residual |M psi - omega^2 psi| / omega^2 of a mode that counts as found; frequencies are then
# right to its square.
GOOD = 1e-5
# Vectors that the iteration on the inverse carries at least, for each mode wanted, and at most:
# fewer vectors than modes and a long chain beat the reverse (see linalg/krylov). It finds at most
# as many modes of one frequency as it carries vectors.
LEAST_WIDTH, WIDEST = 8, 32
WIDTH_PER_MODE = 0.75
# Relative difference of omega^2 below which two modes count as equal: found ones are right to
# 1e-10.
EQUAL = 1e-6


class Modes(Struct):
    """Vibrational modes.

    Attributes:
        frequency: (count,), omega, ascending; of an unstable mode minus the root of -omega^2.
        vector: (count, n, d), orthonormal, the largest component positive; with masses these are
            displacements times the root of the mass.
        residual: (count,), |M psi - omega^2 psi| / omega^2.
        steps: rounds of the iteration; 0 for "dense".
        status: bits.
    """

    frequency: Array
    vector: Array
    residual: Array
    steps: Array
    status: Array


class _Settings(NamedTuple):
    wanted: int
    method: str
    width: int


def lowest_modes(
    e,
    count: int,
    *,
    method: str = "auto",
    key: Array | None = None,
    factor: Factor | None = None,
    mass: Any = None,
) -> Modes:
    """The lowest modes of a glass.

    Args:
        e: expansion.
        count: number of modes.
        method: "direct": block Lanczos on the inverse from the direct engine; needs bonds and a
            minimum. "filter": Chebyshev-filtered subspace iteration, matrix-free, little memory,
            works at saddles too. "dense": full diagonalisation. "auto": direct with a factor; else
            dense below 1,000 degrees of freedom, then direct while it fits in memory, or filter.
        key: JAX random key of the start of the iterations; a fixed one by default.
        factor: Factor of e, from ``factorise``.
        mass: (n,) masses; 1 by default.

    Returns:
        Modes: frequency, vector, residual, steps, status. Differentiable; see the module for
        degenerate modes.

    Example:
        >>> m = jg.lowest_modes(e, 4)
        >>> m.vector.shape, int(m.status), bool(m.frequency[0] > 0)
        ((4, 64, 2), 0, True)
    """
    need("lowest_modes", e)
    choice("method", method, METHODS)
    n, d = e.position.shape
    _check_count(integer("count", count, at_least=1), n, d)
    if method == "auto" and factor is None and (n * d <= DENSE_SIZE or 4 * count > n * d):
        method = "dense"
    method, factor = engine.choose("lowest_modes", e, method, METHODS, factor, otherwise="filter")
    if method == "direct" and 3 * count > n * d:
        raise ValueError(
            f"count must be at most a third of the {n * d} coordinates for method='direct', "
            f"found {count}; use 'dense'"
        )
    of = e, factor, key_or_first(key), masses(mass, n)
    value, vector, residual, steps, status = _with_room(*of, count=count, method=method)
    root = jnp.sqrt(jnp.where(value == 0, 1.0, jnp.abs(value)))
    frequency = jnp.where(value == 0, 0.0, jnp.sign(value) * root)
    return Modes(frequency, vector, residual, steps, status)


def _with_room(e, factor, key, mass, *, count, method):
    """``_lowest``; outside tracing, with twice the vectors while equal modes outnumber them."""
    n, d = e.position.shape
    width = min(max(LEAST_WIDTH, min(math.ceil(WIDTH_PER_MODE * count), WIDEST)), n * d - d)
    found = _lowest(e, factor, key, mass, _Settings(count, method, width))
    while not is_traced(e, factor, mass) and int(found[-1]) & Status.CROWDED and width < n * d - d:
        width = min(2 * width, n * d - d)
        found = _lowest(e, factor, key, mass, _Settings(count, method, width))
    return found


def _check_count(count, n, d):
    if n < 2:
        raise ValueError(f"e must have at least 2 particles to have modes, found {n}")
    if count > n * d - d:
        raise ValueError(
            f"count must be at most {n * d - d}, the modes of {n} particles without translations, "
            f"found {count}"
        )


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
@functools.partial(jax.jit, static_argnames="settings")
def _lowest(e, factor, key, mass, settings):
    """omega^2, vectors, residuals, rounds and status."""
    n, d = e.position.shape
    count, status = settings.wanted, e.status
    if settings.method == "dense":
        pairs = _dense(e, mass, count)
    elif settings.method == "direct":
        noise = jax.random.normal(key, (n * d, settings.width))
        # one after the other on CPUs: samples end their rounds at different looks
        pairs = loop_on_cpu(functools.partial(_by_inverse, settings))(e, factor, mass, noise)
        status = status | factor.status
        status = status | flag(_most_alike(pairs.value) >= settings.width, Status.CROWDED)
    else:
        # Half as many vectors more than wanted, at least eight: the filter's gain falls with the
        # gap above the last one.
        width = min(count + max(8, count // 2), n * d - d)
        project = _without_translations(e, mass)
        start = project(jax.random.normal(key, (n * d, width)))
        matvec = _without_translations(e, mass, functools.partial(dynamical, e, mass))
        pairs = lowest_by_filter(matvec, start, count, project=project)
    status = status | flag(~jnp.all(pairs.residual <= GOOD), Status.NOT_CONVERGED)
    unstable = pairs.value[0] < -GOOD * jnp.abs(pairs.value[-1])
    vector = upright(fields_of(pairs.vector.reshape(n, d, -1)))
    status = status | flag(unstable, Status.NOT_A_MINIMUM)
    return pairs.value, vector, pairs.residual, pairs.rounds, status


def _without_translations(e, mass, operator=None):
    """The function of vectors (n d, p) that takes translations out, before and after an operator on
    columns (n, d, p) if one is given.
    """
    remove = functools.partial(without_translation, mass)

    def apply(v):
        columns = remove(v.reshape(*e.position.shape, -1))
        if operator is not None:
            columns = remove(operator(columns))
        return columns.reshape(v.shape)

    return apply


def _by_inverse(settings, e, factor, mass, noise):
    """The Eigenpairs by the inverse."""
    n, d = e.position.shape
    project = _without_translations(e, mass)
    # A little noise gives every mode a share of the start; more of it would cost a round.
    waves = weight(mass, _plane_waves(e, settings.width).reshape(n, d, -1), 0.5)
    start = project(waves.reshape(n * d, -1)) + 1e-3 * project(noise)
    return lowest_by_inverse(
        _without_translations(e, mass, functools.partial(inverse_dynamical, e, factor, mass)),
        _without_translations(e, mass, functools.partial(dynamical, e, mass)),
        start,
        settings.wanted,
        looks=blocks_to_look_at(settings.wanted, settings.width, n * d - d),
        max_rounds=jnp.where(factor.status & int(Status.NOT_A_MINIMUM), 0, 8),
    )


def _most_alike(value):
    """How many modes share the frequency that most share."""
    near = jnp.abs(value[:, None] - value[None, :]) <= EQUAL * jnp.abs(value[None, :])
    return jnp.max(jnp.sum(near, axis=0))


def _plane_waves(e, count):
    """The longest transverse waves of the box, (n d, count).

    Most low modes of a large glass resemble them.
    """
    n, d = e.position.shape
    side = math.ceil((2 * count) ** (1 / d) / 2) + 1
    half = [k for k in itertools.product(range(-side, side + 1), repeat=d) if k > (0,) * d]
    half = sorted(half, key=lambda k: sum(i * i for i in k))[:count]
    phase = 2 * jnp.pi * e.place @ jnp.array(half, float).T
    across = [np.linalg.svd(np.array(k, float)[None])[2][1:] for k in half]
    waves = [
        jnp.outer(f(phase[:, k]), u).ravel()
        for k in range(len(half))
        for u in across[k]
        for f in (jnp.cos, jnp.sin)
    ]
    return jnp.stack(waves[:count], axis=1)


def _dense(e, mass, count):
    """By full diagonalisation, translations moved above all other modes."""
    (n, d), size = e.position.shape, e.position.size
    matrix = as_matrix(functools.partial(dynamical, e, mass), (n, d))
    value, vector = eigh(deflated(matrix, unit_translations(mass, n, d).reshape(size, d)))
    value, vector = value[:count], vector[:, :count]
    left = jnp.linalg.norm(matrix @ vector - vector * value, axis=0)
    return Eigenpairs(value, vector, left / jnp.maximum(jnp.abs(value), 1e-300), jnp.int32(0))


@_lowest.defjvp
def _lowest_jvp(settings, primals, tangents):
    (e, _, _, mass), (de, _, _, dmass) = primals, tangents
    value, vector, residual, steps, status = _lowest(*primals, settings)
    remove = functools.partial(without_translation, mass)
    image = lambda v: lambda e, mass: dynamical(e, mass, v)
    change = jax.vmap(lambda v: jax.jvp(image(v), (e, mass), (de, dmass))[1])(vector)
    dm = jax.vmap(remove)(change)
    overlap = jnp.einsum("lnd,knd->lk", vector, dm)  # psi_l.dM psi_k
    gap = value[None, :] - value[:, None]
    apart = jnp.abs(gap) > DEGENERATE * jnp.abs(value[-1])
    within = jnp.where(apart, overlap / jnp.where(apart, gap, 1.0), 0.0)

    def complement(z):
        inside = jnp.einsum("knd,k->nd", vector, jnp.einsum("knd,nd->k", vector, z))
        return remove(z - inside)

    def outside(dm_k, value_k):
        own = lambda z: dynamical(e, mass, z) - value_k * z
        return projected_solution(own, -dm_k, complement)

    dvector = jnp.einsum("lk,lnd->knd", within, vector) + jax.vmap(outside)(dm, value)
    if mass is not None:  # translations turn with the masses
        dvector = dvector + (change - dm) / value[:, None, None]
    tangent = jnp.diagonal(overlap), dvector, *map(no_tangent, (residual, steps, status))
    return (value, vector, residual, steps, status), tangent
