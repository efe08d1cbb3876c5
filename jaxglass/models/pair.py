"""A pair model: its continuous parameters, and the energy of one pair of particles.

The energy of a pair at distance r is epsilon phi(r / sigma), zero from r = cutoff sigma on. Its derivatives are taken
with respect to s = r.r / 2,

    F_k = d^k e / d s^k,        f = F_1 r,        K = F_1 1 + F_2 r r,        and so on,

which needs no unit vectors and no division by r, and in which every contraction of the landscape is a polynomial.
"""

import jax
import jax.numpy as jnp
import numpy as np

from ..core.arrays import dot
from ..core.checks import finite, float64, is_traced
from ..core.struct import static, struct
from .shapes import OfSquare, Smoothed, taylor


@struct
class PairModel:
    """A pair potential with its parameters. Build one with ``jg.models.pair`` or ``jg.models.get``.

    Attributes:
        parameters: leaves that ``shape`` reads.
        sigma: (k, k) length of each pair of species; None for continuous diameters.
        epsilon: (k, k) energy of each pair of species, or a number.
        nonadditivity: with diameters, sigma_ij = (d_i + d_j)/2 (1 - nonadditivity |d_i - d_j|); None with species.
        cutoff: in units of sigma.
        shape: function (t, parameters) -> energy in units of epsilon, t = (r / sigma)^2.
        smoothing: number of derivatives made to vanish at the cutoff; None leaves the shape as it is.
        reach: bound on every interaction distance; sizes neighbour lists.
        contacts: expected bonds per particle, sizes bond lists while tracing; None for an estimate from the density.
        name: for messages and files.
    """

    parameters: dict
    sigma: object
    epsilon: object
    nonadditivity: object
    cutoff: object
    shape: object = static()
    smoothing: int = static()
    reach: float = static()
    contacts: float = static()
    name: str = static()


def pair(shape, parameters=None, *, sigma=None, epsilon=1.0, nonadditivity=None, cutoff, smoothing=3, diameter_bound=None,
         squared=False, contacts=None, name=None):  # fmt: skip
    """A model from a function of one reduced distance.

    Args:
        shape: function (x, parameters) -> energy of a pair at x = r / sigma in units of epsilon.
        parameters: dict of numbers, the continuous parameters of the shape.
        sigma: number or symmetric (k, k) table of lengths, one row a species; or
        nonadditivity: number, for particles with continuous diameters, with
        diameter_bound: the largest diameter that will occur.
        epsilon: number or symmetric (k, k) table of energies.
        cutoff: where the energy ends, in units of sigma.
        smoothing: number of derivatives that vanish at the cutoff, or None if the shape ends there by itself.
        squared: the shape is a function of x^2 instead of x, which saves a root.
        contacts: expected bonds per particle, for programs traced without positions.
        name: used in messages.

    Returns:
        PairModel, a pytree whose leaves are the continuous parameters.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> def yukawa(x, p): return jnp.exp(-p["screening"] * (x - 1)) / x
        >>> model = jg.models.pair(yukawa, {"screening": 3.0}, sigma=[[1.0, 1.2], [1.2, 1.4]], cutoff=2.0)
        >>> float(model.cutoff)
        2.0
    """
    if (sigma is None) == (nonadditivity is None):
        raise ValueError(
            "give either sigma (for species) or nonadditivity (for diameters), exactly one of them"
        )
    if smoothing is not None and smoothing not in range(6):
        raise ValueError(f"smoothing must be None or an integer from 0 to 5, found {smoothing!r}")
    parameters = {
        key: float64(f"parameters[{key!r}]", value) for key, value in (parameters or {}).items()
    }
    cutoff = float64("cutoff", cutoff)
    epsilon = float64("epsilon", epsilon)
    _refuse_not_positive("cutoff", cutoff)
    if sigma is not None:
        sigma = jnp.atleast_2d(float64("sigma", sigma))
        _refuse_unfit_table("sigma", sigma)
        _refuse_not_positive("sigma", sigma)
        epsilon = epsilon * jnp.ones_like(sigma) if epsilon.ndim == 0 else epsilon
        _refuse_unfit_table("epsilon", epsilon)
        if epsilon.shape != sigma.shape:
            raise ValueError(
                f"epsilon must have the shape of sigma, {sigma.shape}, found {epsilon.shape}"
            )
        largest = jnp.max(sigma)
    else:
        if diameter_bound is None:
            raise ValueError(
                "diameter_bound is needed with nonadditivity: the largest diameter that will occur"
            )
        if epsilon.ndim:
            raise ValueError(
                f"epsilon must be one number with nonadditivity, found an array of shape {epsilon.shape}"
            )
        nonadditivity = float64("nonadditivity", nonadditivity)
        largest = diameter_bound
    if is_traced(largest, cutoff):
        raise ValueError(
            "build a model outside jit and change its leaves with model.replace(...) inside"
        )
    reach = 1.02 * float(largest) * float(cutoff)
    name = name or shape.__name__
    shape = shape if squared else OfSquare(shape)
    model = PairModel(
        parameters, sigma, epsilon, nonadditivity, cutoff, shape, smoothing, reach, contacts, name
    )
    _refuse_collapse(model)
    return model


