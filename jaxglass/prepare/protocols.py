"""What is done between a random start and a glass: lists of stages.

annealed        equilibrate the liquid, anneal just below Tg, quench (as published)
cooled          equilibrate, cool linearly at a rate, quench (for densities of states)
instant_quench  equilibrate at a parent temperature, quench
"""

from dataclasses import dataclass

from ..core.checks import positive
from ..models import catalogue
from ..models.entry import Entry

__all__ = ["Protocol", "Stage", "annealed", "cooled", "instant_quench"]


@dataclass(frozen=True)
class Stage:
    """Dynamics for a time, the temperature going linearly from ``temperature`` to ``final``."""

    temperature: float
    final: float
    time: float

    def __post_init__(self):
        for name in ("temperature", "final", "time"):
            positive(name, getattr(self, name))


@dataclass(frozen=True)
class Protocol:
    """Stages of dynamics between a random start and the quench."""

    name: str
    stages: tuple
    step: float = 0.005
    thermostat: str = "nose-hoover"


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
