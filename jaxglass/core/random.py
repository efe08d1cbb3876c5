"""Random keys: JAX's, also where NumPy draws."""

import jax
import numpy as np


def generator(key):
    """A NumPy generator that a JAX random key decides; a fixed one for None."""
    key = jax.random.key(0) if key is None else key
    return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
