"""Athermal quasistatic deformation: elastic branches, their ends, what happens there."""

from .curve import ShearEvents, ShearRun
from .event import FirstEvent, first_event
from .followed import FollowedModes, follow_modes, modes_of_events
from .local import Strength, residual_plastic_strength
from .measures import (
    Band,
    Coarse,
    LocalMap,
    band_profile,
    coarse_grained,
    d2min,
    local_map,
    nonaffine_displacement,
)
from .path import shear
from .records import Avalanches, Reversals, avalanches, dissipation, reversals

__all__ = [
    "Avalanches",
    "Band",
    "Coarse",
    "FirstEvent",
    "FollowedModes",
    "LocalMap",
    "Reversals",
    "ShearEvents",
    "ShearRun",
    "Strength",
    "avalanches",
    "band_profile",
    "coarse_grained",
    "d2min",
    "dissipation",
    "first_event",
    "follow_modes",
    "local_map",
    "modes_of_events",
    "nonaffine_displacement",
    "residual_plastic_strength",
    "reversals",
    "shear",
]
