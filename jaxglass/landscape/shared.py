"""What several kinds of expansions have in common: mixins of the expansions themselves."""

from jax import Array

from ..system.bonds import Bonds, difference, scatter
from ..system.glass import Glass


class OfParticles:
    """Of n particles at ``position``."""

    position: Array

    @property
    def count(self) -> int:
        """Number of particles."""
        return self.position.shape[-2]


class OfGlass(OfParticles):
    """Of a glass, whose positions are its own."""

    glass: Glass

    @property
    def position(self) -> Array:  # type: ignore[override]
        return self.glass.position


class OfBonds(OfParticles):
    """Of bonds: what they see of a field, and what they give back to particles."""

    bonds: Bonds

    def difference(self, z: Array) -> Array:
        """z_j - z_i on every bond."""
        return difference(self.bonds, z)

    def scatter(self, per_bond: Array) -> Array:
        """Transpose of ``difference``."""
        return scatter(self.bonds, per_bond, self.count)
