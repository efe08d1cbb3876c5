"""Making glasses: starts, dynamics, protocols."""
