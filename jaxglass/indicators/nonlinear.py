"""Maps of particles from the nonlinear modes of a glass, one search in each part of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import choice, is_traced, positive
from ..core.status import or_nan
from ..core.struct import Struct
from ..landscape.contract import need
from ..landscape.engine import Factor, factor_of
from ..landscape.strain import mixed_strain, shear_direction
from ..modes.seeds import dipole_seeds
from ..modes.stationary import SoftMode, cubic_mode, pseudo_harmonic_mode, quartic_mode
from ..response.elasticity import shear_modulus
from ..system.box import face_distance, fractional

CELL = 4.0  # units of length of the models of the comparison, about four particles
# Overlap from which two modes are of one spot: 0.95 occurs between two cubic modes of one core,
# 0.81 between two cores.
SAME = 0.9
KINDS = {"quartic": quartic_mode, "cubic": cubic_mode, "pseudo-harmonic": pseudo_harmonic_mode}


class GridModes(Struct):
    """Nonlinear modes, one for each cell of a grid.

    Attributes:
        modes: SoftMode, (m,) on everything; vectors are zero where not distinct.
        distinct: (m,), whether the mode is sound and the softest of its spot.
    """

    modes: SoftMode
    distinct: Array


def grid_modes(
    e,
    *,
    kind: str = "quartic",
    plane: tuple[int, int] = (0, 1),
    cell: float = CELL,
    factor: Factor | None = None,
) -> GridModes:
    """Nonlinear modes in all parts of a glass, which several indicators can share.

    A search starts in each cell of a grid, from the response to a dipole on the bond that works
    most against the nonaffine velocity.

    Args:
        e: Expansion at a minimum.
        kind: "quartic"; "cubic", for energies whose fourth derivative jumps, such as lj2d;
            "pseudo-harmonic".
        plane: of the shear, x_p moves with x_q.
        cell: least edge of the cells.
        factor: Factor of e, from ``factorise``.

    Example:
        >>> found = jg.indicators.grid_modes(e, kind="pseudo-harmonic")
        >>> found.modes.vector.shape, bool(found.distinct.any())
        ((4, 64, 2), True)
    """
    need("grid_modes", e, "groups", "higher", "glass")
    choice("kind", kind, tuple(KINDS))
    positive("cell", cell)
    shear_direction(plane, e.glass.dim)
    factor = factor_of(e, factor)
    moved = shear_modulus(e, plane=plane, factor=factor)
    bonds, there = _strongest(e, or_nan(moved.status, moved.nonaffine), sides=_sides(e, cell))
    starts = dipole_seeds(e, jnp.where(there, bonds, bonds[jnp.argmax(there)]), factor=factor)
    modes = KINDS[kind](e, starts, factor=factor)
    good = there & (modes.status == 0) & jnp.isfinite(modes.stiffness)
    kept = _softest(modes, good)
    clean = jnp.where(kept[:, None, None], modes.vector, 0.0)
    unsound = jnp.where(factor.status == 0, 0.0, jnp.nan)
    return GridModes(modes.replace(vector=clean + unsound), kept)


def nonlinear_modes(
    e,
    *,
    kind: str = "quartic",
    plane: tuple[int, int] = (0, 1),
    cell: float = CELL,
    factor: Factor | None = None,
    found: GridModes | None = None,
) -> Array:
    """Sum over distinct nonlinear modes of |z_i|^2 / kappa, (n,): what the vibrality is for
    vibrations.

    Args:
        e, kind, plane, cell, factor: as for ``grid_modes``.
        found: GridModes of e, where there are some already.

    Returns:
        (n,); NaN if the configuration is not a minimum.

    Example:
        >>> field = jg.indicators.nonlinear_modes(e, kind="pseudo-harmonic")
        >>> field.shape, bool((field > 0).all())
        ((64,), True)
    """
    if found is None:
        found = grid_modes(e, kind=kind, plane=plane, cell=cell, factor=factor)
    modes, kept = found.modes, found.distinct
    return jnp.einsum("m,mia->i", kept / jnp.where(kept, modes.stiffness, 1.0), modes.vector**2)


def predicted_yield(
    e,
    *,
    kind: str = "cubic",
    plane: tuple[int, int] = (0, 1),
    cell: float = CELL,
    factor: Factor | None = None,
    found: GridModes | None = None,
) -> Array:
    """Sum over distinct cubic modes of |z_i|^2 / gamma, gamma the strain at which each would yield,
    (n,).

    A mode of stiffness kappa, asymmetry tau and strain coupling nu = z.Xi softens by
    d kappa / d gamma = -tau nu / kappa, so that gamma = kappa^2 / (2 tau nu) if nothing else
    changes; one that stiffens does not count.

    Args:
        e, kind, plane, cell, factor: as for ``grid_modes``.
        found: GridModes of e, where there are some already.

    Example:
        >>> jg.indicators.predicted_yield(e).shape
        (64,)
    """
    if found is None:
        found = grid_modes(e, kind=kind, plane=plane, cell=cell, factor=factor)
    modes, kept = found.modes, found.distinct
    nu = jnp.einsum("mia,ia->m", modes.vector, mixed_strain(e, plane))
    rate = 2 * modes.asymmetry * nu / jnp.where(kept, modes.stiffness, 1.0) ** 2
    weight = jnp.where(kept, jnp.maximum(rate, 0.0), 0.0)
    return jnp.einsum("m,mia->i", weight, modes.vector**2)


def _sides(e, cell):
    """Cells along every axis, of the edge given or a little larger."""
    width = e.glass.box.width
    if not is_traced(e.glass.box.cell):
        width = np.asarray(face_distance(e.glass.box.cell))
    if width is None:
        raise ValueError("e must be of a glass whose box has bounds, from jg.glass, under tracing")
    return tuple(max(1, int(w * (1 + 1e-12) // cell)) for w in width)


@functools.partial(jax.jit, static_argnames="sides")
def _strongest(e, velocity, *, sides):
    """Of the bonds with their middle in each cell that with the largest |f.(v_j - v_i)|, and
    whether there is one.
    """
    count = int(np.prod(sides))
    middle = fractional(e.glass.box, e.position[e.bonds.i] + 0.5 * e.two.separation) % 1.0
    at = jnp.minimum((middle * jnp.array(sides)).astype(int), jnp.array(sides) - 1)
    at = jnp.ravel_multi_index(tuple(at.T), sides, mode="clip")
    power = jnp.abs(jnp.sum(e.two.force * e.difference(velocity), axis=1))
    power = jnp.where(e.bonds.valid, power, -1.0)
    most = jax.ops.segment_max(power, at, count)
    every = jnp.arange(len(power))
    first = jnp.where(power == most[at], every, len(power))
    first = jax.ops.segment_min(first, at, count)
    return jnp.minimum(first, len(power) - 1), most >= 0


def _softest(modes, good):
    """Which modes are good and overlap with no softer one that is kept."""
    order = jnp.argsort(jnp.where(good, modes.stiffness, jnp.inf))
    flat = modes.vector.reshape(len(order), -1)[order]
    alike = jnp.abs(flat @ flat.T) > SAME
    sound = good[order]

    def one(k, kept):
        return kept.at[k].set(sound[k] & ~jnp.any(alike[k] & kept))

    kept = jax.lax.fori_loop(0, len(order), one, jnp.zeros(len(order), bool))
    return jnp.zeros(len(order), bool).at[order].set(kept)
