"""Structural indicators: one number a particle that may tell where a glass will yield."""

from .angles import bond_order, steric_order
from .coarse import local_modulus, thermal_expansion
from .elastic import nonaffine_velocity, nonaffinity, nonaffinity_missing
from .entropy import excess_entropy
from .linear import heat_capacity, mode_map, soft_modes, vibrality
from .nonlinear import nonlinear_modes, predicted_yield
from .pairs import contact_number, potential_energy
from .table import softness_signs, spearman_matrix, table
from .voronoi import density, free_volume, voronoi_anisotropy, voronoi_divergence

__all__ = [
    "bond_order",
    "contact_number",
    "density",
    "excess_entropy",
    "free_volume",
    "heat_capacity",
    "local_modulus",
    "mode_map",
    "nonaffine_velocity",
    "nonaffinity",
    "nonaffinity_missing",
    "nonlinear_modes",
    "potential_energy",
    "predicted_yield",
    "soft_modes",
    "softness_signs",
    "spearman_matrix",
    "steric_order",
    "table",
    "thermal_expansion",
    "vibrality",
    "voronoi_anisotropy",
    "voronoi_divergence",
]
