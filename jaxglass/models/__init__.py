"""Pair potentials: shapes, mixing, the published catalogue, and the door to jax-md."""

from .catalogue import Conditions, conditions, get, inverse_power, names, particles
from .pair import PairModel, pair
from .shapes import smoothing_coefficients

__all__ = [
    "Conditions",
    "PairModel",
    "conditions",
    "get",
    "inverse_power",
    "names",
    "pair",
    "particles",
    "smoothing_coefficients",
]
