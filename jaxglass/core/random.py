"""Random keys: JAX's, also where NumPy draws."""

import jax
import numpy as np


def key_or_first(key):
    """The JAX random key given; a fixed one for None."""
    return jax.random.key(0) if key is None else key


def generator(key):
    """A NumPy generator that a JAX random key decides; a fixed one for None."""
    if key is None:
        return np.random.default_rng(0)
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
