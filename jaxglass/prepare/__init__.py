"""Making glasses: starts, minimisers, dynamics, protocols."""

from .dynamics import run_dynamics, start_dynamics
from .quench import push_apart

__all__ = ["push_apart", "run_dynamics", "start_dynamics"]
