"""The energy about a configuration: expansion, contractions, strain derivatives, derivatives of a
minimum.
"""
