"""The published models: an entry each, with composition, state points, sources of the numbers.

Species: 0 small and 1 large for the inverse power laws, sticky spheres and lj2d; 0 = A and 1 = B
for kalj and mblj. Adding a model is adding an entry to ENTRIES.

Sources: the thesis is G. Kapteijns, Soft localized excitations in computer glasses; the article is
J. Zylberg, E. Lerner, Y. Bar-Sinai and E. Bouchbinder, Local thermal energy as a structural
indicator in glasses (2017), with its supporting information; the comparison is D. Richard et al.,
Phys. Rev. Materials 4, 113609 (2020). "From memory" marks numbers that none of them prints,
followed by what speaks for them.
"""

from functools import partial
from math import pi, sin, sqrt
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import choice
from . import shapes
from .build import pair
from .entry import Entry, PowerLaw, species_of
from .manybody.silicon import stillinger_weber
from .manybody.zhou import copper_zirconium
from .pair import PairModel

BINARY = ((1.0, 1.18), (1.18, 1.4))
CONTACT = ((1.0, 1.2), (1.2, 1.4))
KOB_ANDERSEN: dict[str, Any] = {
    "sigma": ((1.0, 0.8), (0.8, 0.88)),
    "epsilon": ((1.0, 1.5), (1.5, 0.5)),
}
SMALL, LARGE = 2 * sin(pi / 10), 2 * sin(pi / 5)
GOLDEN = (1 + sqrt(5)) / 4  # large to small particles of lj2d


def inverse_power(
    *,
    sigma: Any = BINARY,
    epsilon: Any = 1.0,
    exponent: float = 10.0,
    cutoff: Any = 1.48,
    smoothing: int | None = 3,
    contacts: float | None = None,
    name: str = "ipl",
) -> PairModel:
    """epsilon [(sigma/r)^n + smoothing]: the inverse power law.

    For any exponent, cutoff and smoothing order.

    Example:
        >>> float(jg.models.inverse_power(exponent=12.0).parameters["exponent"])
        12.0
    """
    return pair(
        shapes.inverse_power,
        {"exponent": exponent},
        sigma=sigma,
        epsilon=epsilon,
        cutoff=cutoff,
        smoothing=smoothing,
        squared=True,
        contacts=contacts,
        name=name,
    )


def _sticky(density, liquid, anneal, step, contacts, name):
    return Entry(
        name=name,
        model=partial(
            pair,
            shapes.sticky,
            sigma=BINARY,
            cutoff=1.2 * 2 ** (1 / 6),
            smoothing=None,
            squared=True,
            contacts=contacts,
            name="sticky",
        ),
        dim=3,
        density=density,
        composition=(0.5, 0.5),
        liquid=liquid,
        anneal=anneal,
        step=step,
        source="cutoff, mixture, densities and time steps from the thesis, chapter 6 and table "
        "6.3; sizes and the two continuous derivatives at both ends of the tail from memory: the "
        "structure factor of the large species peaks at 5.5, 5.8 and 6.5 (n = 1,000; table 6.3: "
        "5.47, 5.87, 6.40), which speaks for the sizes; temperatures are this package's choice, "
        "the annealing where F_s falls to about 0.7 in 20 time units",
    )


