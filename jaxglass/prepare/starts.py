"""Random starts without overlaps."""

import jax
from jax import Array

from ..core.checks import integer, positive
from ..models import catalogue
from ..models.entry import Entry
from ..system.box import cartesian, make_box
from ..system.glass import Glass


def random_glass(
    key: Array, name_or_entry: str | Entry, n: int, *, density: float | None = None
) -> Glass:
    """Particles of a mixture at random places in a cubic box.

    Uniformly random points: pass the result to ``push_apart`` or ``quench``, which take any finite
    start.

    Args:
        key: JAX random key.
        name_or_entry: name of a published model, or jg.models.Entry: composition, dimensions,
            density.
        n: number of particles.
        density: particles per volume, the entry's by default.

    Example:
        >>> jg.random_glass(jax.random.key(0), "kalj", 100).position.shape
        (100, 3)
    """
    at = catalogue.entry(name_or_entry)
    integer("n", n, at_least=1)
    if density is not None:
        positive("density", density)
    box = make_box((n / (at.density if density is None else density)) ** (1 / at.dim), at.dim)
    place, kind = jax.random.split(key)
    position = cartesian(box, jax.random.uniform(place, (n, at.dim)))
    return Glass(position, box, **catalogue.particles(kind, at, n))
