"""C = kappa^2 / sum_b (z_b.z_b)^2, stationary where M z ~ sum_b (+/-) (z_b.z_b) z_b.

It needs the Hessian and the bonds alone.
"""

import jax.numpy as jnp

from .cost import Cost, bond_dot, square_along, times


def drive(e, z):
    """sum_b (+/-) (z_b.z_b) z_b."""
    seen = e.difference(z)
    mask = e.bonds.valid.reshape(-1, *(1,) * (seen.ndim - 1))
    return e.scatter(jnp.where(mask, bond_dot(seen, seen)[:, None] * seen, 0.0))


def along(e, z, d):
    """s_b = (z.z)^2."""
    square = square_along(z, d)
    return tuple(e.bonds.valid[:, None] * c for c in times(square, square))


PSEUDO = Cost("pseudo-harmonic", 2, 1, ("bonds",), drive=drive, along=along)
