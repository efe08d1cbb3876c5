"""Derivatives of the energy with respect to a homogeneous deformation x -> (1 + gamma E) x.

    stress          (1/V) sum_b f_b r_b
    mixed strain    d2U / dgamma dx = sum_b (+/-) K_b E r_b     at a minimum, where sum E^T f = 0
    curvature       d2U / dgamma2 = sum_b (E r_b).K_b.(E r_b)

For simple shear in the plane (p, q), x_p moves with x_q: E has a single one at (p, q).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from .contract import need
from .expansion import bond_second, bond_third


def shear_direction(plane, dim):
    """E of simple shear: x_p moves with x_q, (d, d)."""
    p, q = plane
    if not (0 <= p < dim and 0 <= q < dim and p != q):
        raise ValueError(f"plane must name two different axes below {dim}, found {plane}")
    direction = np.zeros((dim, dim))
    direction[p, q] = 1.0
    return jnp.asarray(direction)


def stress(e) -> Array:
    """Stress tensor (1/V) dU/dE, (d, d); the pressure is minus its mean diagonal.

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> bool(jg.stress(e)[0, 0] < 0)    # a repelling pair pushes the walls out
        True
    """
    need("stress", e, "groups", "glass")
    return _stress(e)


def mixed_strain(e, direction: Any) -> Array:
    """d2U/dgamma dx along a direction E (d, d), or a plane (p, q) of simple shear: (n, d).

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.5]], 8.0))
        >>> jg.response.mixed_strain(e, (0, 1)).shape
        (2, 2)
    """
    need("mixed_strain", e, "groups", "glass")
    return _mixed(e, as_direction(direction, e.glass.dim))


def strain_curvature(e, direction: Any) -> Array:
    """d2U/dgamma2 at frozen fractional coordinates: V times the Born modulus of that direction.

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.5]], 8.0))
        >>> jg.response.strain_curvature(e, (0, 1)).shape
        ()
    """
    need("strain_curvature", e, "groups", "glass")
    return _curvature(e, as_direction(direction, e.glass.dim))


def push(e, direction):
    """Change of the gradient where all follow the deformation, (n, d)."""
    total = e.scatter(bond_second(e.two, e.two.separation @ direction.T))
    for group in e.groups:
        total += group.scatter(group.second(group.separation @ direction.T), e.count)
    return total


def turning(e, direction, z):
    """Change of M z where all follow the deformation, (n, d)."""
    total = e.scatter(bond_third(e.two, e.two.separation @ direction.T, e.difference(z)))
    for group in e.groups:
        third = group.third(group.separation @ direction.T, group.difference(z))
        total += group.scatter(third, e.count)
    return total


def work(e, direction):
    """dU / d gamma where all follow the deformation, a number."""
    total = jnp.sum(e.two.force * (e.two.separation @ direction.T))
    for group in e.groups:
        total += jnp.sum(group.pull * (group.separation @ direction.T))
    return total


_mixed = jax.jit(push)


@jax.jit
def _stress(e):
    total = jnp.einsum("bi,bj->ij", e.two.force, e.two.separation)
    for group in e.groups:
        total += jnp.einsum("tai,taj->ij", group.pull, group.separation)
    return total / e.glass.box.volume


@jax.jit
def _curvature(e, direction):
    return jnp.einsum("ij,ij->", direction, _affine(e, direction))


def born(e):
    """d2U / dF_ij dF_kl at frozen fractional coordinates, for all displacement gradients,
    (d, d, d, d).
    """
    d = e.glass.dim
    directions = jnp.eye(d * d).reshape(d * d, d, d)
    return jnp.moveaxis(jax.lax.map(lambda f: _affine(e, f), directions), 0, 2).reshape((d,) * 4)


def _affine(e, direction):
    """d2U / dF_ij dgamma at frozen fractional coordinates, (d, d)."""
    r = e.two.separation
    total = jnp.einsum("bi,bj->ij", bond_second(e.two, r @ direction.T), r)
    for group in e.groups:
        r = group.separation
        rows = jnp.where(group.held[..., None], group.second(r @ direction.T), 0.0)
        total += jnp.einsum("tai,taj->ij", rows, r)
    return total


def as_direction(direction, dim):
    """A displacement gradient (d, d): itself, or that of simple shear in a plane (p, q)."""
    if np.shape(direction) == (2,) and isinstance(direction, tuple | list):
        return shear_direction(tuple(direction), dim)
    if jnp.shape(direction) != (dim, dim):
        raise ValueError(
            f"direction must be a plane (p, q) or a ({dim}, {dim}) matrix, "
            f"found shape {jnp.shape(direction)}"
        )
    return jnp.asarray(direction)
