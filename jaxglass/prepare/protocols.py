"""From a random start to a glass: protocols as frozen lists of stages, run in pieces that can be interrupted.

annealed        equilibrate the liquid, anneal just below the glass transition, quench     (the published protocol)
cooled          equilibrate, cool linearly at a rate, quench                                (density of states)
instant_quench  equilibrate at a parent temperature, quench
"""

import os
import time
from dataclasses import asdict, dataclass

import jax
import numpy as np

from ..core.checks import integer, positive
from ..core.status import require
from ..host import archive
from ..host.identity import describe
from ..host.progress import Progress
from ..models import catalogue, neighbours
from ..models.pair import PairModel
from ..system.box import wrap
from .dynamics import run_dynamics, start_dynamics
from .quench import Quenched, quench
from .starts import random_glass

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


def annealed(name, *, time=None, liquid_time=20.0):
    """The published protocol of a catalogue model; ``time`` shortens or lengthens the annealing.

    Example:
        >>> import jaxglass as jg
        >>> jg.protocols.annealed("ipl2d").stages[1].time
        200.0
    """
    at = catalogue.conditions(name)
    time = at.time if time is None else time
    return Protocol(
        "annealed",
        (Stage(at.liquid, at.liquid, liquid_time), Stage(at.anneal, at.anneal, time)),
        at.step,
    )


def cooled(name, *, rate=1e-3, low=0.1, liquid_time=20.0):
    """Cooling from the liquid at a rate (temperature per time) down to ``low``.

    Example:
        >>> import jaxglass as jg
        >>> round(jg.protocols.cooled("ipl3d", rate=1e-3).stages[1].time)
        900
    """
    positive("rate", rate)
    at = catalogue.conditions(name)
    if not 0 < low < at.liquid:
        raise ValueError(
            f"low must lie between 0 and the liquid's temperature {at.liquid}, found {low}"
        )
    return Protocol(
        "cooled",
        (Stage(at.liquid, at.liquid, liquid_time), Stage(at.liquid, low, (at.liquid - low) / rate)),
        at.step,
    )


def instant_quench(name, *, parent=None, time=50.0):
    """Equilibration at a parent temperature, which labels the ensemble, then a quench.

    Example:
        >>> import jaxglass as jg
        >>> jg.protocols.instant_quench("poly2d", parent=0.2).stages[0].temperature
        0.2
    """
    at = catalogue.conditions(name)
    parent = at.liquid if parent is None else parent
    positive("parent", parent)
    return Protocol("instant_quench", (Stage(parent, parent, time),), at.step)


def make_glass(
    key, name, n, *, protocol=None, model=None, density=None, progress=False, checkpoint=None
) -> Quenched:
    """A glass of n particles from a random start, by a protocol.

    Args:
        key: JAX random key; the same key gives the same glass.
        name: of the catalogue model (composition, density, protocol).
        n: number of particles.
        protocol: Protocol, by default ``annealed(name)``.
        model: PairModel to use instead of the catalogue's.
        density: particles per volume, by default the published one.
        progress: show a progress bar on stderr.
        checkpoint: path of a file that is rewritten every half minute or so (``KEEP_EVERY``); if it
            exists and belongs to this run, the run goes on from there, in any process, with the same
            result as without the interruption. Removed when all went well. It says in words what it
            belongs to (``head -n 3``): the arguments, the model, and the code of a shape function
            of yours with what it reads.

    Returns:
        Quenched: glass, max_force, steps, status.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> fast = jg.protocols.instant_quench("ipl2d", time=1.0)
        >>> q = jg.make_glass(jax.random.key(0), "ipl2d", 64, protocol=fast)
        >>> int(q.status)
        0
    """
    protocol = annealed(name) if protocol is None else protocol
    model = catalogue.get(name) if model is None else model
    if not isinstance(model, PairModel):
        raise TypeError(f"model must be a PairModel, found {type(model).__name__}")
    integer("n", n, at_least=2)
    place, velocity = jax.random.split(key)
    glass = random_glass(place, name, n, density=density)
    neighbours.check(model, glass)
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
    smooth = require(quench(model, glass, force_tol=1e-2)).glass
    first = protocol.stages[0].temperature
    return start_dynamics(
        key, model, smooth, temperature=first, dt=protocol.step, thermostat=protocol.thermostat
    )
