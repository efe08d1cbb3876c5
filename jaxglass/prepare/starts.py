"""Random starts without overlaps."""

import jax

from ..core.checks import integer, positive
from ..models import catalogue
from ..system.box import cartesian, make_box
from ..system.glass import Glass


def random_glass(key, name, n, *, density=None):
    """Particles of a catalogue model at random places in a cubic box.

    Uniformly random points: pass the result to ``push_apart`` or ``quench``, which take any finite start.

    Args:
        key: JAX random key.
        name: of the model, for composition and density.
        n: number of particles.
        density: particles per volume, the published one by default.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> jg.random_glass(jax.random.key(0), "kalj", 100).position.shape
        (100, 3)
    """
    at = catalogue.conditions(name)
    integer("n", n, at_least=1)
    if density is not None:
        positive("density", density)
    box = make_box((n / (at.density if density is None else density)) ** (1 / at.dim), at.dim)
    place, kind = jax.random.split(key)
    position = cartesian(box, jax.random.uniform(place, (n, at.dim)))
    return Glass(position, box, **catalogue.particles(kind, name, n))
