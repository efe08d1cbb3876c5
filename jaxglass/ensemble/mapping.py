"""Maps a function of one sample over a stacked ensemble, chunk after chunk.

Every chunk is one compiled program of one shape, over all devices asked for; a last short chunk is
filled with copies that are dropped. Each finished chunk can be kept in a folder, so that an
interrupted run goes on where it stopped, in any process and with any release of JAX.
"""

import functools
import os
import re
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from ..core.checks import integer
from ..core.status import Status
from ..host import archive
from ..host.identity import describe, difference
from ..host.progress import Progress
from .memory import chunk_that_fits

NAME = "samples_{:08d}_{:08d}_by_{}.chunk"


def map_ensemble(
    function: Callable,
    samples: Any,
    *,
    chunk: int | None = None,
    devices: Any = None,
    folder: str | os.PathLike[str] | None = None,
    name: str | None = None,
    progress: bool = False,
) -> Any:
    """Applies a function to every sample of a stacked ensemble.

    Args:
        function: one sample -> pytree of arrays; results with a ``status`` keep it, a number per
            sample.
        samples: pytree whose leaves have a leading sample axis, from ``stack``.
        chunk: samples at a time; by default as many as fit memory.
        devices: list of devices to spread each chunk over; by default the first one alone. Every
            device runs its own loops, none waits for the others before the end of a chunk.
        folder: keeps the result of each chunk there and takes up finished ones of the same chunk,
            which is the folder's own by default; remove it to start afresh. Each file says in words
            what it belongs to (``head -n 3``), and one of another computation is refused.
        name: what the user calls this computation. The folder then belongs to the name and the
            samples, and the function is no longer compared: change the name when it changes.
        progress: show a bar.

    What is compared of the function, to tell whether a folder is its own and whether it must be
    traced anew: its module and name, its code, and the numbers, structs and functions that it
    closes over or names as globals, and those that these functions name in turn. Not seen are
    attributes of modules (``settings.model``), the inside of other packages, files. A model bound
    anew to a global name that the function reads is therefore used; but a function that
    ``jax.jit`` has traced elsewhere keeps the values of that time, as JAX documents.

    Returns:
        The function's results, stacked, as NumPy arrays on the host.

    Example:
        >>> glasses = jg.stack([jg.random_glass(jax.random.key(k), "ipl2d", 64) for k in range(3)])
        >>> quenched = lambda g: jg.quench(model, g).max_force < 1e-10
        >>> jg.map_ensemble(quenched, glasses, chunk=2).tolist()
        [True, True, True]
    """
    count = sample_count(samples)
    devices = check_devices(devices)
    _retrace_if_changed(function)
    if chunk is None:
        chunk = (folder and kept_chunk(folder)) or chunk_that_fits(function, samples, count)
    elif integer("chunk", chunk, at_least=1) > count:
        raise ValueError(f"chunk must be at most the {count} samples there are, found {chunk}")
    chunk = -(-chunk // len(devices)) * len(devices)
    run, parts = _over(function, tuple(devices)), []
    store = folder and _Store(Path(folder), chunk, name or function, run)
    with Progress("samples", count, show=progress) as bar:
        for begin in range(0, count, chunk):
            size = min(chunk, count - begin)
            take = np.minimum(np.arange(begin, begin + chunk), count - 1)
            inputs = jax.tree.map(lambda a, take=take: a[take], samples)
            done = store and store.read(begin, size, inputs)
            if done is None:
                done = jax.tree.map(lambda a, size=size: np.asarray(a)[:size], run(inputs))
                if store:
                    store.write(begin, size, inputs, done)
            parts.append(done)
            bar.done(size)
    return jax.tree.map(lambda *a: np.concatenate(a), *parts)


def map_until(
    function: Callable,
    samples: Any,
    *,
    budgets: Sequence[Any],
    resume: Callable,
    chunk: int | None = None,
    devices: Any = None,
    progress: bool = False,
) -> Any:
    """``map_ensemble`` in rounds of growing budgets, so that a slow sample does not hold its chunk.

    Args:
        function: (sample, budget) -> result with a ``status``; NOT_CONVERGED means unfinished.
            The budget is static.
        samples: stacked samples.
        budgets: the budget of each round, for example steps.
        resume: (sample, result) -> sample from which the next round goes on.
        chunk, devices, progress: as for ``map_ensemble``.

    Returns:
        The results, stacked in the order of the samples. They do not depend on ``chunk``.

    Example:
        >>> glasses = jg.stack([jg.random_glass(jax.random.key(k), "ipl2d", 64) for k in range(3)])
        >>> quench = lambda g, steps: jg.quench(model, g, max_steps=steps)
        >>> budgets = (100, 100_000)
        >>> resume = lambda g, q: q.glass
        >>> done = jg.ensemble.map_until(quench, glasses, budgets=budgets, resume=resume)
        >>> done.status.tolist()
        [0, 0, 0]
    """
    left = np.arange(sample_count(samples))
    if not budgets:
        raise ValueError("budgets must hold at least one budget, found none")
    results, current = None, samples
    for budget in budgets:
        size = None if chunk is None else min(chunk, len(left))
        done = map_ensemble(
            _with_budget(function, budget), current, chunk=size, devices=devices, progress=progress
        )
        if results is None:
            results = done
        else:
            results = jax.tree.map(lambda a, b, left=left: _replaced(a, left, b), results, done)
        unfinished = np.flatnonzero(done.status & int(Status.NOT_CONVERGED))
        if not unfinished.size:
            break
        pick = lambda tree, unfinished=unfinished: jax.tree.map(lambda a: a[unfinished], tree)
        current = jax.vmap(resume)(pick(current), pick(done))
        left = left[unfinished]
    return results


@functools.lru_cache(maxsize=64)
def _with_budget(function, budget):
    """One function object for each budget, so that it compiles once."""
    return lambda sample: function(sample, budget)


def _replaced(array, index, values):
    array = np.array(array)
    array[index] = values
    return array


def sample_count(samples):
    """Length of the leading axis that all leaves share, or a ValueError."""
    sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves(samples)}
    if len(sizes) != 1 or () in sizes or (0,) in sizes:
        raise ValueError(
            "samples must be stacked, every leaf with one leading sample axis, "
            f"found leading axes {sorted(sizes)}; jg.stack makes them of a list"
        )
    return int(sizes.pop()[0])


