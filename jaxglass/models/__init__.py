"""Pair potentials: shapes, mixing, the published catalogue, and the door to jax-md."""

from .build import pair, smoothing_coefficients
from .catalogue import entry, get, inverse_power, names, particles
from .entry import Entry, PowerLaw
from .pair import PairModel, diameters

__all__ = [
    "Entry",
    "PairModel",
    "PowerLaw",
    "diameters",
    "entry",
    "get",
    "inverse_power",
    "names",
    "pair",
    "particles",
    "smoothing_coefficients",
]
