"""All indicators of a glass in one call, and how alike they rank its particles.

What several of them need is worked out once: the expansion, its factor, its modes.
"""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..analysis.ranks import ranks
from ..core.status import or_nan
from ..landscape.engine import factorise
from ..landscape.expand import expand
from ..landscape.strain import shear_direction
from ..models import diameters
from ..modes.harmonic import lowest_modes
from ..modes.spectrum import spectrum
from ..response.dipoles import dipole_stiffness
from ..shear.local import residual_plastic_strength
from ..system.glass import Glass
from ..thermal.local_energy import local_thermal_energy
from .angles import bond_order, steric_order
from .coarse import RADIUS, local_modulus, thermal_expansion
from .elastic import nonaffine_velocity, nonaffinity
from .entropy import excess_entropy
from .learned import Softness, softness
from .linear import soft_modes, sum_of_sizes, vibrality
from .nonlinear import grid_modes, nonlinear_modes, predicted_yield
from .pairs import contact_number, potential_energy
from .saddle_strain import saddle_strain
from .voronoi import (
    density,
    free_volume,
    voronoi_anisotropy,
    voronoi_cells,
    voronoi_divergence,
)

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
    "softness": 1,
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
    "saddle_strain": -1,
    "residual_plastic_strength": -1,
}
# These take minutes: they are measured where they are named.
ON_DEMAND = ("saddle_strain", "residual_plastic_strength")


class _Glass:
    """A glass, and what several indicators need of it, worked out when it is asked for."""

    def __init__(self, model, glass, plane, learned):
        self.model, self.glass, self.plane, self.learned = model, glass, plane, learned

    @functools.cached_property
    def cells(self):
        return voronoi_cells(self.model, self.glass)

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

    @functools.cached_property
    def cubic(self):
        return grid_modes(self.e, kind="cubic", plane=self.plane, factor=self.factor)

    @functools.cached_property
    def nonlinear(self):
        """Fourth derivatives of energies that are not smooth jump: cubic modes do without."""
        if getattr(self.model, "smoothing", None) is None:
            return self.cubic
        return grid_modes(self.e, kind="quartic", plane=self.plane, factor=self.factor)

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


_CELLS = (density, free_volume, voronoi_anisotropy, voronoi_divergence)
_STRUCTURE = (
    contact_number,
    excess_entropy,
    bond_order,
    steric_order,
    potential_energy,
)


def _of_cells(function):
    return lambda g: function(g.model, g.glass, cells=g.cells)


def _of_structure(function):
    return lambda g: function(g.model, g.glass)


_TABLE = {
    **{function.__name__: _of_cells(function) for function in _CELLS},
    **{function.__name__: _of_structure(function) for function in _STRUCTURE},
    "size": lambda g: diameters(g.model, g.glass),
    "soft_modes": lambda g: soft_modes(
        g.e, modes=g.modes, count=min(COUNT, len(g.modes.frequency))
    ),
    "heat_capacity": lambda g: sum_of_sizes(g.e, g.thermal.anharmonic, g.thermal.status),
    "vibrality": lambda g: vibrality(g.e, factor=g.factor),
    "nonaffinity": lambda g: nonaffinity(g.e, plane=g.plane, modes=g.modes),
    "nonaffine_velocity": lambda g: nonaffine_velocity(g.e, plane=g.plane, factor=g.factor),
    "local_modulus": lambda g: local_modulus(
        g.e, plane=g.plane, radius=g.radius(), factor=g.factor
    ),
    "thermal_expansion": lambda g: thermal_expansion(
        g.e, radius=g.radius(), displacement=or_nan(g.thermal.status, g.thermal.displacement)
    ),
    "local_thermal_energy": lambda g: sum_of_sizes(g.e, g.thermal.value, g.thermal.status),
    "bond_stiffness": lambda g: g.softest_bond(),
    "nonlinear_modes": lambda g: nonlinear_modes(g.e, found=g.nonlinear),
    "predicted_yield": lambda g: predicted_yield(g.e, plane=g.plane, found=g.cubic),
    "saddle_strain": lambda g: saddle_strain(g.model, g.glass, plane=g.plane, modes=g.cubic),
    "residual_plastic_strength": lambda g: (
        residual_plastic_strength(g.model, g.glass, plane=g.plane).value
    ),
    "softness": lambda g: softness(g.model, g.glass, g.learned),
}


def table(
    model: Any,
    glass: Glass,
    plane: tuple[int, int] = (0, 1),
    only: Any = None,
    *,
    learned: Softness | None = None,
) -> dict[str, Array]:
    """Indicators of a planar glass at a minimum by name, (n,) each.

    ``softness_signs`` says of each whether a large value means soft. Of glasses of more than 1,500
    particles ``nonaffinity`` is a sum over the lowest 512 modes: ``nonaffinity_missing`` says what
    that leaves out.

    Args:
        model: PairModel.
        glass: Glass at a minimum.
        plane: of the shear that some depend on, x_p moves with x_q.
        only: names of those wanted; by default all but ``saddle_strain`` and
            ``residual_plastic_strength``, which take minutes.
        learned: Softness, for ``softness``.

    Example:
        >>> found = jg.indicators.table(model, glass, only=("density", "vibrality"))
        >>> sorted(found), found["density"].shape
        (['density', 'vibrality'], (64,))
    """
    usual = [name for name in _TABLE if name not in ON_DEMAND and name != "softness"]
    if learned is not None:
        usual.append("softness")
    wanted = usual if only is None else tuple(only)
    unknown = [name for name in wanted if name not in _TABLE]
    if unknown:
        raise ValueError(f"only must name indicators of {', '.join(_TABLE)}, found {unknown[0]!r}")
    if "softness" in wanted and learned is None:
        raise ValueError("learned must be given for softness, from jg.indicators.learn_softness")
    shear_direction(plane, glass.dim)
    of = _Glass(model, glass, tuple(plane), learned)
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
        return np.corrcoef([ranks(v) for v in values[:, ~np.isnan(values).any(axis=0)]])
