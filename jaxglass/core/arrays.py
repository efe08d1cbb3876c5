"""Products over short axes."""

import jax


def dot(a, b, axis=-1):
    """Sum of a b over components of vectors, written out: XLA fuses it with what is around it."""
    part = lambda x, k: jax.lax.index_in_dim(x, k, axis, keepdims=False)
    return sum(
        (part(a, k) * part(b, k) for k in range(1, a.shape[axis])), start=part(a, 0) * part(b, 0)
    )
