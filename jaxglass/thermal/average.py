"""Low-temperature average of any smooth observable A(x).

    lim (<A>_T - A) / (T/2) = (d2A/dxdx) : M^-1 + (dA/dx) . X

Gradient and curvature of A come from JAX. The curvature is never formed: it acts on columns of
M^-1, and only on the columns of particles that A depends on, which two random products with the
curvature reveal.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from ..core.random import key_or_first
from ..core.status import or_nan
from ..landscape import engine, inverse
from ..landscape.contract import need
from ..landscape.engine import Factor
from ..landscape.solve import solve
from ..linalg import stochastic
from ..linalg.stochastic import Estimate
from .local_energy import PROBE_TOL, chosen, displacement, lowest_ones

METHODS = ("auto", "direct", "dense", "stochastic")
COLUMNS = 64  # of the inverse at a time: a factor answers them for the price of a few


def thermal_average(
    e,
    observable: Callable[[Array], Array],
    *,
    method: str = "auto",
    factor: Factor | None = None,
    probes: int = 128,
    lowest: int = 64,
    key: Array | None = None,
) -> Array:
    """lim (<A>_T - A) / (T/2) of an observable as T goes to zero.

    Args:
        e: expansion at a minimum.
        observable: function position (n, d) -> scalar, smooth, and the same for periodic images of
            a particle.
        method: "direct", exact; cost grows with the number of particles that the observable depends
            on. "dense", exact, by full diagonalisation, also for expansions of energy(position).
            "stochastic": random probes. "auto": direct while it fits in memory.
        factor: Factor of e, from ``factorise``, for "direct".
        probes, lowest, key: of "stochastic", as for ``local_thermal_energy``.

    Returns:
        A scalar, NaN if the configuration is not a minimum or a solve did not converge;
        ``thermal.thermal_estimate`` gives the standard error of "stochastic" too.

    Example:
        >>> energy = lambda x: jg.energy(model, glass.replace(position=x))
        >>> round(float(jg.thermal_average(e, energy)), 6)    # n d - d: equipartition
        126.0
    """
    need("thermal_average", e, "higher")
    settings, factor = chosen("thermal_average", e, method, METHODS, factor, probes)
    if settings.method == "stochastic":
        return thermal_estimate(e, observable, probes=probes, lowest=lowest, key=key).value
    x = e.position
    slope = jax.grad(observable)(x)
    known = inverse.exact(e, factor)
    moved, status = displacement(e, known)
    trace = _trace(_curvature(observable, x), known.columns, x)
    return or_nan(status, jnp.sum(slope * moved) + trace)


def thermal_estimate(
    e,
    observable: Callable[[Array], Array],
    *,
    probes: int = 128,
    lowest: int = 64,
    key: Array | None = None,
) -> Estimate:
    """``thermal_average`` by random probes: value and standard error.

    The lowest modes are taken out exactly.

    With w = M^-1 dA/dx the gradient term is -U''' w : M^-1, so that the whole is one trace,
    (d2A/dxdx - U''' w) : M^-1.

    Example:
        >>> observable = lambda x: jnp.sum(x[0] ** 2)
        >>> found = jg.thermal.thermal_estimate(e, observable, probes=16, lowest=8)
        >>> bool(found.error > 0)
        True
    """
    need("thermal_estimate", e, "higher")
    key = key_or_first(key)
    x = e.position
    curvature = _curvature(observable, x)
    found = lowest_ones(e, lowest)
    response = solve(e, jax.grad(observable)(x))
    pulled = lambda z: curvature(z) - e.third(response.x, z)
    inner = jax.vmap(lambda v: jnp.sum(v * pulled(v)))(found.vector) / found.frequency**2

    def apply(z):
        s = solve(e, z, tol=PROBE_TOL)
        return pulled(or_nan(s.status, s.x))

    estimate = stochastic.trace(key, apply, x.shape, probes, known=(inner, found.vector))
    return jax.tree.map(functools.partial(or_nan, response.status | found.status), estimate)


def thermal_bond_average(
    e,
    function: Callable[[Array], Array],
    *,
    method: str = "auto",
    factor: Factor | None = None,
) -> Array:
    """The same limit for a function of the separation of every bond at once, in one pass.

    Args:
        e: Expansion with bonds.
        function: separation (d,) -> scalar, for example the length ``jnp.linalg.norm``.
        method: as for ``local_thermal_energy``: "auto", "direct" or "dense".
        factor: Factor of e, from ``factorise``, for "direct".

    Returns:
        (b,), zero where padded; NaN if the configuration is not a minimum.

    Example:
        >>> jg.thermal.thermal_bond_average(e, jnp.linalg.norm).shape == e.bonds.valid.shape
        True
    """
    need("thermal_bond_average", e, "terms")
    options = ("auto", "direct", "dense")
    method, factor = engine.choose(
        "thermal_bond_average", e, method, options, factor, otherwise="dense"
    )
    return _bond_average(e, function, factor)


@functools.partial(jax.jit, static_argnames="function")
def _bond_average(e, function, factor):
    known = inverse.exact(e, factor)
    moved, status = displacement(e, known)
    slope = jax.vmap(jax.grad(function))(e.separation)
    curvature = jax.vmap(jax.hessian(function))(e.separation)
    value = jnp.einsum("bxy,bxy->b", curvature, known.blocks)
    value = value + jnp.sum(slope * e.difference(moved), axis=-1)
    return jnp.where(e.bonds.valid, or_nan(status, value), 0.0)


def _curvature(observable, x):
    """Product of the observable's second derivative with a field."""
    return lambda z: jax.jvp(jax.grad(observable), (x,), (z,))[1]


def _trace(curvature, columns, x):
    """sum_k e_k . A M^-1 e_k over the coordinates k that A acts on, some columns at a time."""
    keys = jax.random.split(jax.random.key(0))
    touched = [curvature(jax.random.normal(key, x.shape)).ravel() != 0 for key in keys]
    used = jax.lax.stop_gradient(touched[0] | touched[1])
    order = jnp.argsort(~used, stable=True)
    chunk = min(COLUMNS, x.size)
    padded = jnp.pad(order, (0, -x.size % chunk)).reshape(-1, chunk)
    counted = jnp.pad(used[order], (0, -x.size % chunk)).reshape(-1, chunk)

    def block(total, step):
        k, count = step
        ours = lambda: _block_trace(curvature, columns(k), k, count)
        return total + jax.lax.cond(jnp.any(count), ours, lambda: 0.0), None

    return jax.lax.scan(block, 0.0, (padded, counted))[0]


def _block_trace(curvature, g, k, count):
    """The share of some columns g = M^-1 e_k, (n, d, c), of those that count."""
    acted = jax.vmap(curvature, in_axes=2, out_axes=2)(g)
    own = acted.reshape(-1, k.size)[k, jnp.arange(k.size)]
    return jnp.sum(jnp.where(count, own, 0.0))
