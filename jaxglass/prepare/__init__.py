"""Making glasses: starts, dynamics, Monte Carlo, protocols."""

from ..minimise.quench import push_apart
from .dynamics import run_dynamics, start_dynamics
from .fluctuations import PositionSeries, position_series
from .hard import compress, compressibility, hard_start, packing_fraction
from .rattlers import without_rattlers
from .sizes import relax_sizes
from .starts import tiled
from .tempering import parallel_tempering
from .trajectory import Trajectory, blocks_of_times, linear_times, logarithmic_times, record

__all__ = [
    "PositionSeries",
    "Trajectory",
    "blocks_of_times",
    "compress",
    "compressibility",
    "hard_start",
    "linear_times",
    "logarithmic_times",
    "packing_fraction",
    "parallel_tempering",
    "position_series",
    "push_apart",
    "record",
    "relax_sizes",
    "run_dynamics",
    "start_dynamics",
    "tiled",
    "without_rattlers",
]
