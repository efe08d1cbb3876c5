"""An ensemble over several processes or hosts: each takes its part, all get the whole result.

Call ``jax.distributed.initialize`` in every process first, as JAX documents it.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from ..host.identity import is_key
from .mapping import map_ensemble, sample_count


def part_of(count: int, index: int, parts: int) -> tuple[int, int]:
    """First and last (exclusive) sample of one of several parts, as even as can be.

    Example:
        >>> [jg.ensemble.part_of(10, k, 4) for k in range(4)]
        [(0, 3), (3, 6), (6, 8), (8, 10)]
    """
    size, extra = divmod(count, parts)
    begin = index * size + min(index, extra)
    return begin, begin + size + (index < extra)


def map_over_processes(
    function: Callable,
    samples: Any,
    *,
    chunk: int | None = None,
    devices: Any = None,
    folder: str | os.PathLike[str] | None = None,
    name: str | None = None,
    progress: bool = False,
) -> Any:
    """``map_ensemble`` with the samples divided over all processes; each returns all results.

    Args:
        samples: the whole ensemble, the same in every process.
        chunk, devices, folder, name, progress: as for ``map_ensemble``; give each process the same
            folder or its own.

    Returns:
        Results of all samples in order, on every process.

    Example:
        >>> doubled = jg.ensemble.map_over_processes(lambda x: 2 * x, jnp.arange(3.0))
        >>> doubled.tolist()    # one process here
        [0.0, 2.0, 4.0]
    """
    count, parts, index = sample_count(samples), jax.process_count(), jax.process_index()
    if count < parts:
        raise ValueError(
            f"samples must be at least as many as the {parts} processes, found {count}"
        )
    begin, end = part_of(count, index, parts)
    mine = jax.tree.map(lambda a: a[begin:end] if is_key(a) else np.asarray(a)[begin:end], samples)
    own = None if folder is None else f"{folder}/process_{index:04d}"
    size = None if chunk is None else min(chunk, end - begin)
    found = map_ensemble(
        function, mine, chunk=size, devices=devices, folder=own, name=name, progress=progress
    )
    return found if parts == 1 else gather(found, count)


def gather(found, count):
    """All processes' parts of the results, joined in order on every process."""
    from jax.experimental import multihost_utils

    parts = jax.process_count()
    bounds = [part_of(count, k, parts) for k in range(parts)]
    longest = max(end - begin for begin, end in bounds)

    def join(leaf):
        padded = np.concatenate([leaf, np.repeat(leaf[-1:], longest - len(leaf), axis=0)])
        everyone = np.asarray(multihost_utils.process_allgather(padded))
        return np.concatenate([everyone[k][: end - begin] for k, (begin, end) in enumerate(bounds)])

    return jax.tree.map(join, found)
