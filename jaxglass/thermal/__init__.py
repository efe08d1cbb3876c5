"""Low-temperature averages, the local thermal energy, the softness field."""