def check_devices(devices):
    """The devices as a list: jax.local_devices()[:1] for None, all of one kind for its name."""
    if devices is None:
        return jax.local_devices()[:1]
    if isinstance(devices, str):
        try:
            return jax.local_devices(backend=devices)
        except RuntimeError as error:
            found = sorted({d.platform for d in jax.local_devices()})
            raise ValueError(
                f"devices must name a kind that is here, one of {found}, found {devices!r}"
            ) from error
    devices = list(devices)
    if not devices:
        raise ValueError("devices must hold at least one device, found none")
    return devices


def kept_chunk(folder):
    """The chunk of the results that a folder holds; None if it holds none."""
    found = [
        re.search(r"_by_(\d+)\.chunk$", path.name) for path in Path(folder).glob("samples_*.chunk")
    ]
    return max((int(match[1]) for match in found if match), default=None)


@functools.lru_cache(maxsize=64)
def _over(function, devices):
    """The compiled program of a chunk."""
    batched = jax.vmap(function)
    if len(devices) == 1:
        return jax.jit(batched)
    mesh = Mesh(np.array(devices), ("samples",))
    spec = PartitionSpec("samples")
    return jax.jit(
        jax.shard_map(batched, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=False)
    )


# Function -> description when last called.
_read_when_traced: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def _retrace_if_changed(function):
    """Lets JAX forget its traces if a function reads other values than in the last call.

    JAX keeps a trace by the function alone, and those of functions inside that are jitted
    themselves.
    """
    now = describe(function)
    if difference(_read_when_traced.setdefault(function, now), now):
        jax.clear_caches()
        _read_when_traced[function] = now


class _Store:
    """Results of finished chunks, each a file that knows the computation and its samples."""

    def __init__(self, folder, chunk, work, run):
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"folder must be a folder, found the file {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.chunk, self.run, self.shapes = folder, chunk, run, None
        self.work = {
            "work": work if isinstance(work, str) else describe(work),
            "float64": bool(jax.config.read("jax_enable_x64")),
        }

    def path(self, begin, size):
        return self.folder / NAME.format(begin, begin + size, self.chunk)

    def identity(self, inputs):
        return {**self.work, "samples": describe(inputs)}

    def read(self, begin, size, inputs):
        """The chunk's result, None if it is not there; ValueError if it is of another run."""
        path = self.path(begin, size)
        if not path.exists():
            return None
        if self.shapes is None:
            self.shapes = jax.eval_shape(self.run, inputs)
        part = lambda a: jax.ShapeDtypeStruct((size, *a.shape[1:]), a.dtype)
        like = jax.tree.map(part, self.shapes)
        return archive.read(path, self.identity(inputs), like, what="chunk in folder")

    def write(self, begin, size, inputs, result):
        archive.write(self.path(begin, size), self.identity(inputs), result)
