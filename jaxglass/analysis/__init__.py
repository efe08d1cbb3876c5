"""Statistics: arrays in, numbers with error bars out; no physics."""
