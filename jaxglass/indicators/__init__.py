"""Structural indicators: one number a particle that may tell where a glass will yield."""

from .angles import bond_order, steric_order
from .coarse import local_modulus, thermal_expansion
from .counts import local_extremes, structure_functions
from .elastic import nonaffine_velocity, nonaffinity, nonaffinity_missing
from .entropy import excess_entropy
from .learned import Softness, event_samples, learn_softness, softness
from .linear import heat_capacity, mode_map, soft_modes, vibrality
from .nonlinear import grid_modes, nonlinear_modes, predicted_yield
from .pairs import contact_number, potential_energy
from .saddle_strain import saddle_strain
from .table import softness_signs, spearman_matrix, table
from .voronoi import (
    density,
    free_volume,
    voronoi_anisotropy,
    voronoi_cells,
    voronoi_divergence,
)

__all__ = [
    "bond_order",
    "contact_number",
    "density",
    "event_samples",
    "excess_entropy",
    "free_volume",
    "grid_modes",
    "heat_capacity",
    "learn_softness",
    "local_extremes",
    "local_modulus",
    "mode_map",
    "nonaffine_velocity",
    "nonaffinity",
    "nonaffinity_missing",
    "nonlinear_modes",
    "potential_energy",
    "predicted_yield",
    "saddle_strain",
    "soft_modes",
    "softness",
    "softness_signs",
    "spearman_matrix",
    "steric_order",
    "structure_functions",
    "table",
    "thermal_expansion",
    "vibrality",
    "voronoi_anisotropy",
    "voronoi_cells",
    "voronoi_divergence",
    "Softness",
]