ENTRIES = (
    Entry(
        name="ipl2d",
        model=partial(inverse_power, contacts=3.5, name="ipl2d"),
        dim=2,
        density=0.86,
        composition=(0.5, 0.5),
        liquid=1.0,
        anneal=0.48,
        time=200.0,
        source="the article: Tg about 0.5, annealed just below it; "
        "T = 0.48 is the thesis' viscous state point",
    ),
    Entry(
        name="ipl3d",
        model=partial(inverse_power, contacts=8.6, name="ipl3d"),
        dim=3,
        density=0.82,
        composition=(0.5, 0.5),
        liquid=1.0,
        anneal=0.50,
        time=250.0,
        parents=(2.0,),
        source="the article: Tg about 0.52, annealed just below it; "
        "the thesis, chapter 3, for the parent temperature",
    ),
    Entry(
        name="ipl4d",
        model=partial(inverse_power, contacts=22.0, name="ipl4d"),
        dim=4,
        density=0.80,
        composition=(0.5, 0.5),
        liquid=1.0,
        anneal=0.30,
        time=50.0,
        source="the thesis, chapter 2; the annealing is this package's choice",
    ),
    Entry(
        name="kalj",
        model=partial(
            pair,
            shapes.lennard_jones,
            **KOB_ANDERSEN,
            cutoff=2.5,
            smoothing=3,
            squared=True,
            contacts=32.5,
            name="kalj",
        ),
        dim=3,
        density=1.2,
        composition=(0.8, 0.2),
        liquid=1.0,
        anneal=0.44,
        time=50.0,
        source="the article: Tg about 0.45, annealed just below it",
    ),
    Entry(
        name="mblj",
        model=partial(
            pair,
            shapes.lennard_jones_shifted_force,
            **KOB_ANDERSEN,
            cutoff=((1.5, 2.5), (2.5, 1.5)),
            smoothing=None,
            squared=True,
            contacts=12.5,
            name="mblj",
        ),
        dim=3,
        density=1.2,
        composition=(0.8, 0.2),
        liquid=1.0,
        anneal=0.40,
        source="mixture, density and time step from the thesis, chapter 6 and table 6.1; sizes and "
        "energies of Kob-Andersen, the cutoffs and the shifted force from memory: the structure "
        "factor of species A peaks at 7.25 (n = 1,000; table 6.1: 7.25), which speaks for sizes "
        "and density, not for the cutoffs; temperatures are this package's choice",
    ),
    _sticky(0.6, 1.5, 0.8, 0.005, 6.0, "sticky"),
    _sticky(0.7, 3.0, 1.4, 0.003, 6.5, "sticky_0.70"),
    _sticky(0.95, 9.0, 4.5, 0.002, 7.6, "sticky_0.95"),
    Entry(
        name="lj2d",
        model=partial(
            pair,
            shapes.lennard_jones_quartic_tail,
            sigma=((SMALL, 1.0), (1.0, LARGE)),
            epsilon=((0.5, 1.0), (1.0, 0.5)),
            cutoff=2.5,
            smoothing=None,
            squared=True,
            contacts=10.5,
            name="lj2d",
        ),
        dim=2,
        density=1e4 / 98.8045**2,
        composition=(1 / (1 + GOLDEN), GOLDEN / (1 + GOLDEN)),
        liquid=0.6,
        anneal=0.30,
        parents=(9.62 * 0.31, 1.13 * 0.31),
        source="the comparison, appendix A: Tg 0.31, parents 9.62 and 1.13 Tg; "
        "the annealing is this package's choice",
    ),
    Entry(
        name="poly2d",
        model=partial(
            pair,
            shapes.twelve,
            nonadditivity=0.2,
            cutoff=1.25,
            smoothing=2,
            diameter_bound=1.75,
            squared=True,
            contacts=3.2,
            name="poly2d",
        ),
        dim=2,
        density=1.0,
        composition=PowerLaw(0.449, 1.0, unit_mean=True),
        liquid=0.30,
        anneal=0.12,
        parents=(0.05, 0.085, 0.12, 0.30),
        source="the comparison, appendix A: onset 0.23, mode coupling 0.11, Tg 0.068; "
        "the annealing is this package's choice",
    ),
    Entry(
        name="poly3d",
        model=partial(
            pair,
            shapes.inverse_power,
            {"exponent": 10.0},
            nonadditivity=0.2,
            cutoff=1.4,
            smoothing=3,
            diameter_bound=2.22,
            squared=True,
            contacts=8.2,
            name="poly3d",
        ),
        dim=3,
        density=0.65,
        composition=PowerLaw(1.0, 2.22),
        liquid=1.3,
        anneal=0.5,
        parents=(0.35, 0.5, 1.3),
        source="density, parents and the modulus 9.22 at parent temperature 1.3 from the thesis, "
        "chapter 3; sizes, nonadditivity, cutoff and smoothing from memory, confirmed by that "
        "modulus alone",
    ),
    Entry(
        name="hertz",
        model=partial(pair, shapes.hertz, sigma=CONTACT, cutoff=1.0, smoothing=None, name="hertz"),
        dim=2,
        density=0.90,
        composition=(0.5, 0.5),
        liquid=1e-3,
        anneal=1e-4,
        step=0.05,
        source="shape and sizes as usual; density, above jamming, and temperatures "
        "are this package's choice",
    ),
    Entry(
        name="harmonic",
        model=partial(
            pair, shapes.harmonic, sigma=CONTACT, cutoff=1.0, smoothing=None, name="harmonic"
        ),
        dim=2,
        density=0.90,
        composition=(0.5, 0.5),
        liquid=1e-3,
        anneal=1e-4,
        step=0.05,
        source="shape and sizes as usual; density, above jamming, and temperatures "
        "are this package's choice",
    ),
    Entry(
        name="sw",
        model=stillinger_weber,
        dim=3,
        density=0.52,
        composition=(1.0,),
        liquid=0.09,
        anneal=0.05,
        step=0.005,
        source="lambda and density from the thesis, table 6.1; the other numbers are those of "
        "Stillinger and Weber (1985); temperatures are this package's choice",
    ),
    Entry(
        name="cuzr",
        model=copper_zirconium,
        dim=3,
        density=0.060,
        composition=(0.5, 0.5),
        liquid=0.17,
        anneal=0.07,
        step=0.02,
        source="X. W. Zhou, R. A. Johnson and H. N. G. Wadley (2004), numbers of LAMMPS' database; "
        "angstrom, eV, unit masses (the thesis has a tabulated copper-zirconium instead); the "
        "switch from 6.5 to 7.1, the density and temperatures (2,000 and 800 K) are this package's "
        "choice",
    ),
    Entry(
        name="hard2d",
        model=partial(
            pair,
            shapes.hard,
            nonadditivity=0.0,
            cutoff=1.0,
            smoothing=None,
            diameter_bound=2.2,
            squared=True,
            name="hard2d",
        ),
        dim=2,
        density=0.513,
        composition=PowerLaw(1.0, 2.2),
        liquid=1.0,
        anneal=0.5,
        source="the thesis: sizes between 1 and 2.2 as d^-3, packing 0.8 and above, which is this "
        "density; for Monte Carlo alone, and no temperature matters, as there are no forces",
    ),
)
BY_NAME = {known.name: known for known in ENTRIES}


