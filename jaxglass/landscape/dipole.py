"""Force dipoles on bonds, d_b = (u on j, -u on i) / sqrt(2) with u the unit vector of the bond."""

import jax.numpy as jnp


def dipole(e, bond):
    """The unit dipole field of one bond, (n, d)."""
    r = e.separation[bond]
    u = r / jnp.sqrt(2 * jnp.sum(r * r))
    return jnp.zeros_like(e.position).at[e.bonds.j[bond]].add(u).at[e.bonds.i[bond]].add(-u)
