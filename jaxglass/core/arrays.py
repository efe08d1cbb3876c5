"""Products over short axes; leaves of a pytree as plain numbers, random keys among them, and a digest of many."""

import hashlib

import jax
import jax.numpy as jnp
import numpy as np


def dot(a, b, axis=-1):
    """Sum of a b over the components of vectors, written out: XLA fuses it with what is around it, a reduction often not."""
    part = lambda x, k: jax.lax.index_in_dim(x, k, axis, keepdims=False)
    return sum(
        (part(a, k) * part(b, k) for k in range(1, a.shape[axis])), start=part(a, 0) * part(b, 0)
    )


def is_key(leaf):
    """Whether a leaf is a typed JAX random key."""
    return jax.dtypes.issubdtype(getattr(leaf, "dtype", np.float64), jax.dtypes.prng_key)


def numbers(leaf):
    """A leaf as a NumPy array; a random key by its data."""
    return np.asarray(jax.random.key_data(leaf) if is_key(leaf) else leaf)


def fingerprint(tree, text=""):
    """A digest of a pytree's numbers and structure, and of a text, which tells one from another."""
    leaves, structure = jax.tree.flatten(tree)
    digest = hashlib.sha256(f"{structure}{text}".encode())
    for leaf in leaves:
        digest.update(numbers(jnp.asarray(leaf)).tobytes())
    return digest.hexdigest()
