"""What is done between a random start and a glass: lists of stages.

annealed        equilibrate the liquid, anneal just below Tg, quench (as published)
cooled          equilibrate, cool linearly at a rate, quench (for densities of states)
instant_quench  equilibrate at a parent temperature, quench
swapped         equilibrate by swap Monte Carlo at a parent temperature, quench (ultrastable)
published       the protocols of articles, by name
"""

from dataclasses import dataclass

from ..core.checks import choice, integer, not_negative, positive
from ..models import catalogue
from ..models.entry import Entry

__all__ = [
    "Protocol", "Stage", "Swap", "annealed", "cooled", "instant_quench", "published", "swapped",
]  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """Dynamics for a time, the temperature going linearly from ``temperature`` to ``final``; at a
    ``pressure``, or at constant volume.
    """

    temperature: float
    final: float
    time: float
    pressure: float | None = None

    def __post_init__(self):
        for name in ("temperature", "final", "time"):
            positive(name, getattr(self, name))
        if self.pressure is not None:
            not_negative("pressure", self.pressure)


@dataclass(frozen=True)
class Swap:
    """Swap Monte Carlo at a temperature, for a number of sweeps; ``fraction`` of the attempts are
    swaps.
    """

    temperature: float
    sweeps: int
    fraction: float = 0.2

    def __post_init__(self):
        positive("temperature", self.temperature)
        integer("sweeps", self.sweeps, at_least=1)
        if not 0 <= self.fraction <= 1:
            raise ValueError(f"fraction must lie between 0 and 1, found {self.fraction}")


@dataclass(frozen=True)
class Protocol:
    """Stages of dynamics or Monte Carlo between a random start and the quench."""

    name: str
    stages: tuple
    step: float = 0.005
    thermostat: str = "nose-hoover"

    def __post_init__(self):
        if not self.stages:
            raise ValueError("stages must hold at least one stage, found none")
        for stage in self.stages:
            if not isinstance(stage, (Stage, Swap)):
                raise TypeError(f"stages must be Stage or Swap, found {type(stage).__name__}")

    def lengths(self):
        """Time steps or sweeps of every stage."""
        return [
            stage.sweeps if isinstance(stage, Swap) else max(1, round(stage.time / self.step))
            for stage in self.stages
        ]


def annealed(
    name_or_entry: str | Entry, *, time: float | None = None, liquid_time: float = 20.0
) -> Protocol:
    """Annealing just below the glass transition as the entry says, or for another ``time``.

    Example:
        >>> jg.protocols.annealed("ipl2d").stages[1].time
        200.0
    """
    at = catalogue.entry(name_or_entry)
    time = at.time if time is None else time
    return Protocol(
        "annealed",
        (Stage(at.liquid, at.liquid, liquid_time), Stage(at.anneal, at.anneal, time)),
        at.step,
    )


def cooled(
    name_or_entry: str | Entry, *, rate: float = 1e-3, low: float = 0.1, liquid_time: float = 20.0
) -> Protocol:
    """Cooling from the liquid at a rate (temperature per time) down to ``low``.

    Example:
        >>> round(jg.protocols.cooled("ipl3d", rate=1e-3).stages[1].time)
        900
    """
    positive("rate", rate)
    at = catalogue.entry(name_or_entry)
    if not 0 < low < at.liquid:
        raise ValueError(
            f"low must lie between 0 and the liquid's temperature {at.liquid}, found {low}"
        )
    return Protocol(
        "cooled",
        (Stage(at.liquid, at.liquid, liquid_time), Stage(at.liquid, low, (at.liquid - low) / rate)),
        at.step,
    )


def instant_quench(
    name_or_entry: str | Entry, *, parent: float | None = None, time: float = 50.0
) -> Protocol:
    """Equilibration at a parent temperature, which labels the ensemble, then a quench.

    Example:
        >>> jg.protocols.instant_quench("poly2d", parent=0.2).stages[0].temperature
        0.2
    """
    at = catalogue.entry(name_or_entry)
    parent = at.liquid if parent is None else parent
    positive("parent", parent)
    return Protocol("instant_quench", (Stage(parent, parent, time),), at.step)


