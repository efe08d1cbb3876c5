"""Linear response: moduli and their disorder, force dipoles, derivatives in strain, sound."""

from ..landscape.strain import mixed_strain, strain_curvature
from .averaged import mean_attenuation
from .damping import Damping, damped, damping
from .dipoles import dipole_response
from .disorder import C_GAMMA, ioffe_regel_frequency
from .phonons import debye_frequency, phonon_frequencies
from .waves import dynamical_structure_factor, equivalent_waves

__all__ = [
    "C_GAMMA",
    "Damping",
    "damped",
    "damping",
    "debye_frequency",
    "dipole_response",
    "dynamical_structure_factor",
    "equivalent_waves",
    "ioffe_regel_frequency",
    "mean_attenuation",
    "mixed_strain",
    "phonon_frequencies",
    "strain_curvature",
]
