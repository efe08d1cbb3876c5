"""A glass as a function of its strain, beyond what its particles do of their own.

    x -> F x,   F = 1 + gamma E,        d r_b / d gamma = w_b = E F^-1 r_b
    Xi = d(grad U) / d gamma = sum_b (+/-) K_b w_b

Some particles may be bound to that map; the others are free.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from ..landscape.expansion import at_bonds, bond_second, bond_third
from ..models.pair import PairModel
from ..system.bonds import Bonds
from ..system.box import inverse
from ..system.deform import flips
from ..system.glass import Glass


class Strained(Struct):
    """A model and particles, their box at some strain, and the pairs that may interact near it.

    Attributes:
        model: PairModel.
        glass: Glass, whose box is that at the strain ``origin`` and may be sheared.
        origin: strain of that box.
        direction: (d, d), E.
        bonds: Bonds.
        free: (n,), which particles move of their own; None where all do, up to translations.
    """

    model: PairModel
    glass: Glass
    origin: Array
    direction: Array
    bonds: Bonds
    free: Array | None = None

    def gradient(self, strain):
        """F at a strain."""
        return deformation(self.direction, strain)

    def carried(self, position, strain, after):
        """Positions that follow the deformation from one strain to another."""
        return position @ between(self.direction, strain, after).T

    def box(self, strain):
        """The box at a strain, in the cell vectors that ``glass`` has."""
        carried = between(self.direction, self.origin, strain)
        return self.glass.box.replace(cell=carried @ self.glass.box.cell)

    def at(self, position, strain, order=2):
        """The Expansion at positions and a strain, with derivatives up to an order."""
        glass = self.glass.replace(position=position, box=self.box(strain))
        return at_bonds(self.model, glass, self.bonds, order)

    def project(self, z):
        """A field (n, d), or columns of them, without what its particles cannot do."""
        if self.free is None:
            return z - jnp.mean(z, axis=0)
        return jnp.where(self.free.reshape(-1, *(1,) * (z.ndim - 1)), z, 0.0)

    def slide(self, e, strain):
        """w_b of every bond, (b, d)."""
        return self.velocity(strain, e.separation)

    def push(self, e, strain):
        """Xi, (n, d)."""
        return self.project(e.scatter(bond_second(e, self.slide(e, strain))))

    def velocity(self, strain, position):
        """d x / d gamma of positions, or separations, that follow the deformation."""
        return position @ (self.direction @ inverse(self.gradient(strain))).T

    def turning(self, e, strain, z):
        """d(M z) / d gamma where all follow the deformation, (n, d)."""
        slide, seen = self.slide(e, strain), e.difference(z)
        return self.project(e.scatter(bond_third(e, slide, seen)))

    def stiffening(self, e, strain, z):
        """d(z.M z) / d gamma where all follow the deformation."""
        return jnp.sum(z * self.turning(e, strain, z))

    def work(self, e, strain):
        """dU / d gamma where all follow the deformation, a number."""
        return jnp.sum(e.force * self.slide(e, strain))


def deformation(direction, strain):
    """F = 1 + gamma E."""
    return jnp.eye(direction.shape[-1]) + strain * direction


def between(direction, strain, after):
    """The map from one strain to another, F(after) F(strain)^-1."""
    return deformation(direction, after) @ inverse(deformation(direction, strain))


def compact(box):
    """The box with its cell vectors added to each other until it is compact."""
    return box.replace(cell=box.cell @ flips(jax.lax.stop_gradient(box.cell)))
