"""The published models, and the conditions at which they are used.

Species: 0 small and 1 large for the inverse power laws and lj2d, 0 = A and 1 = B for kalj.
"""

from dataclasses import dataclass
from math import pi, sin, sqrt

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import choice
from . import shapes
from .pair import pair


@dataclass(frozen=True)
class Conditions:
    """Where a model is studied.

    Attributes:
        dim: dimensions.
        density: particles per volume.
        second: fraction of species 1; None for continuous diameters.
        sizes: (smallest, largest) diameter of p(d) ~ d^-3, before normalisation; None for species.
        unit_mean: whether diameters are scaled to mean 1.
        liquid: temperature at which the liquid is equilibrated.
        anneal: temperature at which it is annealed before the quench.
        time: annealing time.
        step: time step of the dynamics.
    """

    dim: int
    density: float
    second: float = None
    sizes: tuple = None
    unit_mean: bool = False
    liquid: float = 1.0
    anneal: float = 0.5
    time: float = 100.0
    step: float = 0.005


GOLDEN = (1 + sqrt(5)) / 4
CONDITIONS = {
    "ipl2d": Conditions(2, 0.86, second=0.5, liquid=1.0, anneal=0.48, time=200.0),
    "ipl3d": Conditions(3, 0.82, second=0.5, liquid=1.0, anneal=0.50, time=250.0),
    "ipl4d": Conditions(4, 0.80, second=0.5, liquid=1.0, anneal=0.30, time=50.0),
    "kalj": Conditions(3, 1.2, second=0.2, liquid=1.0, anneal=0.44, time=50.0),
    "lj2d": Conditions(
        2, 1e4 / 98.8045**2, second=GOLDEN / (1 + GOLDEN), liquid=0.6, anneal=0.30, time=100.0
    ),
    "poly2d": Conditions(
        2, 1.0, sizes=(0.449, 1.0), unit_mean=True, liquid=0.30, anneal=0.12, time=100.0
    ),
    "poly3d": Conditions(3, 0.65, sizes=(1.0, 2.22), liquid=1.3, anneal=0.5, time=100.0),
    "hertz": Conditions(2, 0.90, second=0.5, liquid=1e-3, anneal=1e-4, time=100.0, step=0.05),
    "harmonic": Conditions(2, 0.90, second=0.5, liquid=1e-3, anneal=1e-4, time=100.0, step=0.05),
}


def conditions(name):
    """The Conditions at which a model of the catalogue is used.

    Example:
        >>> import jaxglass as jg
        >>> jg.models.conditions("kalj").density
        1.2
    """
    return CONDITIONS[choice("name", name, tuple(CONDITIONS))]


BINARY = ((1.0, 1.18), (1.18, 1.4))
CONTACT = ((1.0, 1.2), (1.2, 1.4))


def inverse_power(
    *, sigma=BINARY, epsilon=1.0, exponent=10.0, cutoff=1.48, smoothing=3, contacts=None, name="ipl"
):
    """epsilon [(sigma/r)^n + smoothing], the inverse power law for any exponent, cutoff and smoothing order.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> float(jg.models.inverse_power(exponent=12.0).parameters["exponent"])
        12.0
    """
    return pair(shapes.inverse_power, {"exponent": exponent}, sigma=sigma, epsilon=epsilon, cutoff=cutoff,
                smoothing=smoothing, squared=True, contacts=contacts, name=name)  # fmt: skip


def _kalj():
    return pair(shapes.lennard_jones, sigma=((1.0, 0.8), (0.8, 0.88)), epsilon=((1.0, 1.5), (1.5, 0.5)), cutoff=2.5,
                smoothing=3, squared=True, contacts=32.5, name="kalj")  # fmt: skip


def _lj2d():
    small, large = 2 * sin(pi / 10), 2 * sin(pi / 5)
    return pair(shapes.lennard_jones_quartic_tail, sigma=((small, 1.0), (1.0, large)), epsilon=((0.5, 1.0), (1.0, 0.5)),
                cutoff=2.5, smoothing=None, squared=True, contacts=10.5, name="lj2d")  # fmt: skip


def _poly2d():
    return pair(
        shapes.twelve,
        nonadditivity=0.2,
        cutoff=1.25,
        smoothing=2,
        diameter_bound=1.75,
        squared=True,
        contacts=3.2,
        name="poly2d",
    )


def _poly3d():
    return pair(shapes.inverse_power, {"exponent": 10.0}, nonadditivity=0.1, cutoff=1.4, smoothing=3, diameter_bound=2.22,
                squared=True, contacts=13.0, name="poly3d")  # fmt: skip


BUILDERS = {
    "ipl2d": lambda: inverse_power(contacts=3.5, name="ipl2d"),
    "ipl3d": lambda: inverse_power(contacts=8.6, name="ipl3d"),
    "ipl4d": lambda: inverse_power(contacts=22.0, name="ipl4d"),
    "kalj": _kalj,
    "lj2d": _lj2d,
    "poly2d": _poly2d,
    "poly3d": _poly3d,
    "hertz": lambda: pair(shapes.hertz, sigma=CONTACT, cutoff=1.0, smoothing=None, name="hertz"),
    "harmonic": lambda: pair(
        shapes.harmonic, sigma=CONTACT, cutoff=1.0, smoothing=None, name="harmonic"
    ),
}


def names():
    """The names that ``get`` knows.

    Example:
        >>> import jaxglass as jg
        >>> "ipl2d" in jg.models.names()
        True
    """
    return tuple(BUILDERS)


def get(name):
    """A published model by name.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> jg.models.get("kalj").sigma.shape
        (2, 2)
    """
    return BUILDERS[choice("name of the model", name, names())]()


def particles(key, name, n):
    """Species or diameters of n particles as the catalogue prescribes, in random order.

    Returns:
        dict with one entry, ``species`` (n,) or ``diameter`` (n,), ready for ``jg.glass``.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> int(jg.models.particles(jax.random.key(0), "ipl2d", 10)["species"].sum())
        5
    """
    at = conditions(name)
    if at.sizes is None:
        return {
            "species": jax.random.permutation(key, jnp.arange(n) < round(at.second * n)).astype(
                jnp.int32
            )
        }
    low, high = at.sizes
    u = (np.arange(n) + jax.random.uniform(key, (n,))) / n
    diameter = (low**-2 - u * (low**-2 - high**-2)) ** -0.5
    diameter = jax.random.permutation(jax.random.fold_in(key, 1), diameter)
    return {"diameter": diameter / diameter.mean() if at.unit_mean else diameter}
