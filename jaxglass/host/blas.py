"""Threads of the BLAS that JAX calls on CPUs: SciPy's own OpenBLAS.

Programs side by side that factor small matrices wait for its threads: two of them on two cores,
with matrices of 160 rows, run four times as fast with one BLAS thread.
"""

import contextlib
import ctypes
import functools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

# Where wheels of SciPy keep libraries: beside the package on Linux and Windows, in it on Macs.
PLACES = ("../scipy.libs", ".dylibs")


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for each BLAS call inside; nothing changes where SciPy brings no OpenBLAS."""
    library = _openblas()
    if library is None:
        yield
        return
    before = library.scipy_openblas_get_num_threads()
    library.scipy_openblas_set_num_threads(1)
    try:
        yield
    finally:
        library.scipy_openblas_set_num_threads(before)


@functools.cache
def _openblas() -> Any:
    """The library, if it is there and can be told."""
    found = find_spec("scipy")
    if found is None or found.origin is None:
        return None
    package = Path(found.origin).parent
    for place in PLACES:
        for path in (package / place).resolve().glob("*scipy_openblas*"):
            library = ctypes.CDLL(str(path))
            if hasattr(library, "scipy_openblas_set_num_threads"):
                return library
    return None
