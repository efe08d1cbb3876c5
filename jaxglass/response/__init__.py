"""Linear response: moduli and their disorder, force dipoles, derivatives in strain, sound."""

from ..landscape.strain import mixed_strain, strain_curvature
from .damping import Damping, damped, damping
from .dipoles import dipole_response
from .disorder import ioffe_regel_frequency
from .phonons import debye_frequency, phonon_frequencies
from .waves import dynamical_structure_factor, equivalent_waves

__all__ = [
    "Damping",
    "damped",
    "damping",
    "debye_frequency",
    "dipole_response",
    "dynamical_structure_factor",
    "equivalent_waves",
    "ioffe_regel_frequency",
    "mixed_strain",
    "phonon_frequencies",
    "strain_curvature",
]
