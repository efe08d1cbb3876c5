"""Pair energies phi(x, p) in units of epsilon, x = r / sigma; or of t = x^2, saving a root.

``p`` holds the model's parameters at the pair: numbers, the pair's own entries of tables, and
``p["cutoff"]``, where the pair's energy ends. One family a file; ``smoothing`` has the polynomial
that is subtracted at the cutoff.
"""

from .contact import hard, harmonic, hertz
from .form import OfSquare
from .lennard_jones import (
    lennard_jones,
    lennard_jones_quartic_tail,
    lennard_jones_shifted_force,
)
from .power import inverse_power, twelve
from .sticky import sticky, sticky_coefficients

__all__ = [
    "OfSquare",
    "hard",
    "harmonic",
    "hertz",
    "inverse_power",
    "lennard_jones",
    "lennard_jones_quartic_tail",
    "lennard_jones_shifted_force",
    "sticky",
    "sticky_coefficients",
    "twelve",
]
