"""Low-temperature averages, the local thermal energy, the softness field."""

from .average import thermal_bond_average, thermal_estimate
from .softness import Nearest, fitting_bins, nearest_peak

__all__ = [
    "Nearest",
    "fitting_bins",
    "nearest_peak",
    "thermal_bond_average",
    "thermal_estimate",
]
