"""Masses of particles, as functions take them: one number a particle, or None where all are 1."""

import numpy as np

from ..core.checks import finite, float64, is_traced


def masses(mass, n):
    """The masses (n,), checked, or None."""
    if mass is None:
        return None
    mass = float64("mass", mass)
    if mass.shape != (n,):
        raise ValueError(
            f"mass must have one entry per particle, shape ({n},), found {mass.shape}; of species, "
            "take table[glass.species]"
        )
    finite("mass", mass)
    if not is_traced(mass) and np.min(mass) <= 0:
        k = int(np.argmin(mass))
        raise ValueError(f"mass must be positive, found {float(mass[k])} at index {k}")
    return mass
