"""Swap Monte Carlo in plain C on one core, as a peer: a library whose source is named by
JAXGLASS_SWAPMC, with the function

    monte_carlo(n, length, x, kind, model, temperature, step, swap_fraction, sweeps, sample_every,
                series, counts, running, seed)

compiled here with gcc, once for two and once for three dimensions.
"""

import ctypes
import os
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np


class CModel(ctypes.Structure):
    """12-10-6 powers, a polynomial in (r/sigma)^2, and the mixing rule of diameters."""

    _fields_ = [
        ("a12", ctypes.c_double), ("a10", ctypes.c_double), ("a6", ctypes.c_double),
        ("c", ctypes.c_double * 4), ("cutoff", ctypes.c_double),
        ("nonadditivity", ctypes.c_double), ("sigma", ctypes.c_double * 4),
        ("eps", ctypes.c_double * 4), ("species", ctypes.c_int64), ("positive", ctypes.c_int64),
    ]  # fmt: skip


def source():
    """The file with the peer's source, or None."""
    path = os.environ.get("JAXGLASS_SWAPMC")
    return Path(path) if path and Path(path).exists() else None


def polydisperse():
    """poly2d as the peer has it."""
    c = (-1.924145348608, 2.111062325330, -0.591097451092, 0.0)
    return CModel(a12=1.0, c=(ctypes.c_double * 4)(*c), cutoff=1.25, nonadditivity=0.2, positive=1)


def seconds(glass, temperature, step, sweeps):
    """Processor time of a run of the peer from a Glass of diameters."""
    made = Path(tempfile.mkdtemp()) / "peer.so"
    how = ["-O3", "-march=native", "-std=c11", "-shared", "-fPIC", f"-DDIM={glass.dim}"]
    subprocess.run(["gcc", *how, "-o", str(made), str(source()), "-lm"], check=True)
    run, number = ctypes.CDLL(str(made)).monte_carlo, ctypes.c_double
    own = lambda a: np.array(a, np.float64, order="C")
    x, kind, series, counts = (
        own(glass.position),
        own(glass.diameter),
        np.zeros(1),
        np.zeros(4, int),
    )
    at = lambda a: a.ctypes.data_as(ctypes.c_void_p)
    model, running = polydisperse(), number()
    begun = time.process_time()
    failed = run(
        len(x), number(float(glass.box.cell[0, 0])), at(x), at(kind), ctypes.byref(model),
        number(temperature), number(step), number(0.2), ctypes.c_int64(sweeps), ctypes.c_int64(0),
        at(series), at(counts), ctypes.byref(running), ctypes.c_uint64(1),
    )  # fmt: skip
    if failed:
        raise RuntimeError("the peer's list of cells overflowed")
    return time.process_time() - begun
