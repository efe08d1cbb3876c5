"""What one move would change in the energy: that of one particle among those around it."""

from typing import Any

import jax.numpy as jnp
from jax import Array

from ...core.struct import Struct
from ...models.pair import scales_of, value_of
from ...neighbours.cells import nearest, square


class Particles(Struct):
    """Fractional coordinates, one array each, and kinds (species or diameters)."""

    place: list
    kind: Array

    def at(self, read):
        """What ``read`` gives for every array."""
        return Particles([read(x) for x in self.place], read(self.kind))


def local_energy(model, metric, one, others, there):
    """Energies of particles (a,) among others (w, a) or (w, 1), of which those ``there`` count."""
    r = [nearest(x - y) for x, y in zip(others.place, one.place, strict=True)]
    scales = scales_of(model, *jnp.broadcast_arrays(one.kind, others.kind))
    t = square(r, metric) / (scales.sigma * scales.sigma)
    return jnp.sum(value_of(model)(t, scales, there), axis=0)


def energy_change(model, metric, before: Particles, after: Particles, others: Any, there: Any):
    """What replacing particles (a,) by others of the same numbers changes, (a,)."""
    old = local_energy(model, metric, before, others, there)
    return local_energy(model, metric, after, others, there) - old
