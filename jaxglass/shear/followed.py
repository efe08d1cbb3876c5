"""Modes on their way to an instability, and events traced back to the glass as it was made.

Along an elastic branch a mode pi of stiffness kappa, asymmetry tau and strain coupling
nu = pi.Xi softens as

    d kappa / d gamma = -tau nu / kappa

if nothing but the mode moves (its share of the velocity is -nu/kappa pi).
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer, is_traced
from ..core.struct import Struct
from ..landscape.engine import factorise
from ..landscape.expand import expand
from ..landscape.expansion import Expansion
from ..landscape.strain import as_direction, mixed_strain
from ..minimise.quench import quench
from ..modes.harmonic import Modes, lowest_modes
from ..modes.stationary import SoftMode, cubic_mode, pseudo_harmonic_mode
from ..system.deform import deformed
from .event import FirstEvent
from .strained import between


class FollowedModes(Struct):
    """Modes at strains from just before an event down to none; an axis of strains on everything.

    Attributes:
        strain: (k,), descending.
        harmonic: (k,), frequency squared of the mode among the lowest that is most like the
            pseudo-harmonic one.
        likeness: (k,), their overlap, from 0 to 1.
        lowest: Modes, (k, count), all that were computed.
        pseudo, cubic: SoftMode, followed from strain to strain.
        coupling: (k,), nu of the cubic mode.
        slope: (k,), -tau nu / kappa of the cubic mode.
        status: (k,), bits of the minima and the nonlinear modes.
    """

    strain: Array
    harmonic: Array
    likeness: Array
    lowest: Modes
    pseudo: SoftMode
    cubic: SoftMode
    coupling: Array
    slope: Array
    status: Array


def follow_modes(
    model: Any,
    event: FirstEvent,
    *,
    plane: tuple[int, int] = (0, 1),
    direction: Any = None,
    strains: Any = None,
    count: int = 8,
) -> FollowedModes:
    """The harmonic, cubic and pseudo-harmonic mode of a first event, followed back to no strain.

    Near the event all three are its critical mode. Away from it the harmonic one mixes with waves,
    while the nonlinear ones are there from the start.

    Args:
        model: PairModel or ManyBodyModel.
        event: FirstEvent of a glass, clean.
        plane, direction: those that the event was found with.
        strains: (k,), descending from below that of the event; by default 24, whose distances to it
            are in proportion, and 0.
        count: harmonic modes among which the most alike is taken.

    Returns:
        FollowedModes.

    Example:
        >>> event = jg.first_event(model, glass, max_strain=0.3)
        >>> modes = jg.plasticity.follow_modes(model, event, strains=[0.9 * event.strain, 0.0])
        >>> late, early = modes.pseudo.stiffness
        >>> bool(late < early)
        True
    """
    integer("count", count, at_least=1)
    toward = as_direction(plane if direction is None else direction, event.glass.dim)
    if strains is None:
        strains = event.strain * (1 - jnp.append(jnp.geomspace(1e-3, 0.9, 24), 1.0))
    strains = jnp.asarray(strains, jnp.float64)
    if strains.ndim != 1:
        raise ValueError(f"strains must be one axis of numbers, found shape {strains.shape}")
    if not is_traced(strains, event) and bool(
        jnp.any(jnp.abs(strains) >= jnp.abs(event.strain)) | jnp.any(strains * event.strain < 0)
    ):
        raise ValueError(f"strains must lie between 0 and that of the event, {event.strain}")
    return _follow(model, event, toward, strains, count=count)


@functools.partial(jax.jit, static_argnames="count")
def _follow(model, event, direction, strains, *, count):
    def step(carry, strain):
        minimum, before, pseudo, cubic = carry
        change = between(direction, before, strain)
        minimum = quench(model, deformed(minimum.glass, change), after=minimum)
        e = expand(model, minimum.glass)
        factor = factorise(e)
        modes = lowest_modes(e, count, method="direct", factor=factor)
        soft = pseudo_harmonic_mode(e, pseudo, factor=factor)
        sharp = cubic_mode(e, cubic, factor=factor)
        overlap = jnp.abs(jnp.einsum("knd,nd->k", modes.vector, soft.vector))
        best = jnp.argmax(overlap)
        nu = jnp.sum(sharp.vector * mixed_strain(e, direction))
        found = FollowedModes(
            strain=strain,
            harmonic=modes.frequency[best] ** 2,
            likeness=overlap[best],
            lowest=modes,
            pseudo=soft,
            cubic=sharp,
            coupling=nu,
            slope=-sharp.asymmetry * nu / sharp.stiffness,
            status=minimum.status | soft.status | sharp.status,
        )
        return (minimum, strain, soft.vector, sharp.vector), found

    start = quench(model, event.glass, force_tol=1e-2, keep_list=True)
    begin = (start.replace(glass=event.glass), event.strain, event.mode, event.mode)
    return jax.lax.scan(step, begin, strains)[1]


def modes_of_events(e: Expansion, events: Any) -> SoftMode:
    """Pseudo-harmonic modes of a glass as it was made to which plastic events trace back.

    Each is found from the critical mode of an event; events of one mode find it again
    (``jg.modes.merge_modes``).

    Args:
        e: Expansion of the glass before it was strained.
        events: ShearEvents, all of them met.

    Returns:
        SoftMode, (k,) on everything.

    Example:
        >>> run = jg.shear(model, glass, max_strain=0.3, events=1)
        >>> jg.plasticity.modes_of_events(e, run.events).stiffness.shape
        (1,)
    """
    return pseudo_harmonic_mode(e, events.mode)
