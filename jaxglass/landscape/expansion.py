"""The energy of a glass expanded about a configuration, bond by bond.

With s_b = r_b.r_b / 2 and F_k = d^k e_b / d s^k, the derivatives of a pair energy with respect to
its separation are

    f = F_1 r
    K = F_1 1 + F_2 r r
    third(a, b)    = F_2 [(a.b) r + (r.a) b + (r.b) a] + F_3 (r.a)(r.b) r
    fourth(z,z,z)  = 3 F_2 z^2 z + F_3 [3 (r.z)^2 z + 3 (r.z) z^2 r] + F_4 (r.z)^3 r

which are the radial formulas of the literature with (1/r d/dr)^k phi written as F_k. The F_k come
from JAX.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import is_traced
from ..core.status import Status, flag
from ..core.struct import Struct, static
from ..models.pair import derivatives, mixed
from ..neighbours import search
from ..system.bonds import Bonds, contacts
from ..system.box import fractional, minimum_image
from ..system.glass import Glass
from .shared import OfBonds, OfGlass


class Expansion(OfGlass, OfBonds, Struct):
    """Bonds of a glass with the derivatives of their energies.

    Attributes:
        glass: Glass.
        bonds: Bonds (i, j, valid), padded to a fixed capacity.
        separation: (b, d), r_b = x_j - x_i; a unit vector where padded.
        derivative: (5, b), F_0 ... F_4; zero where padded.
        status: bits.
        reach: bound on the length of bonds.
    """

    has = frozenset({"bonds", "terms", "groups", "higher", "glass", "blocks"})
    kind = "an expansion of a pair model"
    groups = ()  # of terms of more particles

    glass: Glass
    bonds: Bonds
    separation: Array
    derivative: Array
    status: Array
    reach: float = static()

    @property
    def two(self) -> "Expansion":
        """The pairs of it."""
        return self

    @property
    def energy(self) -> Array:
        """Energy of every bond, (b,)."""
        return self.derivative[..., 0, :]

    @property
    def force(self) -> Array:
        """f_b = d e_b / d r_b, (b, d)."""
        return self.derivative[..., 1, :, None] * self.separation

    @property
    def stiffness(self) -> Array:
        """K_b = d2 e_b / d r_b d r_b, (b, d, d)."""
        r = self.separation
        first, second = (self.derivative[..., k, :, None, None] for k in (1, 2))
        return first * jnp.eye(r.shape[-1]) + second * r[..., :, None] * r[..., None, :]

    @property
    def place(self) -> Array:
        """Coordinates (n, d), fractional, by which the direct engine orders particles."""
        return fractional(self.glass.box, self.position)

    @property
    def pairs(self) -> Bonds:
        """Pairs of particles whose blocks of the Hessian may differ from zero."""
        return self.bonds

    @property
    def likely(self) -> int:
        """How many pairs the direct engine should expect."""
        return self.bonds.capacity

    @property
    def blocks(self) -> tuple[Array, Array]:
        """Blocks of the Hessian: M_ii of every particle (n, d, d), M_ij of every pair (b, d, d)."""
        k = self.stiffness
        own = jnp.zeros((self.count, *k.shape[-2:])).at[self.bonds.i].add(k)
        return own.at[self.bonds.j].add(k), -k

    def gradient(self) -> Array:
        """dU/dx, (n, d)."""
        return self.scatter(self.force)

    def second(self, z: Array) -> Array:
        """M z."""
        return self.scatter(bond_second(self, self.difference(z)))

    def third(self, a: Array, b: Array) -> Array:
        """U''' : a b."""
        return self.scatter(bond_third(self, self.difference(a), self.difference(b)))

    def fourth(self, z: Array) -> Array:
        """U'''' : z z z."""
        return self.scatter(bond_fourth(self, self.difference(z)))

    @property
    def sizes(self) -> tuple[int, ...]:
        """What ``padded`` takes: the number of bonds that there is room for."""
        return (self.bonds.capacity,)

    def padded(self, capacity: int) -> "Expansion":
        """The same expansion with room for more bonds."""
        extra = capacity - self.bonds.capacity
        if extra < 0:
            raise ValueError(f"capacity must be at least {self.bonds.capacity}, found {capacity}")
        unit = jnp.zeros((extra, self.separation.shape[1])).at[:, 0].set(1.0)
        return self.replace(
            bonds=self.bonds.padded(extra),
            separation=jnp.concatenate([self.separation, unit]),
            derivative=jnp.concatenate([self.derivative, jnp.zeros((5, extra))], axis=1),
        )


