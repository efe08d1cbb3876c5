"""Pair potentials: shapes, mixing, the published catalogue, and the door to jax-md."""

from .build import pair, smoothing_coefficients
from .catalogue import entry, get, inverse_power, names, particles
from .entry import Entry, PowerLaw
from .manybody import ManyBodyModel, embedded_atom, read_eam, stillinger_weber, three_body
from .pair import PairModel, diameters

__all__ = [
    "Entry",
    "ManyBodyModel",
    "PairModel",
    "PowerLaw",
    "diameters",
    "embedded_atom",
    "entry",
    "get",
    "inverse_power",
    "names",
    "pair",
    "particles",
    "read_eam",
    "smoothing_coefficients",
    "stillinger_weber",
    "three_body",
]
