"""Statistics: arrays in, numbers with error bars out; no physics."""

from .distributions import bootstrap, log_histogram, tail_exponent
from .ranks import ranks, spearman, standing
from .spectra import cumulative_states, density_of_states, running_mean

__all__ = [
    "bootstrap",
    "cumulative_states",
    "density_of_states",
    "log_histogram",
    "ranks",
    "running_mean",
    "spearman",
    "standing",
    "tail_exponent",
]
