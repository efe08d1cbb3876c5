"""Particles that nothing holds: those of contact models near unjamming."""

from typing import Any

import jax
import numpy as np

from ..core.checks import is_traced
from ..landscape.expand import expand
from ..system.bonds import contacts
from ..system.glass import Glass


def without_rattlers(model: Any, glass: Glass) -> Glass:
    """The glass of the particles that are held, which has a Hessian without floppy particles.

    Whoever has fewer than d + 1 contacts is left out, then whoever has as few now, and so on.

    Args:
        model: PairModel of contacts.
        glass: Glass at a minimum.

    Returns:
        Glass, of fewer particles. Runs on the host.

    Example:
        >>> jg.prepare.without_rattlers(model, glass).count
        64
    """
    if is_traced(model, glass):
        raise TypeError("without_rattlers runs on the host: call it outside jit and vmap")
    while True:
        e = expand(model, glass)
        touching = e.bonds.replace(valid=e.bonds.valid & (e.energy != 0))
        held = np.asarray(contacts(touching, glass.count)) > glass.dim
        if not held.any():
            raise ValueError("glass must be jammed, found no particle that is held")
        if held.all():
            return glass
        of_particles = glass.position, glass.species, glass.diameter
        position, species, diameter = jax.tree.map(lambda a, held=held: a[held], of_particles)
        glass = glass.replace(position=position, species=species, diameter=diameter)
