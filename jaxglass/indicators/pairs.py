"""Indicators of what a particle interacts with: contacts and potential energy."""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.status import Status, or_nan
from ..landscape.expand import expand
from ..landscape.particles import particle_sum
from ..models.manybody import ManyBodyModel
from ..models.pair import PairModel, mixed, value_of
from ..neighbours import search
from ..system.bonds import contacts, difference
from ..system.box import minimum_image
from ..system.glass import Glass
from .surroundings import Values


def contact_number(model: PairModel | ManyBodyModel, glass: Glass) -> Array:
    """Number of particles that each particle interacts with, (n,).

    Those within the cutoff of the model: the contacts of repulsive particles, some 20 for Lennard
    and Jones's in the plane.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass.

    Example:
        >>> bool(jg.indicators.contact_number(model, glass).sum() == 2 * e.bonds.count)
        True
    """
    search.check(model, glass, many=True)
    attempt = lambda room: _contacts(model, glass, search.plan(model, glass, room=room))
    return search.with_room(attempt, model, glass).value


@functools.partial(jax.jit, static_argnums=2)
def _contacts(model, glass, sizes):
    bonds, status = search.find_bonds(*jax.lax.stop_gradient((model, glass)), sizes)
    return Values(or_nan(status, contacts(bonds, glass.count).astype(float)), status)


def potential_energy(model: PairModel | ManyBodyModel, glass: Glass) -> Array:
    """Potential energy of each particle, (n,): half the energies of its pairs.

    Of terms of more particles each one has an equal share. The particles sum to the energy of the
    glass.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass.

    Example:
        >>> total = jg.indicators.potential_energy(model, glass).sum()
        >>> bool(abs(total / jg.energy(model, glass) - 1) < 1e-12)
        True
    """
    search.check(model, glass, many=True)
    if isinstance(model, ManyBodyModel):
        e = expand(model, glass)
        pairs, *others = e.energy
        shares = [v / (1 + jnp.sum(g.held, axis=1)) for g, v in zip(e.groups, others, strict=True)]
        # What a minimum lacks is no matter here.
        status = e.status & ~int(Status.NOT_A_MINIMUM | Status.RATTLERS)
        return or_nan(status, particle_sum(e, (0.5 * pairs, *shares)))
    attempt = lambda room: _energies(model, glass, search.plan(model, glass, room=room))
    return search.with_room(attempt, model, glass).value


@functools.partial(jax.jit, static_argnums=2)
def _energies(model, glass, sizes):
    bonds, status = search.find_bonds(*jax.lax.stop_gradient((model, glass)), sizes)
    r = minimum_image(glass.box, difference(bonds, glass.position))
    scales = mixed(model, glass, bonds.i, bonds.j)
    half = 0.5 * value_of(model)(dot(r, r) / scales.sigma**2, scales, bonds.valid)
    value = jnp.zeros(glass.count).at[bonds.i].add(half).at[bonds.j].add(half)
    return Values(or_nan(status, value), status)
