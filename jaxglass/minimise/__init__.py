"""Minimisation: FIRE, Newton's method, inherent structures."""
