"""From random starts to glasses, in pieces that can be interrupted."""

import os
import time
from dataclasses import asdict

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer
from ..core.struct import Struct
from ..host import archive
from ..host.identity import describe
from ..host.progress import Progress
from ..minimise.quench import Quenched, quench_all
from ..models import catalogue
from ..models.entry import Entry
from ..models.pair import PairModel
from ..neighbours import search
from ..system.box import wrap
from .dynamics import Motion, run_all, start_all
from .protocols import Protocol, Swap, annealed
from .starts import random_glass
from .swap import swap_all

PIECE = 2000  # steps between looks at the clock
ATTEMPTS = 20_000_000  # of Monte Carlo between looks at the clock, some ten seconds
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
    search.check_forces(model)
    integer("n", n, at_least=2)
    places, velocities = jnp.moveaxis(jax.vmap(jax.random.split)(keys), 1, 0)
    glasses = jax.vmap(lambda key: random_glass(key, at, n, density=density))(places)
    swaps = any(isinstance(stage, Swap) for stage in protocol.stages)
    search.check(model, jax.tree.map(lambda a: a[0], glasses), many=not swaps)
    run = {
        "name": at.name,
        "n": n,
        "protocol": describe(asdict(protocol)),
        "key": describe(keys),
        "density": None if density is None else float(density),
        "model": describe(model),
    }
    moving = _begin(velocities, model, glasses, protocol)
    if checkpoint is not None and os.path.exists(checkpoint):
        moving = archive.read(checkpoint, run, moving, what="checkpoint")
    keep = lambda m: checkpoint is not None and archive.write(checkpoint, run, m)
    motion = _run_stages(velocities, model, moving, protocol, progress, keep)
    glasses = motion.glass
    wrapped = jax.vmap(wrap)(glasses.box, motion.position)
    result = quench_all(model, glasses.replace(position=wrapped))
    result = result.replace(status=result.status | motion.status)
    if checkpoint is not None and os.path.exists(checkpoint) and not np.any(result.status):
        os.remove(checkpoint)
    return result


class _Moving(Struct):
    """Glasses on their way through the stages.

    Attributes:
        motion: Motion of all samples.
        done: time steps and sweeps of all stages so far.
        step: of Monte Carlo moves, (samples,).
    """

    motion: Motion
    done: Array
    step: Array


def _begin(keys, model, glasses, protocol):
    """The glasses in motion at the first temperature, their overlaps gone."""
    smooth = quench_all(model, glasses, force_tol=1e-2).glass
    motion = _thermal(keys, model, smooth, protocol, protocol.stages[0])
    return _Moving(motion, jnp.int64(0), jnp.zeros(len(keys)))


def _thermal(keys, model, glasses, protocol, stage):
    """Glasses with velocities of the temperature of a stage."""
    rest = {"dt": protocol.step, "thermostat": protocol.thermostat}
    return start_all(keys, model, glasses, stage.temperature, **rest)


def _run_stages(keys, model, moving, protocol, progress, keep):
    """All that is left of the stages, in pieces; ``keep`` is called with each every half minute."""
    kept = time.perf_counter()
    lengths = protocol.lengths()
    with Progress(protocol.name, sum(lengths), show=progress) as bar:
        bar.done(int(moving.done))
        for at, (stage, length) in enumerate(zip(protocol.stages, lengths, strict=True)):
            end = sum(lengths[: at + 1])
            fresh = jax.vmap(lambda key, at=at: jax.random.fold_in(key, at))(keys)
            after_swaps = at > 0 and isinstance(protocol.stages[at - 1], Swap)
            while int(moving.done) < end:
                done = int(moving.done) - (end - length)
                if not done and after_swaps:
                    thermal = _thermal(fresh, model, moving.motion.glass, protocol, stage)
                    thermal = thermal.replace(status=thermal.status | moving.motion.status)
                    moving = moving.replace(motion=thermal)
                piece = _swapped if isinstance(stage, Swap) else _moved
                moving, count = piece(fresh, model, moving, stage, done, length)
                moving = moving.replace(done=moving.done + count)
                bar.done(count)
                if time.perf_counter() - kept > KEEP_EVERY:
                    keep(moving)
                    kept = time.perf_counter()
    return moving.motion


def _moved(_, model, moving, stage, done, length):
    """A piece of dynamics, and its time steps."""
    steps = min(PIECE, length - done)
    at = lambda k: stage.temperature + (stage.final - stage.temperature) * k / length
    motion = run_all(model, moving.motion, steps, at(done), at(done + steps), stage.pressure)
    return moving.replace(motion=motion), steps


def _swapped(keys, model, moving, stage, done, length):
    """A piece of swap Monte Carlo, and its sweeps; the first piece tunes the step."""
    motion = moving.motion
    sweeps = min(max(1, ATTEMPTS // motion.position[..., 0].size), length - done)
    keys = jax.vmap(lambda key: jax.random.fold_in(key, done))(keys)
    glasses = motion.glass
    if not done:
        wrapped = jax.vmap(wrap)(glasses.box, motion.position)
        glasses = glasses.replace(position=wrapped)
    step = moving.step if done else None
    run = swap_all(keys, model, glasses, stage.temperature, sweeps, stage.fraction, step)
    state = motion.state.replace(position=run.glass.position)
    motion = motion.replace(glass=run.glass, state=state, status=motion.status | run.status)
    return moving.replace(motion=motion, step=run.step), sweeps
