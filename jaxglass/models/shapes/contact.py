"""Contact energies, zero beyond x = 1.

Hard ones are infinite below, for Monte Carlo alone. The second derivatives of harmonic ones and the
third of Hertz's are singular at contact.
"""

import jax.numpy as jnp


def hard(t, p):
    """Infinite below contact, of t = x^2."""
    return jnp.where(t < 1, jnp.inf, 0.0)


def hertz(x, p):
    """(1 - x)^(5/2) below contact."""
    return (1 - x) ** 2.5


def harmonic(x, p):
    """(1 - x)^2 below contact."""
    return (1 - x) ** 2
