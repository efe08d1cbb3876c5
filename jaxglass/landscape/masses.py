"""The Hessian of particles of different masses.

With y = m^(1/2) x the equation of motion is y'' = -D y, where

    D = m^(-1/2) M m^(-1/2)

does not see m^(1/2) times a translation. Everything here is as it was without masses where they are
None, which stands for 1.
"""

import jax.numpy as jnp

from .engine import apply_inverse
from .inverse import translations
from .solve import remove_translation


def weight(mass, z, power):
    """m^power z, for fields (n, d) or columns (n, d, c)."""
    return z if mass is None else (mass**power).reshape(-1, *[1] * (z.ndim - 1)) * z


def without_translation(mass, z):
    """A field y, or columns, without its part along m^(1/2) times a translation."""
    if mass is None:
        return remove_translation(z)
    drift = jnp.sum(weight(mass, z, 0.5), axis=0) / jnp.sum(mass)
    return z - weight(mass, jnp.broadcast_to(drift, z.shape), 0.5)


def unit_translations(mass, n, d):
    """The d normalised fields that D does not see, as columns (n, d, d)."""
    if mass is None:
        return translations(n, d)
    return weight(mass, jnp.broadcast_to(jnp.eye(d), (n, d, d)), 0.5) / jnp.sqrt(jnp.sum(mass))


def dynamical(e, mass, z):
    """D z."""
    return weight(mass, e.second(weight(mass, z, -0.5)), -0.5)


def inverse_dynamical(e, factor, mass, b):
    """D^-1 b up to a translation, of fields b without one."""
    return weight(mass, apply_inverse(e, factor, weight(mass, b, 0.5)), 0.5)
