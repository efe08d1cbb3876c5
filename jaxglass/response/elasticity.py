"""Elastic moduli of an inherent structure.

For x -> (1 + F) x, with F any displacement gradient,

    A_ijkl = (1/V) d2U / dF_ij dF_kl = (1/V) [sum_b K_b,ik r_j r_l  -  Xi_ij . M^-1 . Xi_kl]
    Xi_ij  = d2U / dF_ij dx

the first part affine (Born), the second nonaffine relaxation. Two conventions are in use and differ
by the prestress:
  gradient: A itself; its A_pqpq is the modulus G of simple shear gamma in the plane (p, q), x_p
  moving with x_q; strain: C_ijkl, A symmetrised in ij and in kl, the second derivative along
  symmetric strains.
Sound speeds and the modulus of ``shear_modulus`` follow from A.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from ..landscape import engine
from ..landscape.contract import need
from ..landscape.engine import Factor
from ..landscape.solve import solve
from ..landscape.strain import born, mixed_strain, shear_direction, strain_curvature, stress


class ShearModulus(Struct):
    """Modulus of simple shear; total = born - relaxation.

    Attributes:
        total, born, relaxation: scalars.
        nonaffine: (n, d), velocity -M^-1 Xi of the particles per unit strain, zero mean.
        status: bits.
    """

    total: Array
    born: Array
    relaxation: Array
    nonaffine: Array
    status: Array


class Elasticity(Struct):
    """All elastic constants; total = born - relaxation.

    Attributes:
        total, born, relaxation: (d, d, d, d), the tensor A_ijkl of the gradient convention.
        nonaffine: (d, d, n, d), nonaffine velocity of each displacement gradient.
        stress: (d, d), stress tensor.
        density: n / V.
        status: bits.
    """

    total: Array
    born: Array
    relaxation: Array
    nonaffine: Array
    stress: Array
    density: Array
    status: Array

    @property
    def strain(self) -> Array:
        """C_ijkl of the strain convention."""
        once = 0.5 * (self.total + jnp.swapaxes(self.total, 0, 1))
        return 0.5 * (once + jnp.swapaxes(once, 2, 3))

    @property
    def pressure(self) -> Array:
        """Minus the mean normal stress."""
        return -jnp.trace(self.stress) / self.stress.shape[0]

    @property
    def bulk(self) -> Array:
        """Bulk modulus -V dP/dV = (1/d^2) [A_iikk + d (d - 1) P]."""
        d = self.stress.shape[0]
        return (jnp.einsum("iikk->", self.total) + d * (d - 1) * self.pressure) / d**2

    @property
    def shear(self) -> Array:
        """Shear modulus of the isotropic average, gradient convention.

        It is what transverse waves feel; negative where the fixed cell holds a glass that shear
        would make unstable, as happens at a hundred particles.
        """
        return self._acoustic[0]

    @property
    def sound_speeds(self) -> tuple[Array, Array]:
        """Transverse and longitudinal speed, for unit masses; NaN where the modulus is negative.

        From the isotropic average of the acoustic tensor.
        """
        transverse, longitudinal = self._acoustic
        return jnp.sqrt(transverse / self.density), jnp.sqrt(longitudinal / self.density)

    @property
    def _acoustic(self):
        """Transverse and longitudinal modulus of the isotropic average of the acoustic tensor."""
        d, a = self.stress.shape[0], self.total
        trace = jnp.einsum("ijij->", a) / d
        along = (jnp.einsum("iikk->", a) + jnp.einsum("ijij->", a) + jnp.einsum("ijji->", a)) / (
            d * (d + 2)
        )
        return (trace - along) / (d - 1), along

    @property
    def poisson(self) -> Array:
        """Poisson ratio (d K - 2 G) / (d (d - 1) K + 2 G)."""
        d, k, g = self.stress.shape[0], self.bulk, self.shear
        return (d * k - 2 * g) / (d * (d - 1) * k + 2 * g)


METHODS = ("auto", "direct", "cg")


def shear_modulus(
    e,
    *,
    plane: tuple[int, int] = (0, 1),
    method: str = "auto",
    factor: Factor | None = None,
) -> ShearModulus:
    """Athermal shear modulus G = (1/V) [d2U/dgamma2 - Xi . M^-1 . Xi] of simple shear.

    Args:
        e: Expansion at a minimum.
        plane: (p, q): x_p moves with x_q.
        method: "direct" or "cg", of the solve; "auto": direct while it fits in memory.
        factor: Factor of e, from ``factorise``, for "direct".

    Returns:
        ShearModulus: total, born, relaxation, nonaffine, status.

    Example:
        >>> g = jg.shear_modulus(e)
        >>> bool(g.born > g.total), bool(g.relaxation > 0)
        (True, True)
    """
    need("shear_modulus", e, "groups", "glass")
    shear_direction(plane, e.glass.dim)
    _, factor = engine.choose("shear_modulus", e, method, METHODS, factor, otherwise="cg")
    return _shear_modulus(e, factor, tuple(plane))


def elasticity(e, *, method: str = "auto", factor: Factor | None = None) -> Elasticity:
    """All elastic constants, stress, bulk modulus, sound speeds, nonaffine velocities.

    Args:
        e: Expansion at a minimum.
        method: "direct" or "cg", of the d^2 solves; "auto": direct while it fits in memory.
        factor: Factor of e, from ``factorise``, for "direct".

    Returns:
        Elasticity.

    Example:
        >>> c = jg.elasticity(e)
        >>> transverse, longitudinal = c.sound_speeds
        >>> bool(abs(c.total[0, 1, 0, 1] - jg.shear_modulus(e).total) < 1e-8)
        True
        >>> bool(longitudinal > transverse)
        True
    """
    need("elasticity", e, "groups", "glass")
    _, factor = engine.choose("elasticity", e, method, METHODS, factor, otherwise="cg")
    return _elasticity(e, factor)


@functools.partial(jax.jit, static_argnames="plane")
def _shear_modulus(e, factor, plane):
    xi = mixed_strain(e, plane)
    found = solve(e, -xi, factor=factor)
    volume = e.glass.box.volume
    born = strain_curvature(e, plane) / volume
    relaxation = -jnp.sum(xi * found.x) / volume
    return ShearModulus(born - relaxation, born, relaxation, found.x, found.status)


@jax.jit
def _elasticity(e, factor):
    """A_ijkl of all displacement gradients ij, kl, from the d^2 velocities v = -M^-1 Xi."""
    n, d = e.position.shape
    volume = e.glass.box.volume
    directions = jnp.eye(d * d).reshape(d * d, d, d)
    xi = jax.vmap(lambda f: mixed_strain(e, f))(directions)
    found = jax.vmap(lambda x: solve(e, -x, factor=factor))(xi)
    tensor = lambda a: a.reshape(d, d, d, d) / volume
    relaxation = tensor(-jnp.einsum("and,bnd->ab", xi, found.x))
    affine = born(e) / volume
    return Elasticity(
        total=affine - relaxation,
        born=affine,
        relaxation=relaxation,
        nonaffine=found.x.reshape(d, d, n, d),
        stress=stress(e),
        density=n / volume,
        status=jnp.bitwise_or.reduce(found.status),
    )
