"""Compiled programs side by side on the cores of a machine."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..core.samples import one_by_one
from .blas import one_blas_thread


def side_by_side(function: Callable[..., Any], items: Iterable[Any]) -> Iterator[Any]:
    """Results of a function of items, in order: on CPUs as many at once as there are cores, each of
    which a program that loops over small problems leaves idle but for one; elsewhere one by one.

    An error or an interrupt ends it after the calls that have begun.
    """
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pool = ThreadPoolExecutor((workers or 1) if one_by_one() else 1)
    with one_blas_thread():
        try:
            yield from pool.map(function, items)
        finally:
            pool.shutdown(cancel_futures=True)
