"""Modes: harmonic ones, their spectra, soft modes and their seeds, the catalogue of soft spots."""

from ..landscape.contractions import participation_ratio
from .cost import Cost
from .seeds import core_difference, core_position, dipole_seeds, nonaffine_seeds, random_seeds
from .spectrum import spectrum
from .spots import merge_modes
from .stationary import soft_mode

__all__ = [
    "Cost",
    "core_difference",
    "core_position",
    "dipole_seeds",
    "merge_modes",
    "nonaffine_seeds",
    "participation_ratio",
    "random_seeds",
    "soft_mode",
    "spectrum",
]