def names() -> tuple[str, ...]:
    """The names that ``get`` and ``entry`` know.

    Example:
        >>> "ipl2d" in jg.models.names()
        True
    """
    return tuple(BY_NAME)


def entry(name_or_entry: str | Entry) -> Entry:
    """The Entry of a published model: composition, density, temperatures, source.

    An Entry comes back as it is.

    Example:
        >>> jg.models.entry("kalj").composition
        (0.8, 0.2)
    """
    if isinstance(name_or_entry, Entry):
        return name_or_entry
    if not isinstance(name_or_entry, str):
        raise TypeError(
            "name_or_entry must be the name of a published model or a jg.models.Entry, "
            f"found {type(name_or_entry).__name__}"
        )
    return BY_NAME[choice("name of the model", name_or_entry, names())]


def get(name_or_entry: str | Entry) -> Any:
    """The PairModel or ManyBodyModel of a published model, or of an Entry.

    Example:
        >>> jg.models.get("kalj").sigma.shape
        (2, 2)
    """
    model = entry(name_or_entry).model
    return model() if callable(model) else model


def particles(key: Array, name_or_entry: str | Entry, n: int) -> dict[str, Array]:
    """Species or diameters of n particles as the entry prescribes, in random order.

    Returns:
        dict with one entry, ``species`` (n,) or ``diameter`` (n,), ready for ``jg.glass``.

    Example:
        >>> int(jg.models.particles(jax.random.key(0), "ipl2d", 10)["species"].sum())
        5
    """
    composition = entry(name_or_entry).composition
    if not callable(composition):
        species = jnp.asarray(species_of(composition, n), jnp.int32)
        return {"species": jax.random.permutation(key, species)}
    shares = (np.arange(n) + jax.random.uniform(key, (n,))) / n
    diameter = composition(shares)
    if jnp.shape(diameter) != (n,):
        raise ValueError(
            f"composition must give diameters of shape {(n,)}, found {jnp.shape(diameter)}"
        )
    return {"diameter": jax.random.permutation(jax.random.fold_in(key, 1), diameter)}
