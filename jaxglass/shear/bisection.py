"""The first event where contacts open: derivatives of the energy jump there, and a branch may end
without a fold.

The glass is strained in steps and quenched after each. A step is elastic if the same step back
returns every particle; of one that is not a half is tried, until the event lies in a bracket of
SHORTEST. Continuation (branch.py) is faster and exact, and needs smooth energies.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.loop import bounded_loop
from ..core.status import Status, flag
from ..core.struct import Struct
from ..minimise.quench import Quenched, quench
from ..models.shapes import harmonic, hertz
from ..system.deform import deformed
from .measures import nonaffine_displacement
from .strained import between

LONGEST, SHORTEST = 1e-3, 1e-9  # steps, in strain
RETURNED = 1e-6  # mean distances within which every particle must come back
# A particle without contacts is where it was: no reason to refuse a glass.
HARMLESS = int(Status.RATTLERS)


def has_kinks(model):
    """Whether the energy of a pair ends with a jump in its second or third derivative."""
    return getattr(model.shape, "shape", model.shape) in (harmonic, hertz)  # of x, as given


class Bracket(Struct):
    """How far the glass has been strained.

    Attributes:
        at: Quenched, the last point of the branch.
        strain: of it.
        step: the next.
        beyond: (n, d), positions behind the event, at the last step that was not elastic.
        ended: whether the end is bracketed.
        status: bits.
    """

    at: Quenched
    strain: Array
    step: Array
    beyond: Array
    ended: Array
    status: Array


class Found(NamedTuple):
    """The last Bracket, and the way of the fall, normalised."""

    bracket: Bracket
    fall: Array


def bisect(model, glass, direction, max_strain, limit) -> Found:
    """Strains a glass up to its first event, or to ``max_strain``."""
    spacing = glass.spacing
    start = quench(model, glass, keep_list=True)

    def moved(at, strain, after):
        return quench(model, deformed(at.glass, between(direction, strain, after)), after=at)

    def on(b):
        step = jnp.minimum(b.step, max_strain - b.strain)
        there = moved(b.at, b.strain, b.strain + step)
        back = moved(there, b.strain + step, b.strain)
        off = jnp.max(jnp.abs(nonaffine_displacement(b.at.glass, back.glass)))
        elastic = off <= RETURNED * spacing
        status = b.status | ((there.status | back.status) & ~HARMLESS)
        accepted = b.replace(
            at=there, strain=b.strain + step, step=jnp.minimum(2 * b.step, LONGEST)
        )
        refused = b.replace(step=0.5 * step, beyond=there.glass.position)
        after = jax.tree.map(lambda x, y: jnp.where(elastic, x, y), accepted, refused)
        ended = ~elastic & (step <= SHORTEST)
        return after.replace(status=status, ended=ended)

    going = lambda b: ~b.ended & (b.strain < max_strain) & (b.status == 0)
    first = Bracket(
        at=start,
        strain=jnp.zeros(()),
        step=jnp.float64(LONGEST),
        beyond=start.glass.position,
        ended=jnp.bool_(False),
        status=start.status & ~HARMLESS,
    )
    end, _ = bounded_loop(going, on, first, limit)
    way = nonaffine_displacement(end.at.glass, end.at.glass.replace(position=end.beyond))
    size = jnp.linalg.norm(way)
    status = (
        end.status
        | flag(end.ended, Status.KINK)
        | flag(end.strain >= max_strain, Status.NO_EVENT)
        | flag(going(end), Status.NOT_CONVERGED)
    )
    return Found(end.replace(status=status), way / jnp.where(size > 0, size, 1.0))
