"""Making glasses: starts, dynamics, protocols."""

from ..minimise.quench import push_apart
from .dynamics import run_dynamics, start_dynamics
from .starts import tiled

__all__ = ["push_apart", "run_dynamics", "start_dynamics", "tiled"]
