"""What several kinds of expansions have in common: mixins of the expansions themselves."""

import jax.numpy as jnp
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

    def with_box(self, box):
        """The same, its glass in a box of another kind or with other bounds."""
        return self.replace(glass=self.glass.replace(box=box))  # type: ignore[attr-defined]


class OfBonds(OfParticles):
    """Of bonds: what they see of a field, and what they give back to particles."""

    bonds: Bonds

    def difference(self, z: Array) -> Array:
        """z_j - z_i on every bond."""
        return difference(self.bonds, z)

    def scatter(self, per_bond: Array) -> Array:
        """Transpose of ``difference``."""
        return scatter(self.bonds, per_bond, self.count)


class OfBlocks:
    """Of a Hessian in blocks: M_ii of every particle and M_ij of pairs."""

    own: Array
    coupling: Array
    pairs: Bonds

    @property
    def blocks(self) -> tuple[Array, Array]:
        """Blocks of the Hessian: M_ii of every particle, M_ij of every pair."""
        return self.own, self.coupling

    def second(self, z: Array) -> Array:
        """M z."""
        i, j = self.pairs.i, self.pairs.j
        forth = jnp.einsum("bxy,by...->bx...", self.coupling, z[j])
        back = jnp.einsum("byx,by...->bx...", self.coupling, z[i])
        return jnp.einsum("nxy,ny...->nx...", self.own, z).at[i].add(forth).at[j].add(back)
