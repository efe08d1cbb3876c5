"""The strain at which the nearest barrier of a particle vanishes, from saddles."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import is_traced, positive
from ..landscape.expand import expand
from ..landscape.strain import shear_direction
from ..shear.barriers import RADIUS, Saddles, barrier_starts, saddles, trigger_strain
from ..system.box import minimum_image
from ..system.glass import Glass
from .nonlinear import GridModes, grid_modes


def saddle_strain(
    model: Any,
    glass: Glass,
    *,
    plane: tuple[int, int] = (0, 1),
    radius: float = RADIUS,
    found: Saddles | None = None,
    modes: GridModes | None = None,
) -> Array:
    """The least strain at which a barrier around each particle vanishes under simple shear, (n,).

    Of the saddles that lead back to the minimum and whose particle that moves most is near.
    Infinite where there is none. By default they are looked for from the cubic modes in all parts
    of the glass, in both senses.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass at a minimum.
        plane: of the shear, x_p moves with x_q.
        radius: within which a saddle counts, in mean distances.
        found: Saddles of the glass, from ``jg.saddles``; needed under tracing.
        modes: GridModes to start from, where there are some already.

    Example:
        >>> modes = jg.cubic_mode(e, jg.modes.dipole_seeds(e, jnp.arange(2)))
        >>> found = jg.saddles(model, glass, jg.plasticity.barrier_starts(glass, modes))
        >>> jg.indicators.saddle_strain(model, glass, found=found).shape
        (64,)
    """
    positive("radius", radius)
    shear_direction(plane, glass.dim)
    if found is None:
        if is_traced(model, glass):
            raise ValueError("found must be given under tracing, from jg.saddles")
        if modes is None:
            modes = grid_modes(expand(model, glass), kind="cubic", plane=plane)
        kept = np.flatnonzero(modes.distinct)
        if not len(kept):
            return jnp.full(glass.count, jnp.inf) + jnp.sum(modes.modes.vector)
        starts = modes.modes.replace(vector=modes.modes.vector[kept])
        found = saddles(model, glass, barrier_starts(glass, starts))
    strain = jnp.where(found.linked, trigger_strain(found, glass, plane=plane), jnp.inf)
    r = minimum_image(glass.box, glass.position[:, None] - glass.position[found.particle])
    near = dot(r, r) <= (radius * glass.spacing) ** 2
    return jnp.min(jnp.where(near, strain, jnp.inf), axis=1)
