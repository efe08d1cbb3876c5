"""Inverse power laws x^-n, of t = x^2."""


def inverse_power(t, p):
    """x^-n for any real exponent n, of t = x^2."""
    return t ** (-0.5 * p["exponent"])


def twelve(t, p):
    """x^-12, of t = x^2."""
    return (1 / t) ** 6
