"""Starts for the search of soft modes, and where a mode sits."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer
from ..core.status import or_nan
from ..core.vectors import fields_of
from ..landscape.contract import need
from ..landscape.dipole import check_bonds, dipole
from ..landscape.engine import Factor, apply_inverse, factor_of
from ..landscape.solve import remove_translation, solve
from ..landscape.strain import mixed_strain
from ..system.box import minimum_image, wrap
from ..system.glass import Glass


def dipole_seeds(e, bonds, *, factor: Factor | None = None) -> Array:
    """Responses M^-1 d_b to force dipoles on chosen bonds, (k, n, d), of unit norm.

    Args:
        e: Expansion.
        bonds: (k,) indices.
        factor: Factor of e, from ``factorise``, to answer many batches with.

    Returns:
        Fields; NaN if the configuration is not a minimum or the factor is another's.

    Example:
        >>> jg.modes.dipole_seeds(e, jnp.arange(5)).shape
        (5, 64, 2)
    """
    bonds = jnp.atleast_1d(jnp.asarray(bonds))
    check_bonds("dipole_seeds", e, bonds)
    return _dipole_seeds(e, bonds, factor_of(e, factor))


@jax.jit
def _dipole_seeds(e, bonds, factor):
    force = jax.vmap(lambda b: dipole(e, b), out_axes=2)(bonds)
    return or_nan(factor.status, _unit(fields_of(apply_inverse(e, factor, force))))


def nonaffine_seeds(e, *, factor: Factor | None = None) -> Array:
    """Nonaffine velocities under pure and simple shear in every plane: (k, n, d), of unit norm.

    The softest comes first.

    Args:
        e: Expansion.
        factor: Factor of e, from ``factorise``; by default each velocity is found by conjugate
            gradients.

    Example:
        >>> jg.modes.nonaffine_seeds(e).shape
        (2, 64, 2)
    """
    need("nonaffine_seeds", e, "groups", "glass")
    d = e.glass.dim
    directions = []
    for p, q in itertools.combinations(range(d), 2):
        simple, pure = np.zeros((2, d, d))
        simple[p, q] = simple[q, p] = 0.5
        pure[p, p], pure[q, q] = 0.5, -0.5
        directions += [simple, pure]

    def response(direction):
        s = solve(e, -mixed_strain(e, direction), factor=factor)
        return or_nan(s.status, s.x)

    fields = _unit(jax.lax.map(response, jnp.asarray(np.stack(directions))))
    return fields[jnp.argsort(jax.vmap(lambda z: jnp.sum(z * e.second(z)))(fields))]


def random_seeds(key: Array, e, count: int) -> Array:
    """Random fields of unit norm, (count, n, d).

    Example:
        >>> jg.modes.random_seeds(jax.random.key(0), e, 3).shape
        (3, 64, 2)
    """
    need("random_seeds", e)
    return _unit(jax.random.normal(key, (integer("count", count, at_least=1), *e.position.shape)))


def core_difference(z: Array, mode: Array) -> Array:
    """A field without its part along a mode found from it, of unit norm.

    A hybridised field leads so to its second core.

    Example:
        >>> jg.modes.core_difference(jnp.ones((4, 1)) / 2, jnp.eye(4)[:, :1]).shape
        (4, 1)
    """
    rest = z - jnp.sum(z * mode) * mode
    return rest / jnp.linalg.norm(rest)


def core_position(glass: Glass, vector: Array) -> Array:
    """Where a mode sits, (d,): the mean position of particles weighted by |z_i|^4.

    Taken around the particle that moves most.

    Example:
        >>> two = jg.glass([[0.5, 0.5], [7.5, 0.5]], 8.0)
        >>> jg.modes.core_position(two, jnp.ones((2, 2))).tolist()    # across the boundary
        [0.0, 0.5]
    """
    weight = jnp.sum(vector * vector, axis=-1) ** 2
    centre = glass.position[jnp.argmax(weight)]
    away = minimum_image(glass.box, glass.position - centre)
    return wrap(glass.box, centre + weight @ away / jnp.sum(weight))


def _unit(fields):
    fields = jax.vmap(remove_translation)(fields)
    return fields / jnp.linalg.norm(fields, axis=(1, 2), keepdims=True)
