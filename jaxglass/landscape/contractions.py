"""Products of the Hessian, third and fourth derivative of the energy with displacement fields.

kappa = M:zz / z.z, tau = U''':zzz / (z.z)^(3/2), chi = U'''':zzzz / (z.z)^2, and the participation
ratio (sum_i z_i.z_i)^2 / (n sum_i (z_i.z_i)^2).
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from .contract import need, provides


class Coefficients(Struct):
    """Stiffness kappa, asymmetry tau, quartic coefficient chi, participation ratio of a field."""

    stiffness: Array
    asymmetry: Array
    quartic: Array
    participation: Array


def hvp(e, z: Array) -> Array:
    """Product of the Hessian with a field: (M z)_i = sum_b (+/-) K_b z_b.

    Args:
        e: expansion of one glass.
        z: (n, d) field.

    Returns:
        (n, d) field. Cost: one pass over the bonds.

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> float(jnp.abs(jg.hvp(e, jnp.ones((2, 2)))).max())    # a translation costs nothing
        0.0
    """
    need("hvp", e)
    return _second(e, _field("z", e, z))


def third(e, a: Array, b: Array) -> Array:
    """U''' : a b, the third derivative contracted with two fields, (n, d).

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> z = jnp.array([[0.0, 0.0], [1.0, 0.0]])
        >>> bool(jg.third(e, z, z)[1, 0] < 0)    # repulsion softens with distance
        True
    """
    need("third", e, "higher")
    return _third(e, _field("a", e, a), _field("b", e, b))


def fourth(e, z: Array) -> Array:
    """U'''' : z z z, the fourth derivative contracted three times with one field, (n, d).

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> bool(jg.fourth(e, jnp.array([[0.0, 0.0], [1.0, 0.0]]))[1, 0] > 0)
        True
    """
    need("fourth", e, "higher")
    return _fourth(e, _field("z", e, z))


def coefficients(e, z: Array) -> Coefficients:
    """Stiffness, asymmetry, quartic coefficient and participation ratio of a field of any norm.

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> float(jg.coefficients(e, jnp.array([[-1.0, 0.0], [1.0, 0.0]])).participation)
        1.0
    """
    need("coefficients", e, "higher")
    return coefficients_of(e, _field("z", e, z))


@jax.jit
def _second(e, z):
    return e.second(z)


@jax.jit
def _third(e, a, b):
    return e.third(a, b)


@jax.jit
def _fourth(e, z):
    return e.fourth(z)


@jax.jit
def coefficients_of(e, z):
    """The same without checks; what is unknown of a bare Hessian, tau and chi, is NaN."""
    square = jnp.sum(z * z)
    asymmetry = quartic = jnp.asarray(jnp.nan)
    if provides(e, "higher"):
        asymmetry = jnp.sum(e.third(z, z) * z) / square**1.5
        quartic = jnp.sum(e.fourth(z) * z) / square**2
    return Coefficients(
        stiffness=jnp.sum(e.second(z) * z) / square,
        asymmetry=asymmetry,
        quartic=quartic,
        participation=participation_ratio(z),
    )


def participation_ratio(z: Array) -> Array:
    """(sum_i z_i.z_i)^2 / (n sum_i (z_i.z_i)^2) of fields (..., n, d).

    It is 1 if all move alike, 1/n if one moves.

    Example:
        >>> float(jg.modes.participation_ratio(jnp.eye(4, 2)))
        0.5
    """
    square = jnp.sum(z * z, axis=-1)
    return jnp.sum(square, axis=-1) ** 2 / (z.shape[-2] * jnp.sum(square * square, axis=-1))


def _field(name, e, z):
    z = jnp.asarray(z)
    if z.shape != e.position.shape:
        raise ValueError(f"{name} must be a field of shape {e.position.shape}, found {z.shape}")
    return z
