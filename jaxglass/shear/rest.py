"""When a gradient is zero, as in minimise/tolerance, for an expansion: in units of its pairs, which
hold particles apart.
"""

import jax.numpy as jnp

from ..core.arrays import dot
from ..minimise.tolerance import ROUNDING

TIGHT = 5e-12  # of the typical bond force, what a quench reaches


def largest(field):
    """The largest component of a field."""
    return jnp.max(jnp.abs(field))


def at_rest(e, slope, share=TIGHT):
    """Whether no component of the gradient is above a share of the typical bond force, or above
    what rounding of the positions makes of zero.
    """
    return largest(slope) <= jnp.maximum(share * typical_force(e), rounding(e))


def typical_force(e):
    """Root mean square of the forces of the bonds that carry one."""
    force = e.two.force
    square = dot(force, force)
    return jnp.sqrt(jnp.sum(square) / jnp.maximum(jnp.sum(square > 0), 1))


def rounding(e):
    """What rounding of the positions makes of a gradient that is zero."""
    return ROUNDING * jnp.max(jnp.abs(e.glass.box.cell)) * stiffest(e)


def stiffest(e):
    """The largest sum of |F_1| + |F_2| r^2 over the bonds of a particle."""
    r, (_, first, second) = e.two.separation, e.two.derivative[:3]
    of_bond = jnp.abs(first) + jnp.abs(second) * dot(r, r)
    of_particle = jnp.zeros(e.count).at[e.bonds.i].add(of_bond).at[e.bonds.j].add(of_bond)
    return jnp.max(of_particle)
