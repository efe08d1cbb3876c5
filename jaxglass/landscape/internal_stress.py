"""Glasses whose internal stress is dialled: M(delta) = M'' + (1 - delta) M'.

With phi the energy of a bond and u its direction, M'' = sum phi'' u u and
M' = sum (phi'/r) (1 - u u), scattered to particles. In derivatives with respect to r.r / 2 that is

    F_1 -> (1 - delta) F_1,     F_2 -> F_2 + delta F_1 / r^2,

phi'' as it was and forces (1 - delta) times as large, which stay balanced. There is no energy of
which these are the derivatives, so third and fourth ones have no meaning.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.arrays import dot
from ..core.checks import is_traced
from .contract import need
from .expansion import Expansion


class DialledExpansion(Expansion):
    """An expansion of second order: third and fourth derivatives are NaN, and refused by name."""

    has = Expansion.has - {"higher"}
    kind = "an expansion whose internal stress was dialled, which is of second order"


def internal_stress(e: Expansion, delta: Any) -> DialledExpansion:
    """An expansion with a share of the internal stress taken out of its Hessian.

    Everything harmonic takes it: products, solves, modes, moduli (whose Born part is the dialled
    one too), waves, the harmonic part of local thermal energies, whose anharmonic part is NaN.

    Args:
        e: Expansion of a pair model.
        delta: the share, from 0 (the glass as it is) to 1 (no forces).

    Returns:
        DialledExpansion, differentiable in delta and in the model.

    Example:
        >>> stiffer = jg.internal_stress(e, 0.5)
        >>> bool(jg.shear_modulus(stiffer).total > jg.shear_modulus(e).total)
        True
    """
    need("internal_stress", e, "terms")
    if not is_traced(delta) and not (np.ndim(delta) == 0 and 0 <= delta <= 1):
        raise ValueError(f"delta must be a number from 0 to 1, found {delta}")
    f, square = e.derivative, dot(e.separation, e.separation)
    none = jnp.full_like(f[0], jnp.nan)
    dialled = jnp.stack([f[0], (1 - delta) * f[1], f[2] + delta * f[1] / square, none, none])
    return DialledExpansion(e.glass, e.bonds, e.separation, dialled, e.status, e.reach)
