"""Structural indicators: one number a particle that may tell where a glass will yield."""

from .elastic import nonaffinity
from .linear import heat_capacity, mode_map, vibrality

__all__ = ["heat_capacity", "mode_map", "nonaffinity", "vibrality"]