def _seen_by(e, z):
    """r_b and F_k of the bonds, shaped to meet vectors z (b, d) or columns of them (b, d, c)."""
    more = (1,) * (z.ndim - 2)
    r, f = e.separation, e.derivative
    return r.reshape(r.shape + more), f.reshape(f.shape + more)


# Vectors of bonds are (b, d), or (b, d, c) for columns: their components lie on axis 1.
_dot = functools.partial(dot, axis=1)


def bond_second(e, z):
    """K_b z on every bond, (b, d) or (b, d, c)."""
    r, f = _seen_by(e, z)
    return f[1][:, None] * z + (f[2] * _dot(r, z))[:, None] * r


def bond_third(e, a, b):
    """Third derivative of the bond energies contracted with two vectors per bond.

    Fields (b, d) or columns (b, d, c).
    """
    r, f = _seen_by(e, a)
    ra, rb = _dot(r, a), _dot(r, b)
    along = f[2] * _dot(a, b) + f[3] * ra * rb
    return along[:, None] * r + (f[2] * ra)[:, None] * b + (f[2] * rb)[:, None] * a


def bond_third_block(e, block):
    """Third derivative of the bond energies contracted with a symmetric block per bond, (b, d)."""
    r, f = e.separation, e.derivative
    br = jnp.einsum("bij,bj->bi", block, r)
    along = f[2] * jnp.trace(block, axis1=-2, axis2=-1) + f[3] * _dot(r, br)
    return along[:, None] * r + 2 * f[2][:, None] * br


def bond_fourth(e, z):
    """Fourth derivative of the bond energies contracted with one vector per bond three times.

    Fields (b, d) or columns (b, d, c).
    """
    r, f = _seen_by(e, z)
    rz, zz = _dot(r, z), _dot(z, z)
    along_z = 3 * (f[2] * zz + f[3] * rz * rz)
    along_r = 3 * f[3] * rz * zz + f[4] * rz**3
    return along_z[:, None] * z + along_r[:, None] * r


def expand_pairs(model, glass, capacity=None):
    """The Expansion of a PairModel."""
    search.check(model, glass)
    if capacity is not None:
        return _expand(
            model,
            glass,
            search.plan(model, glass, capacity=capacity),
        )
    roomy = search.with_room(
        lambda room: _expand(model, glass, search.plan(model, glass, room=room)), model, glass
    )
    return roomy if is_traced(roomy) else trimmed(roomy)


@functools.partial(jax.jit, static_argnums=2)
def _expand(model, glass, sizes):
    bonds, status = search.find_bonds(model, glass, sizes)
    e = at_bonds(model, glass, bonds, order=4)
    alone = contacts(bonds, glass.count) == 0
    finite = jnp.all(jnp.isfinite(e.derivative)) & jnp.all(jnp.isfinite(glass.position))
    status = status | flag(jnp.any(alone), Status.RATTLERS) | flag(~finite, Status.NOT_FINITE)
    return e.replace(status=status)


def at_bonds(model, glass, bonds, order, scales=None):
    """The expansion over a given list of bonds, with derivatives up to a given order only.

    Loops over steps pass ``scales = mixed(model, glass, bonds.i, bonds.j)``, which does not change
    while they move.
    """
    scales = mixed(model, glass, bonds.i, bonds.j) if scales is None else scales
    x = glass.position
    r = minimum_image(glass.box, x[bonds.j] - x[bonds.i])
    unit = jnp.zeros(r.shape[-1]).at[0].set(1.0)
    r = jnp.where(bonds.valid[:, None], r, unit)
    return Expansion(
        glass,
        bonds,
        r,
        derivatives(model, scales, r, bonds.valid, order),
        jnp.int32(0),
        model.reach,
    )


def trimmed(e):
    """Drops padding beyond the next step of about n/8 bonds: similar glasses share programs."""
    step = max(32, 2 ** round(math.log2(max(e.count / 8, 1))))
    capacity = min(step * math.ceil((int(np.sum(e.bonds.valid)) + 1) / step), e.bonds.capacity)
    cut = lambda a: a[:capacity]
    return e.replace(
        bonds=jax.tree.map(cut, e.bonds),
        separation=cut(e.separation),
        derivative=e.derivative[:, :capacity],
    )
