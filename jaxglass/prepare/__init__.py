"""Making glasses: starts, dynamics, minimisation, protocols."""
