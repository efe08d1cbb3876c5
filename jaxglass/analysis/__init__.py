"""Statistics: arrays in, numbers with error bars out; no physics."""

from .distributions import bootstrap, log_histogram, tail_exponent
from .equilibrium import agreement, equilibrium
from .ranks import Score, correlation_score, rank_score, ranks, spearman
from .series import correlation_time, mean_of_series
from .spectra import cumulative_states, density_of_states, running_mean

__all__ = [
    "Score",
    "agreement",
    "bootstrap",
    "correlation_score",
    "correlation_time",
    "cumulative_states",
    "density_of_states",
    "equilibrium",
    "log_histogram",
    "mean_of_series",
    "rank_score",
    "ranks",
    "running_mean",
    "spearman",
    "tail_exponent",
]
