"""Ensembles: any function of one sample, over chunks, devices and processes, resumable.

No physics.
"""

from .mapping import map_until
from .processes import map_over_processes, part_of

__all__ = ["map_over_processes", "map_until", "part_of"]
