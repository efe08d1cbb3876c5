"""Liquids: correlations of trajectories, relaxation times, propensity, inherent structures."""

from .displacements import (
    Diffusion,
    Overlap,
    diffusion_coefficient,
    mean_square_displacement,
    neighbour_relative,
    non_gaussian_parameter,
    overlap,
)
from .frames import Correlation
from .inherent import InherentTrajectory, JumpRate, inherent_trajectory, jump_rate
from .propensity import (
    Extremes,
    Propensity,
    extremes,
    propensity,
    ranks_by_species,
    spearman_by_species,
)
from .radial import Radial, radial_distribution
from .relaxation import (
    Mesoelastic,
    Units,
    in_blocks,
    mesoelastic_fit,
    over_samples,
    reduced_units,
    relaxation_time,
)
from .scattering import (
    StructureFactor,
    intermediate_scattering,
    over_directions,
    structure_factor_peak,
    wave_vectors_near,
)
from .stiffness import Elastic, Interval, ensemble_stiffness

__all__ = [
    "Correlation",
    "Diffusion",
    "Elastic",
    "Extremes",
    "InherentTrajectory",
    "Interval",
    "JumpRate",
    "Mesoelastic",
    "Overlap",
    "Propensity",
    "Radial",
    "StructureFactor",
    "Units",
    "diffusion_coefficient",
    "ensemble_stiffness",
    "extremes",
    "in_blocks",
    "inherent_trajectory",
    "intermediate_scattering",
    "jump_rate",
    "mean_square_displacement",
    "mesoelastic_fit",
    "neighbour_relative",
    "non_gaussian_parameter",
    "over_directions",
    "over_samples",
    "overlap",
    "propensity",
    "radial_distribution",
    "ranks_by_species",
    "reduced_units",
    "relaxation_time",
    "spearman_by_species",
    "structure_factor_peak",
    "wave_vectors_near",
]
