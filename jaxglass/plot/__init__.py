"""Pictures of planar glasses; needs the extra ``plot`` (matplotlib)."""

from .planar import bond_field, displacement_field, marks, particles, scalar_field
from .style import apply_style

__all__ = [
    "apply_style",
    "bond_field",
    "displacement_field",
    "marks",
    "particles",
    "scalar_field",
]
