"""Quartic, cubic and pseudo-harmonic modes: stationary fields of their costs.

They differentiate in the model.

The derivative of a mode follows from its own stationarity G(z) = 0, by one projected solve with
dG/dz, whatever the number of steps that found it:  dz = -(dG/dz)^-1 (dG/de) de,  off z and the
translations.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import choice, integer, positive
from ..core.status import Status, flag
from ..core.vectors import columns_of, fields_of, no_tangent, upright
from ..landscape.contract import need, provides
from ..landscape.contractions import Coefficients, coefficients_of
from ..landscape.engine import (
    Factor,
    apply_inverse,
    apply_root,
    apply_root_transposed,
    factor_of,
)
from ..landscape.solve import check_positive, remove_translation
from ..linalg.cg import cg
from ..linalg.tangent import projected_solution
from .cost import Cost, stationarity, value
from .cost_cubic import CUBIC
from .cost_pseudo import PSEUDO
from .cost_quartic import QUARTIC
from .descent import descend
from .mapping import map_modes

METHODS = ("auto", "optax", "mapping")
# Limits of steps: of 16,000 searches of the mapping the longest took 60; L-BFGS without a factor
# takes about 1,000.
MOST_STEPS = {"mapping": 500, "optax": 3000}


class SoftMode(Coefficients):
    """A soft mode, or a batch of them with a leading axis; kappa, tau, chi, e as in Coefficients.

    Attributes:
        vector: (n, d), unit norm, zero mean, the largest component positive.
        cost: the cost it minimises.
        residual: |M z - (a/s) g| / |M z|, of the equation that defines it.
        steps: of the search.
        status: bits.
    """

    vector: Array
    cost: Array
    residual: Array
    steps: Array
    status: Array


class _Settings(NamedTuple):
    cost: Cost
    method: str
    max_steps: int
    optimiser: Any


def quartic_mode(
    e,
    z0: Array,
    *,
    method: str = "auto",
    tol: float = 1e-9,
    max_steps: int | None = None,
    optimiser: Any = None,
    factor: Factor | None = None,
) -> SoftMode:
    """Quartic mode: M z = (kappa/chi) U'''':zzz, a minimum of kappa^2 / chi.

    Args:
        e: expansion at a minimum.
        z0: start (n, d), for example the lowest harmonic mode; or a batch (k, n, d), searched
            together.
        method: "optax", L-BFGS on the sphere; "mapping", z <- M^-1 g(z) with conjugate directions,
            the faster one for batches; needs bonds. "auto": mapping where there are bonds.
        tol: residual to reach.
        max_steps: default 500 of the mapping, 3000 of the descent.
        optimiser: optax optimiser for "optax".
        factor: Factor of e, from ``factorise``, to search many batches with.

    Returns:
        SoftMode, differentiable in the model.

    Example:
        >>> harmonic = jg.lowest_modes(e, 1)
        >>> mode = jg.quartic_mode(e, harmonic.vector[0])
        >>> int(mode.status), bool(mode.stiffness >= harmonic.frequency[0] ** 2)
        (0, True)
    """
    return soft_mode(
        QUARTIC,
        e,
        z0,
        method=method,
        tol=tol,
        max_steps=max_steps,
        optimiser=optimiser,
        factor=factor,
    )


def cubic_mode(
    e,
    z0: Array,
    *,
    method: str = "auto",
    tol: float = 1e-9,
    max_steps: int | None = None,
    optimiser: Any = None,
    factor: Factor | None = None,
) -> SoftMode:
    """Cubic mode: M z = (kappa/tau) U''':zz, a minimum of kappa^3 / tau^2.

    That is 3/2 of the barrier along it.

    Arguments and result as for ``quartic_mode``; the best start is a quartic mode.

    Example:
        >>> quartic = jg.quartic_mode(e, jg.lowest_modes(e, 1).vector[0])
        >>> int(jg.cubic_mode(e, quartic.vector).status)
        0
    """
    return soft_mode(
        CUBIC,
        e,
        z0,
        method=method,
        tol=tol,
        max_steps=max_steps,
        optimiser=optimiser,
        factor=factor,
    )


def pseudo_harmonic_mode(
    e,
    z0: Array,
    *,
    method: str = "auto",
    tol: float = 1e-9,
    max_steps: int | None = None,
    optimiser: Any = None,
    factor: Factor | None = None,
) -> SoftMode:
    """Pseudo-harmonic mode: a minimum of kappa^2 / sum_b (z_b.z_b)^2.

    It needs the Hessian and the bonds alone.

    Arguments and result as for ``quartic_mode``. ``e`` may also come from ``from_hessian``.

    Example:
        >>> int(jg.pseudo_harmonic_mode(e, jg.lowest_modes(e, 1).vector[0]).status)
        0
    """
    return soft_mode(
        PSEUDO,
        e,
        z0,
        method=method,
        tol=tol,
        max_steps=max_steps,
        optimiser=optimiser,
        factor=factor,
    )


def soft_mode(
    cost: Cost,
    e,
    z0: Array,
    *,
    method: str = "auto",
    tol: float = 1e-9,
    max_steps: int | None = None,
    optimiser: Any = None,
    factor: Factor | None = None,
) -> SoftMode:
    """A minimum of any cost of the form of ``modes.Cost``.

    The three functions above call it with theirs.

    Arguments and result as for ``quartic_mode``.

    Example:
        >>> from jaxglass.modes import cost_cubic
        >>> int(jg.modes.soft_mode(cost_cubic.CUBIC, e, jg.lowest_modes(e, 1).vector[0]).status)
        0
    """
    function = f"a {cost.name} mode"
    need(function, e, *cost.needs)
    choice("method", method, METHODS)
    positive("tol", tol)
    if method == "mapping" and optimiser is not None:
        raise ValueError('optimiser is used by method="optax" only, found method="mapping"')
    if optimiser is not None and not hasattr(optimiser, "update"):
        raise TypeError(f"optimiser must be an optax optimiser, found {type(optimiser).__name__}")
    if method == "mapping":
        need(f'{function} by method="mapping"', e, "bonds")
    if method == "auto":
        method = "mapping" if provides(e, "bonds") and optimiser is None else "optax"
    if max_steps is None:
        max_steps = MOST_STEPS[method]
    integer("max_steps", max_steps, at_least=1)
    z0 = jnp.asarray(z0, e.position.dtype)
    if z0.shape[-2:] != e.position.shape or z0.ndim not in (2, 3) or 0 in z0.shape:
        raise ValueError(
            f"z0 must have the shape {e.position.shape} or a leading axis before it, "
            f"found {z0.shape}"
        )
    if factor is not None or provides(e, "blocks"):
        factor = factor_of(e, factor)
    settings = _Settings(cost, method, max_steps, optimiser)
    found = _search(e, z0 if z0.ndim == 3 else z0[None], factor, float(tol), settings)
    return found if z0.ndim == 3 else jax.tree.map(lambda a: a[0], found)


@functools.partial(jax.jit, static_argnames="settings")
def _search(e, batch, factor, tol, settings):
    cost = settings.cost
    vector, residual, steps = _stationary(e, batch, factor, tol, settings)

    def described(z):
        a, s, _ = stationarity(cost, e, z)
        return coefficients_of(e, z), value(cost, a, s), s

    c, level, form = jax.vmap(described)(vector)
    status = (
        (e.status | check_positive(e) if factor is None else factor.status)
        | flag(~(residual <= tol), Status.NOT_CONVERGED)
        | flag(~jnp.isfinite(residual), Status.NOT_FINITE)
        | flag(c.stiffness <= 0, Status.NOT_A_MINIMUM)
        | flag(form < 0, cost.negative)
    )
    return SoftMode(
        stiffness=c.stiffness,
        asymmetry=c.asymmetry,
        quartic=c.quartic,
        participation=c.participation,
        vector=vector,
        cost=level,
        residual=residual,
        steps=steps,
        status=status,
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(4,))
def _stationary(e, batch, factor, tol, settings):
    """Vectors (k, n, d), residuals, steps."""
    options = {"tol": tol, "max_steps": settings.max_steps}
    if settings.method == "mapping":
        inverse = _inverse(e, factor)
        found = map_modes(settings.cost, e, inverse, columns_of(batch), **options)
        return upright(fields_of(found.z)), found.residual, found.steps
    variables = (lambda y: y, lambda z: z)
    if factor is not None:
        variables = (
            lambda y: apply_root(factor, y),
            lambda z: apply_root_transposed(factor, e.second(z)),
        )
    options |= {"variables": variables, "optimiser": settings.optimiser}
    vector, residual, steps = _one_by_one(lambda z: descend(settings.cost, e, z, **options), batch)
    return upright(vector), residual, steps


def _one_by_one(function, batch):
    """A function of single fields mapped over a batch; a batch of one is no loop."""
    if batch.shape[0] == 1:
        return jax.tree.map(lambda a: a[None], function(batch[0]))
    return jax.lax.map(function, batch)


def _inverse(e, factor):
    """M^-1 on columns; by conjugate gradients where there is no factor."""
    if factor is None:
        # A step of the mapping needs a direction, not a solution: 1e-8 leaves its number of steps
        # as it is.
        one = lambda b: cg(e.second, b, tol=1e-8, project=remove_translation).x
        return lambda b: jax.vmap(one, 2, 2)(b)
    return lambda b: remove_translation(apply_inverse(e, factor, remove_translation(b)))


@_stationary.defjvp
def _stationary_jvp(settings, primals, tangents):
    (e, batch, factor, tol), (de, *_) = primals, tangents
    out = _stationary(e, batch, factor, tol, settings)
    inverse = _inverse(*jax.lax.stop_gradient((e, factor)))
    slope = lambda e, z: stationarity(settings.cost, e, z)[2]

    def tangent(z):
        complement = lambda v: remove_translation(v - jnp.sum(z * v) * z)
        moved = jax.jvp(lambda e: slope(e, z), (e,), (de,))[1]
        turned = lambda v: jax.jvp(lambda z: slope(e, z), (z,), (v,))[1]
        precondition = lambda v: inverse(v[:, :, None])[:, :, 0]
        return projected_solution(turned, -moved, complement, precondition)

    vector, residual, steps = out
    return out, (_one_by_one(tangent, vector), no_tangent(residual), no_tangent(steps))
