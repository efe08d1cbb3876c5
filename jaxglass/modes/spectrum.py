"""Complete spectra."""

from typing import Any

from ..landscape.contract import need
from .harmonic import Modes, lowest_modes


def spectrum(e, *, mass: Any = None) -> Modes:
    """All modes but the translations, by full diagonalisation: Modes of n d - d entries.

    Cost O((n d)^3).

    Args:
        e: expansion.
        mass: (n,) masses; 1 by default.

    Example:
        >>> jg.modes.spectrum(e).frequency.shape
        (126,)
    """
    need("spectrum", e)
    n, d = e.position.shape
    return lowest_modes(e, n * d - d, method="dense", mass=mass)
