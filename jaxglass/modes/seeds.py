"""Starts for the search of soft modes, and where a mode sits."""

import itertools

import jax
import jax.numpy as jnp

from ..core.status import or_nan
from ..landscape.dipole import check_bonds, dipole
from ..landscape.direct import apply_inverse, check_factor, factorise
from ..landscape.solve import remove_translation, solve
from ..landscape.strain import mixed_strain
from ..system.box import minimum_image, wrap


def dipole_seeds(e, bonds, *, factor=None):
    """Responses M^-1 d_b to force dipoles on chosen bonds, (k, n, d), of unit norm.

    Args:
        e: Expansion.
        bonds: (k,) indices.
        factor: Direct from ``factorise`` of this expansion, to answer many batches with one factor.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> jg.dipole_seeds(e, jnp.arange(5)).shape
        (5, 64, 2)
    """
    bonds = jnp.atleast_1d(jnp.asarray(bonds))
    check_bonds(e, bonds)
    return _dipole_seeds(e, bonds, factorise(e) if factor is None else check_factor(e, factor))


@jax.jit
def _dipole_seeds(e, bonds, factor):
    force = jax.vmap(lambda b: dipole(e, b))(bonds)
    field = apply_inverse(factor, jnp.moveaxis(force, 0, -1))
    return _unit(jnp.moveaxis(field, -1, 0))


def nonaffine_seeds(e):
    """Nonaffine velocities under pure and simple shear in every plane, the softest first: (k, n, d), of unit norm.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> jg.nonaffine_seeds(e).shape
        (2, 64, 2)
    """
    d = e.glass.dim
    directions = []
    for p, q in itertools.combinations(range(d), 2):
        zero = jnp.zeros((d, d))
        directions += [
            zero.at[p, q].set(0.5).at[q, p].set(0.5),
            zero.at[p, p].set(0.5).at[q, q].set(-0.5),
        ]

    def response(direction):
        s = solve(e, -mixed_strain(e, direction))
        return or_nan(s.status, s.x)

    fields = _unit(jax.lax.map(response, jnp.stack(directions)))
    return fields[jnp.argsort(jax.vmap(lambda z: jnp.sum(z * e.second(z)))(fields))]


def random_seeds(key, e, count):
    """Random fields of unit norm, (count, n, d).

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> jg.random_seeds(jax.random.key(0), e, 3).shape
        (3, 2, 2)
    """
    return _unit(jax.random.normal(key, (count, *e.position.shape)))


def core_difference(z, mode):
    """What is left of a hybridised field without a mode found from it, of unit norm: a start for its second core.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> jg.core_difference(jnp.ones((4, 1)) / 2, jnp.eye(4)[:, :1]).shape
        (4, 1)
    """
    rest = z - jnp.sum(z * mode) * mode
    return rest / jnp.linalg.norm(rest)


def core_position(glass, vector):
    """Where a mode sits: the mean position of particles weighted by |z_i|^4, around the particle that moves most, (d,).

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> g = jg.glass([[0.5, 0.5], [7.5, 0.5]], 8.0)
        >>> jg.core_position(g, jnp.ones((2, 2))).tolist()    # across the boundary
        [0.0, 0.5]
    """
    weight = jnp.sum(vector * vector, axis=-1) ** 2
    centre = glass.position[jnp.argmax(weight)]
    away = minimum_image(glass.box, glass.position - centre)
    return wrap(glass.box, centre + weight @ away / jnp.sum(weight))


def _unit(fields):
    fields = jax.vmap(remove_translation)(fields)
    return fields / jnp.linalg.norm(fields, axis=(1, 2), keepdims=True)