def _refuse_not_positive(name, array):
    finite(name, array)
    if not is_traced(array) and np.any(np.asarray(array) <= 0):
        raise ValueError(f"{name} must be positive, found {float(np.min(array))}")


def _refuse_unfit_table(name, table):
    finite(name, table)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"{name} must be a number or a square table, found shape {table.shape}")
    if not is_traced(table) and not np.array_equal(table, table.T):
        raise ValueError(f"{name} must be symmetric, found {np.asarray(table).tolist()}")


def _refuse_collapse(model):
    """Refuses a negative epsilon where the shape only falls: particles would coincide."""
    if is_traced(model) or not np.any(np.asarray(model.epsilon) < 0):
        return
    s = 0.5 * (np.linspace(0.02, 0.98, 49) * model.cutoff) ** 2
    slope = jax.vmap(energy_of(model, 1), (0, None, None))(s, 1.0, 1.0)
    if not np.any(np.asarray(slope) > 0):
        raise ValueError(
            "epsilon must be positive where nothing else repels, found "
            f"{np.min(model.epsilon):.6g}: particles of {model.name} would fall onto each other"
        )


def mixed(model, glass, i, j):
    """Length and energy scale (sigma, epsilon) of the pairs i, j, each (b,)."""
    if model.sigma is None:
        a, b = glass.diameter[i], glass.diameter[j]
        sigma = 0.5 * (a + b) * (1 - model.nonadditivity * jnp.abs(a - b))
        return sigma, jnp.broadcast_to(model.epsilon, sigma.shape)
    a, b = glass.species[i], glass.species[j]
    symmetric = lambda table: 0.5 * (table + table.T)
    return symmetric(model.sigma)[a, b], symmetric(model.epsilon)[a, b]


def settled(model):
    """The same model with its smoothing polynomial worked out; loops over steps settle their model before they start."""
    if model.smoothing is None:
        return model
    coefficients = taylor(model.shape, model.parameters, model.cutoff, model.smoothing)
    parameters = {
        "own": model.parameters,
        "centre": model.cutoff * model.cutoff,
        "taylor": coefficients,
    }
    return model.replace(shape=Smoothed(model.shape), parameters=parameters, smoothing=None)


def energy_of(model, order=0):
    """The function (s, sigma, epsilon) -> energy of one pair, or its derivative of the given order in s = r.r / 2.

    Valid below the cutoff; callers replace distances beyond it before, and the result after.
    """
    model = settled(model)

    def energy(s, sigma, epsilon):
        return epsilon * model.shape(2 * s / (sigma * sigma), model.parameters)

    function = energy
    for _ in range(order):
        function = _derivative(function)
    return function


def _derivative(f):
    return lambda s, *scales: jax.jvp(lambda s: f(s, *scales), (s,), (jnp.ones_like(s),))[1]


def derivatives(model, scales, separation, valid, order):
    """F_0 ... F_order of every pair, (order + 1, b); zero for pairs not valid or beyond the cutoff.

    The distance of a masked pair is replaced before the singularity, so that derivatives of the mask are clean too.

    Args:
        scales: (sigma, epsilon) of the pairs, from ``mixed``.
    """
    sigma, epsilon = scales
    model = settled(model)
    s = 0.5 * dot(separation, separation)
    inside = valid & (2 * s < (model.cutoff * sigma) ** 2)
    harmless = 0.5 * (0.9 * jax.lax.stop_gradient(model.cutoff * sigma)) ** 2
    s = jnp.where(inside, s, harmless)
    rows = [jax.vmap(energy_of(model, k))(s, sigma, epsilon) for k in range(order + 1)]
    return jnp.where(inside, jnp.stack(rows), 0.0)
