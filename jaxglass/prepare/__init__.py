"""Making glasses: starts, dynamics, Monte Carlo, protocols."""

from ..minimise.quench import push_apart
from .dynamics import run_dynamics, start_dynamics
from .hard import compress, hard_start, packing_fraction
from .sizes import relax_sizes
from .starts import tiled
from .tempering import parallel_tempering
from .trajectory import Trajectory, blocks_of_times, linear_times, logarithmic_times, record

__all__ = [
    "Trajectory",
    "blocks_of_times",
    "compress",
    "hard_start",
    "linear_times",
    "logarithmic_times",
    "packing_fraction",
    "parallel_tempering",
    "push_apart",
    "record",
    "relax_sizes",
    "run_dynamics",
    "start_dynamics",
    "tiled",
]
