"""Branches of contacts, whose energy has derivatives that jump where they open: a branch may end
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
from ..minimise.lists import list_bonds
from ..minimise.quench import Quenched, quench
from ..models.shapes import harmonic, hertz
from ..system.deform import deformed
from . import branch
from .march import March
from .measures import nonaffine_displacement
from .strained import Strained, between, compact

LONGEST, SHORTEST = 1e-3, 1e-9  # steps, in strain
RETURNED = 1e-6  # mean distances within which every particle must come back
TILT = 0.1  # of the way of a fall: where the glass is let go, beyond what is left of a barrier
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
    """The last Bracket, and the way of the fall from there, (n, d)."""

    bracket: Bracket
    way: Array


def bisect(model, glass, direction, strain, max_strain, limit) -> Found:
    """Takes a glass at a strain on to its next event, or to ``max_strain``."""
    spacing = glass.spacing
    start = quench(model, glass, keep_list=True)

    def leg(here, after):
        at, strain = here
        at = quench(model, deformed(at.glass, between(direction, strain, after)), after=at)
        return (at, after), at

    def on(b):
        step = jnp.minimum(b.step, max_strain - b.strain)
        legs = jnp.stack([b.strain + step, b.strain])  # one quench to compile, and not two
        (back, _), both = jax.lax.scan(leg, (b.at, b.strain), legs)
        there = jax.tree.map(lambda a: a[0], both)
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
        strain=jnp.asarray(strain, jnp.float64),
        step=jnp.float64(LONGEST),
        beyond=start.glass.position,
        ended=jnp.bool_(False),
        status=start.status & ~HARMLESS,
    )
    end, _ = bounded_loop(going, on, first, limit)
    way = nonaffine_displacement(end.at.glass, end.at.glass.replace(position=end.beyond))
    status = (
        end.status
        | flag(end.ended, Status.KINK)
        | flag(end.strain >= max_strain, Status.NO_EVENT)
        | flag(going(end), Status.NOT_CONVERGED)
    )
    return Found(end.replace(status=status), way)


def unit(field):
    """The field normalised; zero if it is zero."""
    size = jnp.linalg.norm(field)
    return field / jnp.where(size > 0, size, 1.0)


def set_out(model, glass, direction, sizes, strain=0.0) -> March:
    """A March that stands at a glass and goes on in steps: it has no tree."""
    listing = list_bonds(model, glass, sizes.list)
    strain = jnp.asarray(strain, jnp.float64)
    system = Strained(model, glass, strain, direction, listing.bonds)
    walk = branch.begin(glass.position, strain, glass.spacing)
    return March(listing, system, None, walk, listing.status)


def stride(march: March, sizes, target, limit) -> March:
    """Goes on to a strain, or to where an event is bracketed: then the trial of its walk is where
    the glass is let go, behind the event, and the critical mode the way of the fall.
    """
    old, walk = march.system, march.walk
    box = compact(old.box(walk.strain))
    glass = old.glass.replace(position=walk.position, box=box)
    end, way = bisect(old.model, glass, old.direction, walk.strain, target, limit)
    there = set_out(old.model, end.at.glass, old.direction, sizes, end.strain)
    phase = jnp.where(end.ended, branch.ENDED, branch.ARRIVED).astype(jnp.int32)
    behind = end.strain + SHORTEST
    top = there.system.carried(end.at.glass.position + TILT * way, end.strain, behind)
    walk = there.walk.replace(trial=top, trial_strain=behind, mode=unit(way), phase=phase)
    failed = end.status & ~int(Status.KINK | Status.NO_EVENT)
    return there.replace(walk=walk, status=march.status | there.status | failed)
