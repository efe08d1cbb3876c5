"""Athermal quasistatic deformation: elastic branches, their ends, what happens there."""

from .barriers import Saddles, barrier_starts, random_starts, saddles, trigger_strain
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
    "Saddles",
    "avalanches",
    "band_profile",
    "barrier_starts",
    "coarse_grained",
    "d2min",
    "dissipation",
    "first_event",
    "follow_modes",
    "local_map",
    "modes_of_events",
    "nonaffine_displacement",
    "random_starts",
    "residual_plastic_strength",
    "reversals",
    "saddles",
    "shear",
    "trigger_strain",
]
