"""Compiled programs last as long as their process, and Linux grants it so many memory maps.

Every program of XLA on a CPU holds about ten, so that a long session of many different
computations would end in a crash.
"""

import ctypes
import time
import warnings
from pathlib import Path

import jax

MAPS = Path("/proc/self/maps")
LIMIT = Path("/proc/sys/vm/max_map_count")
FULL = 2 / 3
EVERY = 5.0  # seconds between looks, which take about 20 ms when it matters

_last_look = [0.0]


def drop_programs_in_time():
    """Lets JAX forget its programs before their memory maps run out; later calls compile anew."""
    now = time.monotonic()
    if now - _last_look[0] < EVERY or not (MAPS.exists() and LIMIT.exists()):
        return
    _last_look[0] = now
    held, granted = MAPS.read_text().count("\n"), int(LIMIT.read_text())
    if held > FULL * granted:
        warnings.warn(
            f"compiled programs hold {held} of the {granted} memory maps that Linux grants a "
            "process; they are dropped and compiled again when needed "
            "(raise vm.max_map_count to keep more)",
            stacklevel=3,
        )
        jax.clear_caches()
        _give_memory_back()


def _give_memory_back():
    """Returns what the C library keeps after a release: two thirds of 20 programs of 35 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)
