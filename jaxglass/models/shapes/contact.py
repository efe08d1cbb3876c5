"""Contact energies, zero beyond x = 1.

Their second (harmonic) or third (hertz) derivatives are singular at contact.
"""


def hertz(x, p):
    """(1 - x)^(5/2) below contact."""
    return (1 - x) ** 2.5


def harmonic(x, p):
    """(1 - x)^2 below contact."""
    return (1 - x) ** 2
