"""From random starts to glasses, in pieces that can be interrupted."""

import os
import time
from dataclasses import asdict

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer
from ..host import archive
from ..host.identity import describe
from ..host.progress import Progress
from ..minimise.quench import Quenched, quench_all
from ..models import catalogue
from ..models.entry import Entry
from ..models.pair import PairModel
from ..neighbours import search
from ..system.box import wrap
from .dynamics import run_all, start_all
from .protocols import Protocol, annealed
from .starts import random_glass

PIECE = 2000  # steps between looks at the clock
KEEP_EVERY = 30.0  # seconds between checkpoints; writing one of 10,000 particles takes 9 ms


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
    one = make_glasses(
        key[None],
        name_or_entry,
        n,
        protocol=protocol,
        model=model,
        density=density,
        progress=progress,
        checkpoint=checkpoint,
    )
    return jax.tree.map(lambda a: a[0], one)


def make_glasses(
    keys: Array,
    name_or_entry: str | Entry,
    n: int,
    *,
    protocol: Protocol | None = None,
    model: PairModel | None = None,
    density: float | None = None,
    progress: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
) -> Quenched:
    """An ensemble of glasses of n particles each, made as one system in one program.

    Args:
        keys: JAX random keys (samples,); the same keys give the same glasses. The same key among
            other keys gives a glass of its own: sums are taken in another order, and motions are
            chaotic.
        name_or_entry, n, protocol, model, density, progress, checkpoint: as in ``make_glass``.

    Returns:
        Quenched with a leading axis of samples on everything, status included: a sample that went
        wrong is flagged alone.

    Example:
        >>> fast = jg.protocols.instant_quench("ipl2d", time=1.0)
        >>> keys = jax.random.split(jax.random.key(0), 3)
        >>> q = jg.make_glasses(keys, "ipl2d", 64, protocol=fast)
        >>> q.glass.position.shape, q.status.tolist()
        ((3, 64, 2), [0, 0, 0])
    """
    at = catalogue.entry(name_or_entry)
    protocol = annealed(at) if protocol is None else protocol
    model = catalogue.get(at) if model is None else model
    if not isinstance(model, PairModel):
        raise TypeError(f"model must be a PairModel, found {type(model).__name__}")
    integer("n", n, at_least=2)
    places, velocities = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
    glasses = jax.vmap(lambda key: random_glass(key, at, n, density=density))(places)
    search.check(model, jax.tree.map(lambda a: a[0], glasses))
    run = {
        "name": at.name,
        "n": n,
        "protocol": describe(asdict(protocol)),
        "key": describe(keys),
        "density": None if density is None else float(density),
        "model": describe(model),
    }
    motion = _begin(velocities, model, glasses, protocol)
    if checkpoint is not None and os.path.exists(checkpoint):
        motion = archive.read(checkpoint, run, motion, what="checkpoint")
    keep = lambda m: checkpoint is not None and archive.write(checkpoint, run, m)
    motion = _run_stages(model, motion, protocol, progress, keep)
    wrapped = jax.vmap(wrap)(glasses.box, motion.position)
    result = quench_all(model, glasses.replace(position=wrapped))
    result = result.replace(status=result.status | motion.status)
    if checkpoint is not None and os.path.exists(checkpoint) and not np.any(result.status):
        os.remove(checkpoint)
    return result


def _begin(keys, model, glasses, protocol):
    """The glasses in motion at the first temperature, their overlaps gone."""
    smooth = quench_all(model, glasses, force_tol=1e-2).glass
    first = protocol.stages[0].temperature
    thermostat = protocol.thermostat
    return start_all(keys, model, smooth, first, dt=protocol.step, thermostat=thermostat)


def _run_stages(model, motion, protocol, progress, keep):
    lengths = [round(stage.time / protocol.step) for stage in protocol.stages]
    ends = np.cumsum(lengths)
    kept = time.perf_counter()
    with Progress(protocol.name, int(ends[-1]), show=progress) as bar:
        bar.done(int(motion.steps[0]))
        for stage, length, end in zip(protocol.stages, lengths, ends, strict=True):
            while int(motion.steps[0]) < end:
                done = int(motion.steps[0]) - (end - length)
                steps = min(PIECE, length - done)
                at = lambda k, s=stage, n=length: s.temperature + (s.final - s.temperature) * k / n
                motion = run_all(model, motion, steps, at(done), at(done + steps))
                bar.done(steps)
                if time.perf_counter() - kept > KEEP_EVERY:
                    keep(motion)
                    kept = time.perf_counter()
    return motion
