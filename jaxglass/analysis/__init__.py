"""Statistics: arrays in, numbers with error bars out; no physics."""

from .distributions import bootstrap, log_histogram, tail_exponent
from .equilibrium import agreement, equilibrium
from .ranks import ranks, spearman, standing
from .series import correlation_time, mean_of_series
from .spectra import cumulative_states, density_of_states, running_mean

__all__ = [
    "agreement",
    "bootstrap",
    "correlation_time",
    "cumulative_states",
    "density_of_states",
    "equilibrium",
    "log_histogram",
    "mean_of_series",
    "ranks",
    "running_mean",
    "spearman",
    "standing",
    "tail_exponent",
]
