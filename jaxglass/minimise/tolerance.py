"""When a force is zero: in units that follow from the configuration, whatever those of the user.

    f_typ    = sqrt(sum_b |f_b|^2 / number of bonds that carry a force), the typical bond force
    rounding = 1/4 eps L max_i sum_b (|F_1| + |F_2| r_b^2), what positions of size L can resolve

A configuration is at rest when no component of the gradient is above max(force_tol f_typ,
rounding). The second matters where bonds carry hardly any force (near the loss of rigidity, in free
clusters) and in very large boxes. Newton's method ends between 0.08 and 0.20 eps L K for all models
of the catalogue, n = 256 to 10,000, hence the quarter.
"""

import jax.numpy as jnp
import numpy as np

from ..core.arrays import dot

ROUNDING = 0.25 * np.finfo(np.float64).eps


def typical_force(e):
    """Root mean square of the forces of the bonds of a Snapshot that carry one, (s,)."""
    force = e.derivative[1][:, None] * e.separation
    square = dot(force, force)
    pulled = e.all.total((square > 0).astype(jnp.float64), e.pairs.i)
    return jnp.sqrt(e.all.total(square, e.pairs.i) / jnp.maximum(pulled, 1))


def tolerance(e, force_tol):
    """The largest component of the gradient at rest, max(force_tol f_typ, rounding), (s,)."""
    length = jnp.max(jnp.abs(e.all.cell), axis=(1, 2))
    rounding = ROUNDING * length * jnp.max(e.stiffness, axis=1)
    return jnp.maximum(force_tol * typical_force(e), rounding)
