"""jaxglass: soft spots of computer glasses, in JAX.

Freeze the bonds of a glass at its inherent structure, keep the derivatives of every pair energy
there, and every quantity is a contraction, a solve or a minimisation over that small object.

What everybody needs lies here; beyond that by folder: models, protocols, prepare, modes, thermal,
response, indicators, liquid, ensemble, analysis, io, plot.
"""

import importlib
from typing import TYPE_CHECKING, Any

from . import _requirements as _requirements
from . import analysis, ensemble, indicators, liquid, models, modes, prepare, response, thermal
from . import shear as plasticity
from .analysis.distributions import Exponent, Histogram
from .analysis.ranks import Score, correlation_score, rank_score
from .core.status import Status, describe, require
from .ensemble.mapping import map_ensemble
from .host.progress import Progress
from .landscape.contractions import Coefficients, coefficients, fourth, hvp, third
from .landscape.covariance import (
    MeasuredHessian,
    hessian_from_covariance,
    measured_hessian,
    nearest_pairs,
)
from .landscape.energy import EnergyExpansion
from .landscape.engine import Factor, factorise, log_determinant
from .landscape.expand import expand
from .landscape.expansion import Expansion
from .landscape.hessian import HessianExpansion, from_hessian, to_scipy
from .landscape.internal_stress import DialledExpansion, internal_stress
from .landscape.particles import particle_mean, particle_sum
from .landscape.solve import Solution, solve
from .landscape.strain import stress
from .landscape.terms import TermExpansion
from .landscape.total import energy, force
from .linalg.stochastic import Estimate
from .minimise.quench import Quenched, quench
from .models.manybody import ManyBodyModel
from .models.pair import PairModel
from .modes.harmonic import Modes, lowest_modes
from .modes.spots import SoftSpots, soft_spots
from .modes.stationary import SoftMode, cubic_mode, pseudo_harmonic_mode, quartic_mode
from .prepare import protocols
from .prepare.dynamics import Motion
from .prepare.make import make_glass, make_glasses
from .prepare.protocols import Protocol
from .prepare.starts import random_glass
from .prepare.swap import SwapRun, swap_monte_carlo
from .response.dipoles import dipole_stiffness
from .response.disorder import Disorder, disorder_parameter
from .response.elasticity import Elasticity, ShearModulus, elasticity, shear_modulus
from .response.waves import Attenuation, WaveSpectrum, wave_attenuation
from .shear.barriers import Saddles, saddles
from .shear.curve import ShearEvents, ShearRun
from .shear.event import FirstEvent, first_event
from .shear.local import Strength, residual_plastic_strength
from .shear.measures import d2min
from .shear.path import shear
from .system.bonds import Bonds
from .system.box import Box, box
from .system.deform import deformed
from .system.glass import Glass, glass, stack
from .thermal.average import thermal_average
from .thermal.local_energy import LocalThermalEnergy, local_thermal_energy, thermal_displacement
from .thermal.softness import Peaks, softness_field, softness_peaks

if TYPE_CHECKING:
    from . import io, plot
    from .io import Stored, load, save

__version__ = "0.2.0"

# What needs h5py or matplotlib loads on first use.
_LATER = {"io": "io", "plot": "plot", **dict.fromkeys(("Stored", "load", "save"), "io")}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module 'jaxglass' has no attribute {name!r}")
    module = importlib.import_module(f".{_LATER[name]}", __name__)
    return module if name == _LATER[name] else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "Attenuation",
    "Bonds",
    "Box",
    "Coefficients",
    "Elasticity",
    "DialledExpansion",
    "Disorder",
    "EnergyExpansion",
    "Estimate",
    "Expansion",
    "Exponent",
    "Factor",
    "FirstEvent",
    "Glass",
    "HessianExpansion",
    "ManyBodyModel",
    "MeasuredHessian",
    "Histogram",
    "LocalThermalEnergy",
    "Modes",
    "Motion",
    "PairModel",
    "Peaks",
    "Progress",
    "Protocol",
    "Quenched",
    "Score",
    "ShearEvents",
    "ShearModulus",
    "ShearRun",
    "SoftMode",
    "SoftSpots",
    "Solution",
    "Status",
    "Stored",
    "Saddles",
    "Strength",
    "WaveSpectrum",
    "SwapRun",
    "TermExpansion",
    "analysis",
    "box",
    "coefficients",
    "correlation_score",
    "cubic_mode",
    "d2min",
    "deformed",
    "describe",
    "dipole_stiffness",
    "disorder_parameter",
    "elasticity",
    "energy",
    "ensemble",
    "expand",
    "factorise",
    "first_event",
    "force",
    "fourth",
    "from_hessian",
    "glass",
    "hessian_from_covariance",
    "hvp",
    "indicators",
    "internal_stress",
    "io",
    "liquid",
    "load",
    "local_thermal_energy",
    "log_determinant",
    "lowest_modes",
    "make_glass",
    "make_glasses",
    "map_ensemble",
    "measured_hessian",
    "nearest_pairs",
    "models",
    "modes",
    "particle_mean",
    "particle_sum",
    "plasticity",
    "plot",
    "prepare",
    "protocols",
    "pseudo_harmonic_mode",
    "quartic_mode",
    "quench",
    "random_glass",
    "rank_score",
    "require",
    "residual_plastic_strength",
    "saddles",
    "response",
    "save",
    "shear",
    "shear_modulus",
    "soft_spots",
    "softness_field",
    "softness_peaks",
    "solve",
    "stack",
    "stress",
    "swap_monte_carlo",
    "thermal",
    "thermal_average",
    "thermal_displacement",
    "third",
    "to_scipy",
    "wave_attenuation",
]
