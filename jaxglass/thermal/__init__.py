"""Low-temperature averages, the local thermal energy, the softness field."""

from .average import thermal_bond_average, thermal_estimate
from .softness import fitting_bins

__all__ = ["fitting_bins", "thermal_bond_average", "thermal_estimate"]
