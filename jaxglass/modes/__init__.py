"""Modes: harmonic ones and their spectra."""
