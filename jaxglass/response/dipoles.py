"""Stiffness of a glass against a unit force dipole on each bond.

    d_b = (u on j, -u on i) / sqrt(2),   kappa_b = d.M^-1.d / d.M^-2.d

For every bond at once: with G the inverse that holds one particle, d.M^-1.d = d.G.d and
d.M^-2.d = d.G^2.d - |T^T G d|^2, T the unit translations; the blocks of G^2 on bonds are minus the derivative of the
selected inverse with respect to a shift of the matrix.
"""

import functools

import jax
import jax.numpy as jnp

from ..core.checks import choice
from ..core.status import or_nan
from ..landscape.dipole import dipole
from ..landscape.direct import apply_inverse, bond_blocks, factorise, plan_layout, ring_of
from ..landscape.expansion import Expansion, check_expansion
from ..landscape.solve import solve
from ..linalg import slabs


def dipole_stiffness(e, *, method="auto", bonds=None):
    """Stiffness kappa_b of bonds against a unit force dipole.

    Args:
        e: Expansion at a minimum.
        method: "direct", every bond exactly in one pass; "cg", one solve a bond, for chosen ones. "auto": direct for
            all bonds, cg for chosen ones.
        bonds: indices (m,) of the bonds wanted; all by default.

    Returns:
        (b,), zero where padded, or (m,); NaN if the configuration is not a minimum.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> all_bonds, two = jg.dipole_stiffness(e), jg.dipole_stiffness(e, bonds=jnp.array([0, 5]))
        >>> bool(jnp.allclose(all_bonds[jnp.array([0, 5])], two))
        True
    """
    choice("method", method, ("auto", "direct", "cg"))
    check_expansion(e)
    if not isinstance(e, Expansion):
        raise ValueError(
            "dipole_stiffness needs the bonds of a pair model, found an expansion of energy(position)"
        )
    if method == "auto":
        method = "direct" if bonds is None else "cg"
    if method == "cg":
        return _by_solves(e, jnp.arange(e.bonds.capacity) if bonds is None else jnp.asarray(bonds))
    every = _every(e, plan_layout(e))
    return every if bonds is None else every[jnp.asarray(bonds)]


def dipole_response(e, bond, *, method="cg"):
    """Displacement M^-1 d_b under a unit force dipole on one bond: a Solution.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> jg.dipole_response(e, 3).x.shape
        (64, 2)
    """
    return solve(e, dipole(e, bond), method=method)


@jax.jit
def _by_solves(e, bonds):
    def one(bond):
        d = dipole(e, bond)
        s = solve(e, d)
        value = jnp.sum(d * s.x) / jnp.sum(s.x * s.x)
        return jnp.where(e.bonds.valid[bond], or_nan(s.status, value), 0.0)

    return jax.lax.map(one, bonds)


@functools.partial(jax.jit, static_argnums=1)
def _every(e, layout):
    n, d = e.position.shape
    engine = factorise(e, layout=layout)

    def selected(shift):
        return slabs.selected_inverse(
            slabs.factor(ring_of(e, layout, engine.rank, engine.spring, shift))
        )

    inverse, slope = jax.jvp(selected, (0.0,), (1.0,))
    first = bond_blocks(engine, e.bonds, inverse)
    second = -bond_blocks(engine, e.bonds, slope)
    moved = apply_inverse(engine, jnp.broadcast_to(jnp.eye(d), (n, d, d)) / jnp.sqrt(n))
    u = e.separation / jnp.linalg.norm(e.separation, axis=1, keepdims=True)
    seen = jnp.einsum("bx,bxc->bc", u, e.difference(moved))
    along = lambda block: jnp.einsum("bx,bxy,by->b", u, block, u)
    below = along(second) - jnp.sum(seen * seen, axis=-1)
    usable = e.bonds.valid & (engine.status == 0)
    kappa = along(first) / jnp.where(usable, below, 1.0)
    return jnp.where(e.bonds.valid, or_nan(engine.status, kappa), 0.0)
