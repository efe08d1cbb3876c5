"""Quartic, cubic and pseudo-harmonic modes: stationary fields of the costs of ``costs``, differentiable in the model.

The derivative of a mode follows from its own stationarity G(z) = 0, by one projected solve with dG/dz, whatever the number
of steps that found it.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import choice, integer, positive
from ..core.status import Status, flag
from ..core.struct import struct
from ..landscape.contractions import coefficients
from ..landscape.direct import (
    apply_inverse,
    apply_root,
    apply_root_transposed,
    check_factor,
    factorise,
)
from ..landscape.expansion import Expansion, check_expansion
from ..landscape.solve import remove_translation
from ..linalg.cg import cg
from . import costs
from .descent import descend
from .mapping import map_modes

METHODS = ("auto", "optax", "mapping")


@struct
class SoftMode:
    """A soft mode, or a batch of them with a leading axis.

    Attributes:
        vector: (n, d), unit norm, zero mean, the largest component positive.
        stiffness, asymmetry, quartic, participation: kappa, tau, chi, e of the vector.
        cost: the cost it minimises.
        residual: |M z - (a/s) g| / |M z|, of the equation that defines it.
        steps: of the search.
        status: bits.
    """

    vector: object
    stiffness: object
    asymmetry: object
    quartic: object
    participation: object
    cost: object
    residual: object
    steps: object
    status: object


def quartic_mode(e, z0, *, method="auto", tol=1e-9, max_steps=None, optimiser=None, factor=None):
    """Quartic mode: M z = (kappa/chi) U'''':zzz, a minimum of kappa^2 / chi.

    Args:
        e: expansion at a minimum.
        z0: start (n, d), for example the lowest harmonic mode; or a batch (k, n, d), searched together.
        method: "optax", L-BFGS on the sphere; "mapping", z <- M^-1 g(z) with conjugate directions, the faster one for
            batches; needs bonds. "auto": mapping where there are bonds.
        tol: residual to reach.
        max_steps: default 500 of the mapping, 3000 of the descent.
        optimiser: optax optimiser for "optax".
        factor: Direct from ``factorise``, to search many batches with one factor.

    Returns:
        SoftMode, differentiable in the model.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> harmonic = jg.lowest_modes(e, 1)
        >>> mode = jg.quartic_mode(e, harmonic.vector[0])
        >>> int(mode.status), bool(mode.stiffness >= harmonic.frequency[0] ** 2)
        (0, True)
    """
    return _mode("quartic", e, z0, method, tol, max_steps, optimiser, factor)


def cubic_mode(e, z0, *, method="auto", tol=1e-9, max_steps=None, optimiser=None, factor=None):
    """Cubic mode: M z = (kappa/tau) U''':zz, a minimum of kappa^3 / tau^2, 3/2 of the height of the barrier along it.

    Arguments and result as for ``quartic_mode``; the best start is a quartic mode.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> quartic = jg.quartic_mode(e, jg.lowest_modes(e, 1).vector[0])
        >>> int(jg.cubic_mode(e, quartic.vector).status)
        0
    """
    return _mode("cubic", e, z0, method, tol, max_steps, optimiser, factor)


def pseudo_harmonic_mode(
    e, z0, *, method="auto", tol=1e-9, max_steps=None, optimiser=None, factor=None
):
    """Pseudo-harmonic mode: a minimum of kappa^2 / sum_b (z_b.z_b)^2, which needs only the Hessian and the bonds.

    Arguments and result as for ``quartic_mode``. ``e`` may also come from ``from_hessian``.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> int(jg.pseudo_harmonic_mode(e, jg.lowest_modes(e, 1).vector[0]).status)
        0
    """
    return _mode("pseudo", e, z0, method, tol, max_steps, optimiser, factor)


def _mode(name, e, z0, method, tol, max_steps, optimiser, factor):
    choice("method", method, METHODS)
    positive("tol", tol)
    check_expansion(e)
    kind = costs.KINDS[name]
    if kind.name == "pseudo" and not hasattr(e, "bonds"):
        raise ValueError(
            "pseudo_harmonic_mode needs bonds; an expansion of energy(position) has none: use from_hessian"
        )
    if method == "auto":
        method = "mapping" if hasattr(e, "bonds") and optimiser is None else "optax"
    if method == "mapping" and optimiser is not None:
        raise ValueError('optimiser is used by method="optax" only, found method="mapping"')
    if method == "mapping" and not hasattr(e, "bonds"):
        raise ValueError(
            'method="mapping" needs bonds; use "optax" for an expansion of energy(position)'
        )
    max_steps = (
        (500 if method == "mapping" else 3000)
        if max_steps is None
        else integer("max_steps", max_steps, at_least=1)
    )
    z0 = jnp.asarray(z0, e.position.dtype)
    if z0.shape[-2:] != e.position.shape or z0.ndim not in (2, 3) or 0 in z0.shape:
        raise ValueError(
            f"z0 must have the shape {e.position.shape} or a leading axis before it, found {z0.shape}"
        )
    if optimiser is not None and not hasattr(optimiser, "update"):
        raise TypeError(f"optimiser must be an optax optimiser, found {type(optimiser).__name__}")
    if factor is not None:
        check_factor(e, factor)
    elif isinstance(e, Expansion):
        factor = factorise(jax.lax.stop_gradient(e))
    batch = z0 if z0.ndim == 3 else z0[None]
    found = _search(e, batch, factor, kind, method, float(tol), max_steps, optimiser)
    return found if z0.ndim == 3 else jax.tree.map(lambda a: a[0], found)


@functools.partial(jax.jit, static_argnums=(3, 4, 5, 6, 7))
def _search(e, batch, factor, kind, method, tol, max_steps, optimiser):
    vector, residual, steps = _stationary(e, batch, factor, kind, method, tol, max_steps, optimiser)

    def describe(z):
        if kind.name == "pseudo" and not hasattr(e, "third"):
            c = e.coefficients(z)
        else:
            c = coefficients(e, z)
        a, s, _ = costs.slope(kind, e, z)
        return c, costs.cost(kind, a, s), s

    c, cost, form = jax.vmap(describe)(vector)
    status = (
        e.status
        | (0 if factor is None else factor.status)
        | flag(~(residual <= tol), Status.NOT_CONVERGED)
        | flag(~jnp.isfinite(residual), Status.NOT_FINITE)
        | flag((form < 0) & (kind.name == "quartic"), Status.NEGATIVE_QUARTIC)
    )
    return SoftMode(
        vector, c.stiffness, c.asymmetry, c.quartic, c.participation, cost, residual, steps, status
    )


@functools.partial(jax.custom_jvp, nondiff_argnums=(3, 4, 5, 6, 7))
def _stationary(e, batch, factor, kind, method, tol, max_steps, optimiser):
    """Vectors (k, n, d), residuals, steps."""
    inverse = _inverse(e, factor)
    if method == "mapping":
        found = map_modes(
            kind, e, inverse, jnp.moveaxis(batch, 0, -1), tol=tol, max_steps=max_steps
        )
        vector, residual, steps = jnp.moveaxis(found.z, -1, 0), found.residual, found.steps
    else:
        variables = (lambda y: y, lambda z: z)
        if factor is not None:
            variables = (
                lambda y: apply_root(factor, y),
                lambda z: apply_root_transposed(factor, e.second(z)),
            )
        one = lambda z: descend(
            kind, e, z, variables=variables, tol=tol, max_steps=max_steps, optimiser=optimiser
        )
        vector, residual, steps = (
            jax.lax.map(one, batch)
            if batch.shape[0] > 1
            else jax.tree.map(lambda a: a[None], one(batch[0]))
        )
    flat = vector.reshape(vector.shape[0], -1)
    largest = jnp.take_along_axis(flat, jnp.argmax(jnp.abs(flat), axis=1)[:, None], axis=1)
    return vector * jnp.where(largest < 0, -1.0, 1.0)[:, :, None], residual, steps


def _inverse(e, factor):
    """M^-1 on columns; by conjugate gradients where there is no factor."""
    if factor is None:
        one = lambda b: cg(e.second, b, tol=1e-8, project=remove_translation).x
        return lambda b: jax.vmap(one, 2, 2)(b)
    return lambda b: remove_translation(apply_inverse(factor, remove_translation(b)))


@_stationary.defjvp
def _stationary_jvp(kind, method, tol, max_steps, optimiser, primals, tangents):
    (e, batch, factor), (de, *_) = primals, tangents
    out = _stationary(e, batch, factor, kind, method, tol, max_steps, optimiser)
    inverse = _inverse(*jax.lax.stop_gradient((e, factor)))

    def tangent(z):
        complement = lambda v: remove_translation(v - jnp.sum(z * v) * z)
        moved = jax.jvp(lambda e: costs.slope(kind, e, z)[2], (e,), (de,))[1]
        turned = lambda v: complement(
            jax.jvp(lambda z: costs.slope(kind, e, z)[2], (z,), (complement(v),))[1]
        )
        precondition = lambda v: inverse(v[:, :, None])[:, :, 0]
        solver = lambda matvec, b: (
            cg(matvec, b, tol=1e-11, project=complement, precondition=precondition).x
        )
        return complement(
            jax.lax.custom_linear_solve(turned, complement(-moved), solver, symmetric=True)
        )

    vector, residual, steps = out
    dvector = jax.lax.map(tangent, vector) if vector.shape[0] > 1 else tangent(vector[0])[None]
    return out, (dvector, jnp.zeros_like(residual), np.zeros(steps.shape, jax.dtypes.float0))
