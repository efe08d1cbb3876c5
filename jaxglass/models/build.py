"""Pair models from a user's function of one reduced distance, with checks of the parts."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import a_function, finite, float64, is_traced
from .pair import PairModel, energy_of, is_table, scales_of, settled
from .shapes import OfSquare
from .smoothing import about_zero

ROOM = 1.02  # reach over the longest interaction at the start: room for sizes that are optimised


def pair(
    shape: Callable,
    parameters: dict[str, Any] | None = None,
    *,
    sigma: Any = None,
    epsilon: Any = 1.0,
    nonadditivity: Any = None,
    cutoff: Any,
    smoothing: int | None = 3,
    diameter_bound: float | None = None,
    squared: bool = False,
    contacts: float | None = None,
    name: str | None = None,
) -> PairModel:
    """A model from a function of one reduced distance.

    Args:
        shape: function (x, p) -> energy of a pair at x = r / sigma in units of epsilon. p holds the
            parameters as the pair has them, each a number, and p["cutoff"].
        parameters: dict of the continuous parameters of the shape: numbers, or symmetric (k, k)
            tables, of which the shape is given the entry of the pair.
        sigma: number or symmetric (k, k) table of lengths, one row a species; or
        nonadditivity: number, for particles with continuous diameters, with
        diameter_bound: the largest diameter that will occur.
        epsilon: number or symmetric (k, k) table of energies.
        cutoff: where the energy ends, in units of sigma; a number or a symmetric (k, k) table.
        smoothing: number of derivatives that vanish at the cutoff, or None if the shape ends there
            by itself.
        squared: the shape is a function of x^2 instead of x, which saves a root.
        contacts: expected bonds per particle, for programs traced without positions.
        name: used in messages.

    Returns:
        PairModel, a pytree whose leaves are the continuous parameters.

    Example:
        >>> def yukawa(x, p): return p["charge"] * jnp.exp(-p["screening"] * (x - 1)) / x
        >>> model = jg.models.pair(
        ...     yukawa, {"screening": 3.0, "charge": [[1.0, 0.5], [0.5, 0.25]]},
        ...     sigma=[[1.0, 1.2], [1.2, 1.4]], cutoff=[[2.0, 1.8], [1.8, 2.0]],
        ... )
        >>> float(model.reach)
        2.856
    """
    a_function("shape", shape)
    if (sigma is None) == (nonadditivity is None):
        raise ValueError(
            "give either sigma (for species) or nonadditivity (for diameters), exactly one of them"
        )
    if smoothing is not None and smoothing not in range(6):
        raise ValueError(f"smoothing must be None or an integer from 0 to 5, found {smoothing!r}")
    parameters = {k: float64(f"parameters[{k!r}]", v) for k, v in (parameters or {}).items()}
    if "cutoff" in parameters:
        raise ValueError(
            "parameters must not contain 'cutoff': the shape finds the pair's own there"
        )
    cutoff, epsilon = float64("cutoff", cutoff), float64("epsilon", epsilon)
    if sigma is not None:
        sigma = jnp.atleast_2d(float64("sigma", sigma))
        _refuse_unfit_table("sigma", sigma)
        _refuse_not_positive("sigma", sigma)
        epsilon = epsilon * jnp.ones_like(sigma) if epsilon.ndim == 0 else epsilon
        _refuse_unfit_table("epsilon", epsilon, sigma)
        if cutoff.ndim:
            _refuse_unfit_table("cutoff", cutoff, sigma)
        longest = cutoff * sigma
    else:
        nonadditivity = float64("nonadditivity", nonadditivity)
        longest = _longest_with_diameters(diameter_bound, epsilon, cutoff)
    _refuse_not_positive("cutoff", cutoff)
    if is_traced(longest):
        raise ValueError(
            "build a model outside jit and change its leaves with model.replace(...) inside"
        )
    name = name or shape.__name__
    model = PairModel(
        parameters,
        sigma,
        epsilon,
        nonadditivity,
        cutoff,
        shape if squared else OfSquare(shape),
        smoothing,
        ROOM * float(np.max(longest)),
        contacts,
        name,
    )
    for key, value in parameters.items():
        if is_table(model, value):
            _refuse_unfit_table(f"parameters[{key!r}]", value)
    _refuse_collapse(model)
    return model


def _longest_with_diameters(bound, epsilon, cutoff):
    if bound is None:
        raise ValueError(
            "diameter_bound is needed with nonadditivity: the largest diameter that will occur"
        )
    for name, value in (("epsilon", epsilon), ("cutoff", cutoff)):
        if value.ndim:
            raise ValueError(
                f"{name} must be one number with nonadditivity, "
                f"found an array of shape {value.shape}"
            )
    return cutoff * bound


def _refuse_collapse(model):
    """Refuses a negative epsilon of pairs whose energy then falls all the way to contact."""
    if is_traced(model) or not np.any(np.asarray(model.epsilon) < 0):
        return
    one = np.ones((2, 1))
    kinds = one if model.sigma is None else np.indices(model.sigma.shape).reshape(2, -1)
    scales = scales_of(model, *jnp.asarray(kinds))
    for share in np.linspace(0.02, 0.98, 49):
        s = 0.5 * (share * scales.cutoff * scales.sigma) ** 2
        if np.any(np.asarray(energy_of(model, 1)(s, scales) / scales.epsilon) > 0):
            return
    raise ValueError(
        f"epsilon must be positive where nothing else repels, found {np.min(model.epsilon):.6g}: "
        f"particles of the model {model.name} would fall onto each other"
    )


def _refuse_not_positive(name, array):
    finite(name, array)
    if not is_traced(array) and np.any(np.asarray(array) <= 0):
        raise ValueError(f"{name} must be positive, found {float(np.min(array))}")


def _refuse_unfit_table(name, table, sigma=None):
    finite(name, table)
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"{name} must be a number or a square table, found shape {table.shape}")
    if sigma is not None and table.shape != sigma.shape:
        raise ValueError(f"{name} must have the shape of sigma, {sigma.shape}, found {table.shape}")
    if not is_traced(table) and not np.array_equal(table, table.T):
        raise ValueError(f"{name} must be symmetric, found {np.asarray(table).tolist()}")


def smoothing_coefficients(model: PairModel) -> Array:
    """c_0, c_2, ... c_2q as the literature prints them.

    phi(x) + sum_l c_2l x^2l vanishes smoothly at the cutoff.

    Returns:
        (q + 1,), or (q + 1, k, k) where the cutoff or a parameter is a table.

    Example:
        >>> [round(float(c), 6) for c in jg.models.smoothing_coefficients(jg.models.get("poly2d"))]
        [-1.924145, 2.111062, -0.591097]
    """
    if model.smoothing is None:
        raise ValueError(f"the model {model.name} is not smoothed at its cutoff")
    return -jnp.stack(about_zero(settled(model).taylor, model.cutoff * model.cutoff))
