"""All indicators of a glass in one call, and how alike they rank its particles.

What several of them need is worked out once: the expansion, its factor, its modes.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..analysis.ranks import ranks
from ..core.status import or_nan
from ..landscape.engine import factorise
from ..landscape.expand import expand
from ..landscape.particles import particle_sum
from ..landscape.strain import shear_direction
from ..models import diameters
from ..modes.harmonic import lowest_modes
from ..modes.spectrum import spectrum
from ..response.dipoles import dipole_stiffness
from ..system.glass import Glass
from ..thermal.local_energy import local_thermal_energy
from .angles import bond_order, steric_order
from .coarse import RADIUS, local_modulus, thermal_expansion
from .elastic import nonaffine_velocity, nonaffinity
from .entropy import excess_entropy
from .linear import soft_modes, vibrality
from .nonlinear import nonlinear_modes, predicted_yield
from .pairs import contact_number, potential_energy
from .voronoi import density, free_volume, voronoi_anisotropy, voronoi_divergence

COUNT = 512  # modes of ``soft_modes``
# Coordinates up to which the spectrum is complete: its cost grows as their third power, 15 s there.
WHOLE = 3000

# 1 where a larger value means that a particle is more likely to rearrange, and -1.
softness_signs = {
    "density": -1,
    "free_volume": 1,
    "voronoi_anisotropy": 1,
    "voronoi_divergence": -1,
    "contact_number": -1,
    "excess_entropy": 1,
    "bond_order": -1,
    "steric_order": 1,
    "potential_energy": 1,
    "size": -1,
    "soft_modes": 1,
    "heat_capacity": 1,
    "vibrality": 1,
    "nonaffinity": 1,
    "nonaffine_velocity": 1,
    "local_modulus": -1,
    "thermal_expansion": 1,
    "local_thermal_energy": 1,
    "bond_stiffness": -1,
    "nonlinear_modes": 1,
    "predicted_yield": 1,
}


class _Glass:
    """A glass, and what several indicators need of it, worked out when it is asked for."""

    def __init__(self, model, glass, plane):
        self.model, self.glass, self.plane = model, glass, plane

    @functools.cached_property
    def e(self):
        return expand(self.model, self.glass)

    @functools.cached_property
    def factor(self):
        return factorise(self.e)

    @functools.cached_property
    def modes(self):
        """All of them, or the lowest of a large glass."""
        if self.e.position.size <= WHOLE:
            return spectrum(self.e)
        return lowest_modes(self.e, COUNT, factor=self.factor)

    @functools.cached_property
    def thermal(self):
        return local_thermal_energy(self.e, factor=self.factor)

    def of_terms(self, values):
        """Sum of sizes over the terms of each particle."""
        size = lambda a: jnp.abs(or_nan(self.thermal.status, a))
        return particle_sum(self.e, jax.tree.map(size, values))

    def kind(self):
        """Of nonlinear modes: fourth derivatives of energies that are not smooth jump."""
        return "cubic" if getattr(self.model, "smoothing", None) is None else "quartic"

    def softest_bond(self):
        """Least stiffness of the bonds of a particle."""
        e = self.e
        stiffness = dipole_stiffness(e, factor=self.factor)
        stiffness = jnp.where(e.bonds.valid, stiffness, jnp.inf)
        least = jnp.full(e.count, jnp.inf).at[e.bonds.i].min(stiffness)
        return least.at[e.bonds.j].min(stiffness)

    def radius(self):
        """Of coarse graining: that of the comparison, or as much as a small box has room for."""
        width = self.glass.box.width
        return RADIUS if width is None else min(RADIUS, 0.49 * min(width) - self.e.reach)


_STRUCTURE = (
    density,
    free_volume,
    voronoi_anisotropy,
    voronoi_divergence,
    contact_number,
    excess_entropy,
    bond_order,
    steric_order,
    potential_energy,
)


def _of_structure(function):
    return lambda g: function(g.model, g.glass)


_TABLE = {
    **{function.__name__: _of_structure(function) for function in _STRUCTURE},
    "size": lambda g: diameters(g.model, g.glass),
    "soft_modes": lambda g: soft_modes(
        g.e, modes=g.modes, count=min(COUNT, len(g.modes.frequency))
    ),
    "heat_capacity": lambda g: g.of_terms(g.thermal.anharmonic),
    "vibrality": lambda g: vibrality(g.e, factor=g.factor),
    "nonaffinity": lambda g: nonaffinity(g.e, plane=g.plane, modes=g.modes),
    "nonaffine_velocity": lambda g: nonaffine_velocity(g.e, plane=g.plane, factor=g.factor),
    "local_modulus": lambda g: local_modulus(
        g.e, plane=g.plane, radius=g.radius(), factor=g.factor
    ),
    "thermal_expansion": lambda g: thermal_expansion(
        g.e, radius=g.radius(), displacement=or_nan(g.thermal.status, g.thermal.displacement)
    ),
    "local_thermal_energy": lambda g: g.of_terms(g.thermal.value),
    "bond_stiffness": lambda g: g.softest_bond(),
    "nonlinear_modes": lambda g: nonlinear_modes(
        g.e, kind=g.kind(), plane=g.plane, factor=g.factor
    ),
    "predicted_yield": lambda g: predicted_yield(g.e, plane=g.plane, factor=g.factor),
}


def table(
    model: Any, glass: Glass, plane: tuple[int, int] = (0, 1), only: Any = None
) -> dict[str, Array]:
    """Indicators of a planar glass at a minimum by name, (n,) each.

    ``softness_signs`` says of each whether a large value means soft. Of glasses of more than 1,500
    particles ``nonaffinity`` is a sum over the lowest 512 modes: ``nonaffinity_missing`` says what
    that leaves out.

    Args:
        model: PairModel.
        glass: Glass at a minimum.
        plane: of the shear that some depend on, x_p moves with x_q.
        only: names of those wanted; all by default.

    Example:
        >>> found = jg.indicators.table(model, glass, only=("density", "vibrality"))
        >>> sorted(found), found["density"].shape
        (['density', 'vibrality'], (64,))
    """
    wanted = tuple(_TABLE) if only is None else tuple(only)
    unknown = [name for name in wanted if name not in _TABLE]
    if unknown:
        raise ValueError(f"only must name indicators of {', '.join(_TABLE)}, found {unknown[0]!r}")
    shear_direction(plane, glass.dim)
    of = _Glass(model, glass, tuple(plane))
    return {name: _TABLE[name](of) for name in wanted}


def spearman_matrix(table: dict[str, Any]) -> np.ndarray:
    """Rank correlations of all indicators of a table with each other, (k, k), in its order.

    Particles without a number in one of them do not count. NaN for one that is the same everywhere.

    Example:
        >>> jg.indicators.spearman_matrix({"a": [1.0, 2, 3], "b": [3.0, 2, 1]}).round(12).tolist()
        [[1.0, -1.0], [-1.0, 1.0]]
    """
    values = np.stack([np.asarray(v, float) for v in table.values()])
    if values.ndim != 2:
        raise ValueError(f"table must hold one number per particle, found shape {values.shape[1:]}")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef([ranks(v) for v in values[:, np.isfinite(values).all(axis=0)]])
