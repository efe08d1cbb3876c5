"""Force dipoles on bonds, d_b = (u on j, -u on i) / sqrt(2) with u the unit vector of the bond."""

import jax.numpy as jnp
import numpy as np

from ..core.checks import is_traced
from .contract import need


def check_bonds(function, e, bonds):
    """Refuses concrete indices that are not bonds of the expansion."""
    need(function, e, "groups")
    if is_traced(e, bonds):
        return
    index, valid = np.asarray(bonds), np.asarray(e.bonds.valid)
    if (
        index.ndim > 1
        or index.dtype.kind not in "iu"
        or np.any((index < 0) | (index >= len(valid)))
        or not np.all(valid[index])
    ):
        raise ValueError(
            "bonds must be indices of valid bonds, integers from 0 to "
            f"{int(valid.sum()) - 1}, found {index.ravel()[:8]}"
        )


def dipole(e, bond):
    """The unit dipole field of one bond, (n, d)."""
    r = e.two.separation[bond]
    u = r / jnp.sqrt(2 * jnp.sum(r * r))
    return jnp.zeros_like(e.position).at[e.bonds.j[bond]].add(u).at[e.bonds.i[bond]].add(-u)
