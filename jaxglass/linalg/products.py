"""Products with the transpose of a matrix.

XLA reads a transposed left factor in its stored order, two to four times slower on a CPU than a
product as such; a transpose made first, behind a barrier that XLA does not see through, costs a
tenth of that. Other devices read either way.
"""

import jax
import jax.numpy as jnp

from ..core.samples import one_by_one


def transposed(a):
    return jnp.swapaxes(a, -1, -2)


def transpose_times(a, b):
    """a^T b."""
    return _made(transposed(a)) @ b


def transpose_times_few(a, y):
    """a^T y of few columns: y^T a, so that a stays as it is."""
    return transposed(_made(_made(transposed(y)) @ a))


def _made(a):
    return jax.lax.optimization_barrier(a) if one_by_one() else a
