"""Low-temperature average of any smooth observable A(x):

    lim (<A>_T - A) / (T/2) = (d2A/dxdx) : M^-1 + (dA/dx) . X

Gradient and curvature of A come from JAX. The curvature is never formed: it acts on columns of M^-1, and only on the
columns of particles that A depends on, which two random products with the curvature reveal.
"""

import functools

import jax
import jax.numpy as jnp

from ..core.status import or_nan
from ..landscape.expansion import Expansion, check_expansion
from ..landscape.solve import solve
from ..linalg import stochastic
from ..modes.harmonic import lowest_modes
from . import inverse
from .local_energy import PROBE_TOL, displacement

METHODS = ("auto", "direct", "dense", "stochastic")
COLUMNS = 64  # of the inverse at a time


def thermal_average(e, observable, *, method="auto", probes=128, modes=64, seed=0):
    """lim (<A>_T - A) / (T/2) of an observable as T goes to zero.

    Args:
        e: expansion at a minimum.
        observable: function position (n, d) -> scalar, smooth, and the same for periodic images of a particle.
        method: "direct", exact; cost grows with the number of particles that the observable depends on. "dense", exact,
            by full diagonalisation, also for expansions of energy(position). "stochastic": random probes.
            "auto": direct while it fits in memory.
        probes, modes, seed: of "stochastic", as for ``local_thermal_energy``.

    Returns:
        A scalar, NaN if the configuration is not a minimum or a solve did not converge; ``thermal_estimate`` gives the
        standard error of "stochastic" too.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> glass = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
        >>> e = jg.expand(model, glass)
        >>> energy = lambda x: jg.energy(model, glass.replace(position=x))
        >>> round(float(jg.thermal_average(e, energy)), 6)    # n d - d: equipartition
        126.0
    """
    method, layout = inverse.choose(e, method, METHODS)
    if method == "stochastic":
        return thermal_estimate(e, observable, probes=probes, modes=modes, seed=seed).value
    x = e.position
    slope = jax.grad(observable)(x)
    known = inverse.exact(e, method, layout)
    moved, status = displacement(e, known)
    return or_nan(
        status, jnp.sum(slope * moved) + _trace(_curvature(observable, x), known.columns, x)
    )


def thermal_estimate(e, observable, *, probes=128, modes=64, seed=0):
    """``thermal_average`` by random probes with the lowest modes taken out exactly: value and standard error.

    With w = M^-1 dA/dx the gradient term is -U''' w : M^-1, so that the whole is one trace, (d2A/dxdx - U''' w) : M^-1.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> found = jg.thermal_estimate(e, lambda x: jnp.sum(x[0] ** 2), probes=16, modes=8)
        >>> bool(found.error > 0)
        True
    """
    x = e.position
    curvature = _curvature(observable, x)
    found = lowest_modes(e, min(modes, x.size - x.shape[1]))
    response = solve(e, jax.grad(observable)(x))
    pulled = lambda z: curvature(z) - e.third(response.x, z)
    inner = jax.vmap(lambda v: jnp.sum(v * pulled(v)))(found.vector) / found.frequency**2

    def apply(z):
        s = solve(e, z, tol=PROBE_TOL)
        return pulled(or_nan(s.status, s.x))

    estimate = stochastic.trace(
        jax.random.key(seed), apply, x.shape, probes, known=(inner, found.vector)
    )
    return jax.tree.map(functools.partial(or_nan, response.status | found.status), estimate)


def thermal_bond_average(e, function, *, method="auto"):
    """The same limit for a function of the separation of every bond at once, in one pass.

    Args:
        e: Expansion with bonds.
        function: separation (d,) -> scalar, for example the length ``jnp.linalg.norm``.
        method: as for ``local_thermal_energy``: "auto", "direct" or "dense".

    Returns:
        (b,), zero where padded; NaN if the configuration is not a minimum.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> jg.thermal_bond_average(e, jnp.linalg.norm).shape == e.bonds.valid.shape
        True
    """
    check_expansion(e)
    if not isinstance(e, Expansion):
        raise ValueError(
            "thermal_bond_average needs the bonds of a pair model; use thermal_average with energy(position)"
        )
    method, layout = inverse.choose(e, method, ("auto", "direct", "dense"))
    return _bond_average(e, function, method, layout)


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _bond_average(e, function, method, layout):
    known = inverse.exact(e, method, layout)
    moved, status = displacement(e, known)
    slope, curvature = (
        jax.vmap(jax.grad(function))(e.separation),
        jax.vmap(jax.hessian(function))(e.separation),
    )
    value = jnp.einsum("bxy,bxy->b", curvature, known.blocks) + jnp.sum(
        slope * e.difference(moved), axis=-1
    )
    return jnp.where(e.bonds.valid, or_nan(status, value), 0.0)


def _curvature(observable, x):
    """Product of the observable's second derivative with a field."""
    return lambda z: jax.jvp(jax.grad(observable), (x,), (z,))[1]


def _trace(curvature, columns, x):
    """sum_k e_k . A M^-1 e_k over the coordinates k that A acts on, a block of columns at a time."""
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
    acted = jax.vmap(curvature, in_axes=2, out_axes=2)(g)
    own = acted.reshape(-1, k.size)[k, jnp.arange(k.size)]
    return jnp.sum(jnp.where(count, own, 0.0))
