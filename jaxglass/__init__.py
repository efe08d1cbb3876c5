"""jaxglass: soft spots of computer glasses, in JAX.

Freeze the bonds of a glass at its inherent structure, keep the derivatives of every pair energy there, and every
quantity is a contraction, a solve or a minimisation over that small object.
"""

import importlib

from . import _requirements, models
from .analysis.distributions import bootstrap, log_histogram, tail_exponent
from .analysis.ranks import ranks, spearman, standing
from .core.status import Status, describe, require
from .ensemble.mapping import map_ensemble, map_until
from .ensemble.processes import map_over_processes, part_of
from .landscape.contractions import coefficients, fourth, hvp, third
from .landscape.direct import factorise, log_determinant
from .landscape.expansion import Expansion, expand
from .landscape.hessian import from_hessian, to_scipy
from .landscape.solve import solve
from .landscape.strain import mixed_strain, strain_curvature, stress
from .minimise.quench import push_apart, quench
from .models.total import energy, force
from .modes.catalogue import Catalogue, merge_modes, soft_spots
from .modes.harmonic import Modes, lowest_modes
from .modes.nonlinear import SoftMode, cubic_mode, pseudo_harmonic_mode, quartic_mode
from .modes.seeds import core_difference, core_position, dipole_seeds, nonaffine_seeds, random_seeds
from .modes.spectrum import (
    cumulative_states,
    debye_frequency,
    density_of_states,
    participation_ratio,
    phonon_frequencies,
    running_mean,
    spectrum,
)
from .prepare import protocols
from .prepare.dynamics import Motion, run_dynamics, start_dynamics
from .prepare.protocols import Protocol, make_glass
from .prepare.starts import random_glass
from .response.dipoles import dipole_response, dipole_stiffness
from .response.elasticity import elasticity, nonaffine_modulus, shear_modulus
from .system.box import Box
from .system.glass import Glass, glass, stack
from .thermal.average import thermal_average, thermal_bond_average, thermal_estimate
from .thermal.local_energy import LocalThermalEnergy, local_thermal_energy, thermal_displacement
from .thermal.particles import heat_capacity, mode_map, particle_mean, particle_sum, vibrality
from .thermal.softness import softness_field, softness_peaks

__version__ = "0.1.0"

_LAZY = {
    **dict.fromkeys(
        ("save", "load", "read_xyz", "write_xyz", "read_lammps_data", "read_lammps_dump", "io"),
        "io",
    ),
    "plot": "plot",
}


def __getattr__(name):
    """Files and pictures load on first use."""
    if name not in _LAZY:
        raise AttributeError(f"module 'jaxglass' has no attribute {name!r}")
    module = importlib.import_module(f".{_LAZY[name]}", __name__)
    return module if name == _LAZY[name] else getattr(module, name)


def __dir__():
    return sorted([*globals(), *_LAZY])
