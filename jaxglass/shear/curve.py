"""What a deformation records: its curve and its events."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.samples import repeated
from ..core.struct import Struct
from ..system.glass import Glass


class ShearEvents(Struct):
    """Plastic events in their order; NaN, and -1 for particles, where there was none.

    Attributes:
        strain: (k,), of the fold.
        sense: (k,), 1 where it was met while the strain grew, -1 where it fell.
        particle: (k,), where the critical mode is largest.
        mover: (k,), which particle moves farthest in the fall.
        stress_drop, energy_drop: (k,), what the fall takes off; the energy is dissipated.
        moved: (k,), particles displaced by more than a tenth of a mean distance.
        mode: (k, n, d), critical modes.
        d2min: (k, n), of the fall.
        before, after: Glass, (k,) on everything: at the fold, and where it lands.
    """

    strain: Array
    sense: Array
    particle: Array
    mover: Array
    stress_drop: Array
    energy_drop: Array
    moved: Array
    mode: Array
    d2min: Array
    before: Glass
    after: Glass


class ShearRun(Struct):
    """A quasistatic deformation.

    Attributes:
        strain, stress, energy: (m,), at the points of the grid, and before and after every event;
            NaN where unused.
        events: ShearEvents.
        count: number of events.
        glass: Glass at the end.
        factorisations: of Hessians.
        status: bits.
    """

    strain: Array
    stress: Array
    energy: Array
    events: ShearEvents
    count: Array
    glass: Glass
    factorisations: Array
    status: Array


def no_curve(points, events):
    """Room for strain, stress and energy at points of a grid and before and after events."""
    return jnp.full((points + 2 * events, 3), jnp.nan)


def no_events(glass, room):
    """Room for so many events."""
    n, d = glass.position.shape
    nothing = lambda *shape: jnp.full((room, *shape), jnp.nan)
    nobody, alike = jnp.full(room, -1), repeated(glass, room)
    return ShearEvents(
        strain=nothing(),
        sense=nothing(),
        particle=nobody,
        mover=nobody,
        stress_drop=nothing(),
        energy_drop=nothing(),
        moved=nobody,
        mode=nothing(n, d),
        d2min=nothing(n),
        before=alike,
        after=alike,
    )


def trimmed(run):
    """Without what is unused."""
    rows, count = int(np.sum(np.isfinite(run.strain))), int(run.count)
    cut = lambda a: a[:rows]
    return run.replace(
        strain=cut(run.strain),
        stress=cut(run.stress),
        energy=cut(run.energy),
        events=jax.tree.map(lambda a: a[:count], run.events),
    )
