"""Products over short axes; reading and adding rows whose numbers are known to be in bounds."""

import jax


def dot(a, b, axis=-1):
    """Sum of a b over components of vectors, written out: XLA fuses it with what is around it."""
    part = lambda x, k: jax.lax.index_in_dim(x, k, axis, keepdims=False)
    return sum(
        (part(a, k) * part(b, k) for k in range(1, a.shape[axis])), start=part(a, 0) * part(b, 0)
    )


def take(a, index, axis=0):
    """Entries of an axis by number, in bounds."""
    at = (slice(None),) * axis + (index,)
    return a.at[at].get(mode="promise_in_bounds", wrap_negative_indices=False)


def add_rows(total, index, rows):
    """Adds rows to those of the given numbers, in bounds."""
    return total.at[index].add(rows, mode="promise_in_bounds", wrap_negative_indices=False)
