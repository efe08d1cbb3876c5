"""Random starts, and large glasses of small ones."""

import jax
import jax.numpy as jnp
import numpy as np
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


def tiled(glass: Glass, copies: int) -> Glass:
    """Periodic images of a glass as one large glass.

    An inherent structure stays at rest, and what is exact about large glasses can be tried without
    a long quench. Waves longer than the small box are new: where they are unstable, as in many
    glasses of fewer than some hundred particles, the large one is no minimum.

    Args:
        glass: Glass.
        copies: images along each cell vector.

    Example:
        >>> jg.prepare.tiled(glass, 3).count == 9 * glass.count
        True
    """
    copies, d, box = integer("copies", copies, at_least=1), glass.dim, glass.box
    steps = np.stack(np.meshgrid(*[np.arange(copies)] * d, indexing="ij"), axis=-1).reshape(-1, d)
    place = glass.position + (steps @ box.cell.T)[:, None]
    every = lambda a: None if a is None else jnp.tile(a, len(steps))
    large = box.replace(
        cell=copies * box.cell,
        width=None if box.width is None else tuple(copies * w for w in box.width),
        least_volume=None if box.least_volume is None else len(steps) * box.least_volume,
    )
    return Glass(place.reshape(-1, d), large, every(glass.species), every(glass.diameter))
