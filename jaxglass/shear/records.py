"""What the events of a deformation add up to, and whether they can be undone."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, is_traced, positive
from ..core.samples import loop_on_cpu
from ..core.struct import Struct
from ..landscape.strain import as_direction
from ..models.manybody import ManyBodyModel
from ..models.pair import PairModel
from ..system.box import inverse
from .curve import ShearRun
from .event import first_event
from .measures import nonaffine_displacement
from .path import shear
from .strained import deformation

# In strain, and in mean distances: how near a return must be. Folds are solved for to rounding.
SAME_STRAIN, SAME_PLACE = 1e-6, 1e-3


class Avalanches(Struct):
    """Sizes of events, of the whole glass and not per volume; NaN, and -1, where there was none.

    Attributes:
        energy: (k,), dissipated.
        stress: (k,), V times the drop of the stress.
        moved: (k,), particles displaced by more than a tenth of a mean distance.
    """

    energy: Array
    stress: Array
    moved: Array


class Reversals(Struct):
    """Where shearing back undoes events.

    Attributes:
        strain: (k,), at which the glass returns to where it was before the event; NaN where it
            does not, or not within the strain and events looked at.
        tried: (k,), events that were met on the way back.
        status: (k,), bits of the way back and of the way to the event again.
    """

    strain: Array
    tried: Array
    status: Array


def avalanches(run: ShearRun) -> Avalanches:
    """Sizes of the events of a deformation.

    Example:
        >>> run = jg.shear(model, glass, max_strain=0.3, step=0.05, events=1)
        >>> bool(jg.plasticity.avalanches(run).energy[0] > 0)
        True
    """
    _check_run(run)
    stress = _volumes(run) * run.events.stress_drop
    return Avalanches(run.events.energy_drop, stress, run.events.moved)


def dissipation(run: ShearRun, edges: Any) -> Array:
    """Energy dissipated by events per volume and strain, in bins of strain.

    Args:
        run: ShearRun.
        edges: (b + 1,) increasing strains.

    Returns:
        (b,), the sum over the events of a bin of energy_drop / V, divided by its width.

    Example:
        >>> run = jg.shear(model, glass, max_strain=0.3, step=0.05, events=1)
        >>> jg.plasticity.dissipation(run, [0.0, 0.15, 0.3]).shape
        (2,)
    """
    _check_run(run)
    edges = jnp.asarray(edges, jnp.float64)
    if edges.ndim != 1 or len(edges) < 2:
        raise ValueError(f"edges must be two numbers or more, found shape {edges.shape}")
    if not is_traced(edges) and not np.all(np.diff(np.asarray(edges)) > 0):
        raise ValueError("edges must increase")
    density = run.events.energy_drop / _volumes(run)
    strain = run.events.strain[:, None]
    inside = (strain >= edges[:-1]) & (strain < edges[1:])  # no event has a strain of NaN
    return jnp.sum(jnp.where(inside, density[:, None], 0.0), axis=0) / jnp.diff(edges)


def reversals(
    model: PairModel | ManyBodyModel,
    run: ShearRun,
    *,
    plane: tuple[int, int] = (0, 1),
    direction: Any = None,
    back: float = 0.05,
    events: int = 3,
) -> Reversals:
    """The strain at which shearing back undoes each event, for events that can be undone.

    From where an event landed the glass is sheared back. After each event on that way it is sheared
    forward again: if that ends in the very fold that the event came from, at the same strain and
    with all particles where they were, the glass had returned.

    Args:
        model: PairModel or ManyBodyModel.
        run: ShearRun of ``jg.shear``.
        plane, direction: as there.
        back: strain by which to go back at most.
        events: on the way back that are looked at.

    Returns:
        Reversals: strain, tried, status.

    Example:
        >>> run = jg.shear(model, glass, max_strain=0.3, step=0.05, events=1)
        >>> jg.plasticity.reversals(model, run, back=0.01, events=1).strain.shape
        (1,)
    """
    _check_run(run)
    positive("back", back)
    integer("events", events, at_least=1)
    toward = as_direction(plane if direction is None else direction, run.glass.dim)
    of_one = functools.partial(_reversal, float(back), events)
    met = run.events
    each = met.sense, met.strain, met.before, met.after
    return jax.jit(jax.vmap(loop_on_cpu(of_one), (None, None, 0, 0, 0, 0)))(model, toward, *each)


def _check_run(run):
    if not isinstance(run, ShearRun):
        raise TypeError(f"run must be a ShearRun, from jg.shear, found {type(run).__name__}")


def _volumes(run):
    """(k,), of the box at every event."""
    return jax.vmap(lambda box: box.volume)(run.events.before.box)


def _onward(direction, strain):
    """E of a glass that is at a strain already, so that further strains add to that one:
    (1 + (g + h) E) (1 + g E)^-1 = 1 + h E (1 + g E)^-1.
    """
    return direction @ inverse(deformation(direction, strain))


def _reversal(back, events, model, direction, sense, strain, before, after):
    """The Reversals of one event, without an axis."""
    here = jnp.where(sense < 0, -1, 1) * _onward(direction, strain)
    way = shear(model, after, max_strain=-back, step=back, direction=here, events=events)

    def again(landed, moved):
        toward = _onward(here, moved)
        event = first_event(model, landed, direction=toward, max_strain=1.1 * back)
        apart = nonaffine_displacement(before, event.glass)
        near = jnp.max(jnp.linalg.norm(apart, axis=1)) < SAME_PLACE * before.spacing
        return near & (jnp.abs(moved + event.strain) < SAME_STRAIN), event.status

    met = jnp.arange(events) < way.count
    nothing = lambda *_: (jnp.bool_(False), jnp.int32(0))
    one = loop_on_cpu(lambda met, *of: jax.lax.cond(met, again, nothing, *of))
    returned, status = jax.vmap(one)(met, way.events.after, way.events.strain)
    first = jnp.argmax(returned)
    found = jnp.any(returned) & jnp.isfinite(strain)
    return Reversals(
        strain=jnp.where(found, strain + sense * way.events.strain[first], jnp.nan),
        tried=way.count,
        status=way.status | jnp.where(found, status[first], 0),
    )
