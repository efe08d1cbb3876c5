"""Stiffness of a glass against a unit force dipole on each bond.

    d_b = (u on j, -u on i) / sqrt(2),   kappa_b = d.M^-1.d / d.M^-2.d

For every bond at once: with G the pinned inverse, d.M^-1.d = d.G.d and d.M^-2.d = d.G^2.d - |T^T G
d|^2, T the unit translations; the blocks of G^2 on bonds are minus the derivative of the selected
inverse with respect to a shift.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.status import or_nan
from ..landscape import engine
from ..landscape.contract import need
from ..landscape.dipole import check_bonds, dipole
from ..landscape.engine import Factor, apply_inverse, squared_inverse_blocks
from ..landscape.inverse import translations
from ..landscape.solve import solve
from ..linalg.cg import Solution

METHODS = ("auto", "direct", "cg")


def dipole_stiffness(
    e,
    *,
    method: str = "auto",
    bonds: Array | None = None,
    factor: Factor | None = None,
) -> Array:
    """Stiffness kappa_b of bonds against a unit force dipole.

    Args:
        e: Expansion at a minimum.
        method: "direct", every bond exactly in one pass; "cg", one solve a bond, for chosen ones.
            "auto": direct with a factor or for all bonds, while it fits in memory; cg otherwise.
        bonds: indices (m,) of the bonds wanted; all by default.
        factor: Factor of e, from ``factorise``, for "direct".

    Returns:
        (b,), zero where padded, or (m,); NaN if the configuration is not a minimum.

    Example:
        >>> every = jg.dipole_stiffness(e)
        >>> two = jg.dipole_stiffness(e, bonds=jnp.array([0, 5]))
        >>> bool(jnp.allclose(every[jnp.array([0, 5])], two))
        True
    """
    if bonds is None:
        need("dipole_stiffness", e, "groups")
    else:
        check_bonds("dipole_stiffness", e, bonds)
    if method == "auto" and bonds is not None and factor is None:
        method = "cg"
    method, factor = engine.choose("dipole_stiffness", e, method, METHODS, factor, otherwise="cg")
    if method == "cg":
        wanted = jnp.arange(e.bonds.capacity) if bonds is None else jnp.asarray(bonds)
        return _by_solves(e, wanted)
    every = _every(e, factor)
    return every if bonds is None else every[jnp.asarray(bonds)]


def dipole_response(e, bond, *, method: str = "auto", factor: Factor | None = None) -> Solution:
    """Displacement M^-1 d_b under a unit force dipole on one bond: a Solution.

    Args:
        e: Expansion.
        bond: its index.
        method, factor: as for ``solve``.

    Example:
        >>> jg.response.dipole_response(e, 3).x.shape
        (64, 2)
    """
    check_bonds("dipole_response", e, bond)
    return solve(e, dipole(e, bond), method=method, factor=factor)


@jax.jit
def _by_solves(e, bonds):
    def one(bond):
        d = dipole(e, bond)
        s = solve(e, d)
        value = jnp.sum(d * s.x) / jnp.sum(s.x * s.x)
        return jnp.where(e.bonds.valid[bond], or_nan(s.status, value), 0.0)

    return jax.lax.map(one, bonds)


@jax.jit
def _every(e, factor):
    """kappa_b = u.B.u / (u.B2.u - |u.(T_j - T_i)|^2) of every bond.

    B and B2 are the blocks of G and G^2, T_i the rows of G T.
    """
    n, d = e.position.shape
    first, second = squared_inverse_blocks(e, factor)
    moved = apply_inverse(e, factor, translations(n, d))
    r = e.two.separation
    u = r / jnp.linalg.norm(r, axis=1, keepdims=True)
    seen = jnp.einsum("bx,bxc->bc", u, e.difference(moved))
    along = lambda block: jnp.einsum("bx,bxy,by->b", u, block, u)
    below = along(second) - jnp.sum(seen * seen, axis=-1)
    usable = e.bonds.valid & (factor.status == 0)
    kappa = along(first) / jnp.where(usable, below, 1.0)
    return jnp.where(e.bonds.valid, or_nan(factor.status, kappa), 0.0)
