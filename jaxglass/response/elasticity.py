"""Elastic moduli of an inherent structure.

For x -> (1 + F) x, with F any displacement gradient,

    A_ijkl = (1/V) d2U / dF_ij dF_kl = (1/V) [sum_b K_b,ik r_j r_l  -  Xi_ij . M^-1 . Xi_kl],   Xi_ij = d2U / dF_ij dx

the first part affine (Born), the second nonaffine relaxation. Two conventions are in use and differ by the prestress:
  gradient: A itself; its A_pqpq is the modulus G of simple shear gamma in the plane (p, q), x_p moving with x_q;
  strain: C_ijkl, A symmetrised in ij and in kl, the second derivative along symmetric strains.
Sound speeds and the modulus of ``shear_modulus`` follow from A.
"""

import functools

import jax
import jax.numpy as jnp

from ..core.checks import choice
from ..core.struct import struct
from ..landscape.direct import factorise, plan_layout
from ..landscape.expansion import Expansion, check_expansion
from ..landscape.solve import solve
from ..landscape.strain import mixed_strain, shear_direction, strain_curvature, stress


@struct
class ShearModulus:
    """Modulus of simple shear; total = born - relaxation.

    Attributes:
        total, born, relaxation: scalars.
        nonaffine: (n, d), velocity -M^-1 Xi of the particles per unit strain, zero mean.
        status: bits.
    """

    total: object
    born: object
    relaxation: object
    nonaffine: object
    status: object


@struct
class Elasticity:
    """All elastic constants; total = born - relaxation.

    Attributes:
        total, born, relaxation: (d, d, d, d), the tensor A_ijkl of the gradient convention.
        nonaffine: (d, d, n, d), nonaffine velocity of each displacement gradient.
        stress: (d, d), stress tensor.
        density: n / V.
        status: bits.
    """

    total: object
    born: object
    relaxation: object
    nonaffine: object
    stress: object
    density: object
    status: object

    @property
    def strain(self):
        """C_ijkl of the strain convention."""
        once = 0.5 * (self.total + jnp.swapaxes(self.total, 0, 1))
        return 0.5 * (once + jnp.swapaxes(once, 2, 3))

    @property
    def pressure(self):
        return -jnp.trace(self.stress) / self.stress.shape[0]

    @property
    def bulk(self):
        """Bulk modulus -V dP/dV = (1/d^2) [A_iikk + d (d - 1) P]."""
        d = self.stress.shape[0]
        return (jnp.einsum("iikk->", self.total) + d * (d - 1) * self.pressure) / d**2

    @property
    def shear(self):
        """Shear modulus of the isotropic average, gradient convention: what transverse waves feel."""
        return self.density * self.sound_speeds[0] ** 2

    @property
    def sound_speeds(self):
        """Transverse and longitudinal speed from the isotropic average of the acoustic tensor; unit masses."""
        d = self.stress.shape[0]
        a = self.total
        trace = jnp.einsum("ijij->", a) / d
        along = (jnp.einsum("iikk->", a) + jnp.einsum("ijij->", a) + jnp.einsum("ijji->", a)) / (
            d * (d + 2)
        )
        return jnp.sqrt((trace - along) / ((d - 1) * self.density)), jnp.sqrt(along / self.density)

    @property
    def poisson(self):
        """Poisson ratio (d K - 2 G) / (d (d - 1) K + 2 G)."""
        d, k, g = self.stress.shape[0], self.bulk, self.shear
        return (d * k - 2 * g) / (d * (d - 1) * k + 2 * g)


def shear_modulus(e, *, plane=(0, 1), method="direct"):
    """Athermal shear modulus G = (1/V) [d2U/dgamma2 - Xi . M^-1 . Xi] of simple shear.

    Args:
        e: Expansion at a minimum.
        plane: (p, q): x_p moves with x_q.
        method: "direct" or "cg", of the solve.

    Returns:
        ShearModulus: total, born, relaxation, nonaffine, status.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> g = jg.shear_modulus(e)
        >>> bool(g.born > g.total), bool(g.relaxation > 0)
        (True, True)
    """
    layout = _check(e, method)
    shear_direction(plane, e.glass.dim)
    return _shear_modulus(e, tuple(plane), method, layout)


def elasticity(e, *, method="direct"):
    """All elastic constants, stress, bulk modulus, sound speeds, nonaffine velocities.

    Args:
        e: Expansion at a minimum.
        method: "direct" or "cg", of the d^2 solves.

    Returns:
        Elasticity.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> c = jg.elasticity(e)
        >>> transverse, longitudinal = c.sound_speeds
        >>> bool(abs(c.total[0, 1, 0, 1] - jg.shear_modulus(e).total) < 1e-8), bool(longitudinal > transverse)
        (True, True)
    """
    return _elasticity(e, method, _check(e, method))


def nonaffine_modulus(e, modes, *, plane=(0, 1)):
    """Nonaffine shear modulus of each particle, sum over modes of (Xi.psi)^2 |psi_i|^2 / (V omega^2), (n,).

    With the complete spectrum its sum is the relaxation modulus.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> local = jg.nonaffine_modulus(e, jg.spectrum(e))
        >>> bool(abs(local.sum() / jg.shear_modulus(e).relaxation - 1) < 1e-8)
        True
    """
    force = jnp.einsum("knd,nd->k", modes.vector, mixed_strain(e, plane))
    weight = (force / modes.frequency) ** 2 / e.glass.box.volume
    return jnp.einsum("k,knd,knd->n", weight, modes.vector, modes.vector)


def _check(e, method):
    check_expansion(e)
    if not isinstance(e, Expansion):
        raise ValueError(
            "elastic moduli need the bonds of a pair model, found an expansion of energy(position)"
        )
    choice("method", method, ("direct", "cg"))
    return plan_layout(e) if method == "direct" else None


def _velocity(e, xi, method, engine):
    found = solve(e, xi, method=method, factor=engine)
    return -found.x, found.status


@functools.partial(jax.jit, static_argnums=(1, 2, 3))
def _shear_modulus(e, plane, method, layout):
    xi = mixed_strain(e, plane)
    engine = factorise(e, layout=layout) if method == "direct" else None
    velocity, status = _velocity(e, xi, method, engine)
    volume = e.glass.box.volume
    born, relaxation = strain_curvature(e, plane) / volume, -jnp.sum(xi * velocity) / volume
    return ShearModulus(born - relaxation, born, relaxation, velocity, status | e.status)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _elasticity(e, method, layout):
    n, d = e.position.shape
    volume = e.glass.box.volume
    engine = factorise(e, layout=layout) if method == "direct" else None
    directions = jnp.eye(d * d).reshape(d * d, d, d)
    xi = jax.vmap(lambda f: mixed_strain(e, f))(directions)
    velocity, status = jax.vmap(lambda x: _velocity(e, x, method, engine))(xi)
    tensor = lambda a: a.reshape(d, d, d, d) / volume
    relaxation = tensor(-jnp.einsum("and,bnd->ab", xi, velocity))
    born = jnp.einsum("bik,bj,bl->ijkl", e.stiffness, e.separation, e.separation) / volume
    status = jnp.bitwise_or.reduce(status) | e.status
    return Elasticity(
        born - relaxation,
        born,
        relaxation,
        velocity.reshape(d, d, n, d),
        stress(e),
        n / volume,
        status,
    )
