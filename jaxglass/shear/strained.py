"""A glass as a function of its strain, beyond what its particles do of their own.

    x -> F x,   F = 1 + gamma E,        d r_b / d gamma = w_b = E F^-1 r_b
    Xi = d(grad U) / d gamma = sum_b (+/-) K_b w_b

Some particles may be bound to that map; the others are free.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from ..landscape import strain as affine
from ..models.manybody import ManyBodyModel
from ..models.pair import PairModel
from ..system.box import inverse
from ..system.deform import flips
from ..system.glass import Glass
from .near import Near, expansion_on


class Strained(Struct):
    """A model and particles, their box at some strain, and who may interact near it.

    Attributes:
        model: PairModel or ManyBodyModel.
        glass: Glass, whose box is that at the strain ``origin`` and may be sheared.
        origin: strain of that box.
        direction: (d, d), E.
        near: Bonds or TermList.
        free: (n,), which particles move of their own; None where all do, up to translations.
    """

    model: PairModel | ManyBodyModel
    glass: Glass
    origin: Array
    direction: Array
    near: Near
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
        """The expansion at positions and a strain, with derivatives up to an order."""
        glass = self.glass.replace(position=position, box=self.box(strain))
        return expansion_on(self.model, glass, self.near, order)

    def project(self, z):
        """A field (n, d), or columns of them, without what its particles cannot do."""
        if self.free is None:
            return z - jnp.mean(z, axis=0)
        return jnp.where(self.free.reshape(-1, *(1,) * (z.ndim - 1)), z, 0.0)

    def onward(self, strain):
        """E F^-1, the direction seen from a strain."""
        return self.direction @ inverse(self.gradient(strain))

    def push(self, e, strain):
        """Xi, (n, d)."""
        return self.project(affine.push(e, self.onward(strain)))

    def velocity(self, strain, position):
        """d x / d gamma of positions, or separations, that follow the deformation."""
        return position @ self.onward(strain).T

    def turning(self, e, strain, z):
        """d(M z) / d gamma where all follow the deformation, (n, d)."""
        return self.project(affine.turning(e, self.onward(strain), z))

    def stiffening(self, e, strain, z):
        """d(z.M z) / d gamma where all follow the deformation."""
        return jnp.sum(z * self.turning(e, strain, z))

    def work(self, e, strain):
        """dU / d gamma where all follow the deformation, a number."""
        return affine.work(e, self.onward(strain))


def deformation(direction, strain):
    """F = 1 + gamma E."""
    return jnp.eye(direction.shape[-1]) + strain * direction


def between(direction, strain, after):
    """The map from one strain to another, F(after) F(strain)^-1."""
    return deformation(direction, after) @ inverse(deformation(direction, strain))


def compact(box):
    """The box with its cell vectors added to each other until it is compact."""
    return box.replace(cell=box.cell @ flips(jax.lax.stop_gradient(box.cell)))
