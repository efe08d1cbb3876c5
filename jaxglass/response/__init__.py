"""Linear response: moduli, force dipoles, derivatives in strain, plane waves."""

from ..landscape.strain import mixed_strain, strain_curvature
from .dipoles import dipole_response
from .phonons import debye_frequency, phonon_frequencies

__all__ = [
    "debye_frequency",
    "dipole_response",
    "mixed_strain",
    "phonon_frequencies",
    "strain_curvature",
]