def swapped(
    name_or_entry: str | Entry, *, parent: float | None = None, sweeps: int = 20_000
) -> Protocol:
    """Equilibration by swap Monte Carlo at a parent temperature, then a quench.

    For mixtures of continuous diameters. How many sweeps equilibrium takes, the energies of
    ``jg.swap_monte_carlo`` say: poly2d needs 330 at 0.30, 2,600 at 0.12, 11,000 at 0.068.

    Args:
        name_or_entry: name of a published model, or jg.models.Entry.
        parent: temperature, by default the one at which the entry is annealed.
        sweeps: of as many attempts as there are particles.

    Example:
        >>> jg.protocols.swapped("poly2d", parent=0.085).stages[0].temperature
        0.085
    """
    at = catalogue.entry(name_or_entry)
    parent = at.anneal if parent is None else parent
    return Protocol("swapped", (Swap(positive("parent", parent), sweeps),), at.step)


# Temperatures of the comparison of indicators, appendix A, in units of Tg = 0.31.
HIGH, SUPERCOOLED, LOW = 9.62 * 0.31, 1.13 * 0.31, 0.096 * 0.31
PUBLISHED = {
    "article ipl2d": ("ipl2d", lambda: annealed("ipl2d")),
    "article ipl3d": ("ipl3d", lambda: annealed("ipl3d")),
    "article kalj": ("kalj", lambda: annealed("kalj")),
    "thesis 2 ipl2d": ("ipl2d", lambda: cooled("ipl2d", rate=1e-3)),
    "thesis 2 ipl3d": ("ipl3d", lambda: cooled("ipl3d", rate=1e-3)),
    "thesis 2 ipl4d": ("ipl4d", lambda: cooled("ipl4d", rate=1e-3)),
    "thesis 3 ipl3d": ("ipl3d", lambda: instant_quench("ipl3d", parent=2.0)),
    "thesis 3 poly3d 0.35": ("poly3d", lambda: swapped("poly3d", parent=0.35)),
    "thesis 3 poly3d 0.5": ("poly3d", lambda: swapped("poly3d", parent=0.5)),
    "thesis 3 poly3d 1.3": ("poly3d", lambda: swapped("poly3d", parent=1.3)),
    "comparison HTL": ("lj2d", lambda: instant_quench("lj2d", parent=HIGH)),
    "comparison ESL": ("lj2d", lambda: instant_quench("lj2d", parent=SUPERCOOLED)),
    "comparison GQ": ("lj2d", lambda: _gradual(1e6)),
    "comparison poly2d 0.30": ("poly2d", lambda: swapped("poly2d", parent=0.30, sweeps=2_000)),
    "comparison poly2d 0.12": ("poly2d", lambda: swapped("poly2d", parent=0.12, sweeps=10_000)),
    "comparison poly2d 0.085": ("poly2d", lambda: swapped("poly2d", parent=0.085, sweeps=20_000)),
    "comparison poly2d 0.05": ("poly2d", lambda: swapped("poly2d", parent=0.05, sweeps=100_000)),
}


def published(name: str) -> Protocol:
    """A protocol of the articles behind the models, as they give it.

    Annealing of the article on thermal energies; cooling (chapter 2) and parent temperatures
    (chapter 3) of the thesis; HTL, ESL and GQ of lj2d and the parents of poly2d in the comparison
    of indicators, whose numbers of sweeps are this package's: several times what a hot start takes
    to equilibrium.

    Args:
        name: one of ``jg.protocols.PUBLISHED``, whose values begin with the model it is for.

    Example:
        >>> round(jg.protocols.published("comparison HTL").stages[0].temperature, 3)
        2.982
    """
    return PUBLISHED[choice("name of the protocol", name, tuple(PUBLISHED))][1]()


def _gradual(time):
    """Cooling of lj2d from the supercooled liquid within a time."""
    at = catalogue.entry("lj2d")
    stages = Stage(SUPERCOOLED, SUPERCOOLED, 1000.0), Stage(SUPERCOOLED, LOW, time)
    return Protocol("gradual quench", stages, at.step)
