"""From a random start to a glass: lists of stages, run in pieces that can be interrupted.

annealed        equilibrate the liquid, anneal just below Tg, quench (as published)
cooled          equilibrate, cool linearly at a rate, quench (for densities of states)
instant_quench  equilibrate at a parent temperature, quench
"""

import os
import time
from dataclasses import asdict, dataclass

import jax
import numpy as np
from jax import Array

from ..core.checks import integer, positive
from ..core.status import Status, require
from ..host import archive
from ..host.identity import describe
from ..host.progress import Progress
from ..minimise.quench import Quenched, quench
from ..models import catalogue
from ..models.entry import Entry
from ..models.pair import PairModel
from ..neighbours import search
from ..system.box import wrap
from .dynamics import run_dynamics, start_dynamics
from .starts import random_glass

__all__ = ["Protocol", "Stage", "annealed", "cooled", "instant_quench"]

PIECE = 2000
KEEP_EVERY = 30.0  # seconds between checkpoints; writing one of 10,000 particles takes 9 ms


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


def make_glass(
    key: Array,
    name_or_entry: str | Entry,
    n: int,
    *,
    protocol: Protocol | None = None,
    model: PairModel | None = None,
    density: float | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Quenched:
    """A glass of n particles from a random start, by a protocol.

    Args:
        key: JAX random key; the same key gives the same glass.
        name_or_entry: name of a published model, or jg.models.Entry (model, composition, density,
            protocol).
        n: number of particles.
        protocol: Protocol, by default ``annealed(name_or_entry)``.
        model: PairModel to use instead of the entry's.
        density: particles per volume, by default the entry's.
        progress: show a progress bar on stderr.
        checkpoint: path of a file that is rewritten every half minute or so (``KEEP_EVERY``); if it
            exists and belongs to this run, the run goes on from there, in any process, with the
            same result as without the interruption. Removed when all went well. It says in words
            what it belongs to (``head -n 3``): the arguments, the model, and the code of a shape
            function of yours with what it reads.

    Returns:
        Quenched: glass, max_force, steps, status.

    Example:
        >>> fast = jg.protocols.instant_quench("ipl2d", time=1.0)
        >>> q = jg.make_glass(jax.random.key(0), "ipl2d", 64, protocol=fast)
        >>> int(q.status)
        0
    """
    at = catalogue.entry(name_or_entry)
    name = at.name
    protocol = annealed(at) if protocol is None else protocol
    model = catalogue.get(at) if model is None else model
    if not isinstance(model, PairModel):
        raise TypeError(f"model must be a PairModel, found {type(model).__name__}")
    integer("n", n, at_least=2)
    place, velocity = jax.random.split(key)
    glass = random_glass(place, at, n, density=density)
    search.check(model, glass)
    run = {
        "name": name,
        "n": n,
        "protocol": describe(asdict(protocol)),
        "key": describe(key),
        "density": None if density is None else float(density),
        "model": describe(model),
    }
    motion = _begin(velocity, model, glass, protocol)
    if checkpoint is not None and os.path.exists(checkpoint):
        motion = archive.read(checkpoint, run, motion, what="checkpoint")
    keep = lambda m: checkpoint is not None and archive.write(checkpoint, run, m)
    motion = _run_stages(model, motion, protocol, progress, keep)
    result = quench(model, motion.glass.replace(position=wrap(motion.glass.box, motion.position)))
    if checkpoint is not None and os.path.exists(checkpoint) and int(result.status) == 0:
        os.remove(checkpoint)
    return result


def _run_stages(model, motion, protocol, progress, keep):
    lengths = [round(stage.time / protocol.step) for stage in protocol.stages]
    ends = np.cumsum(lengths)
    kept = time.perf_counter()
    with Progress(protocol.name, int(ends[-1]), show=progress) as bar:
        bar.done(int(motion.steps))
        for stage, length, end in zip(protocol.stages, lengths, ends, strict=True):
            while int(motion.steps) < end:
                done = int(motion.steps) - (end - length)
                steps = min(PIECE, length - done)
                at = lambda k, s=stage, n=length: s.temperature + (s.final - s.temperature) * k / n
                motion = require(
                    run_dynamics(
                        model,
                        motion,
                        steps,
                        temperature=at(done),
                        final_temperature=at(done + steps),
                    )
                )
                bar.done(steps)
                if time.perf_counter() - kept > KEEP_EVERY:
                    keep(motion)
                    kept = time.perf_counter()
    return motion


def _begin(key, model, glass, protocol):
    """The glass in motion at the first temperature, its overlaps gone."""
    smooth = require(quench(model, glass, force_tol=1e-2), accept=Status.RATTLERS).glass
    first = protocol.stages[0].temperature
    return start_dynamics(
        key, model, smooth, temperature=first, dt=protocol.step, thermostat=protocol.thermostat
    )
