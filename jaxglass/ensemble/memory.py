"""How many samples fit memory at a time, from the compiled program's account of its temporaries."""

import jax
import numpy as np

from ..host.memory import free_memory

SHARE = 0.4  # of the free memory
MOST = 64  # samples in a chunk; a CPU gains nothing beyond a few, an accelerator little beyond this


def chunk_that_fits(function, samples, count):
    """The largest chunk, at most MOST, of which all arrays fit SHARE of the free memory."""
    one = jax.tree.map(lambda a: jax.ShapeDtypeStruct((1, *np.shape(a)[1:]), a.dtype), samples)
    account = jax.jit(jax.vmap(function)).lower(one).compile().memory_analysis()
    if account is None:
        return 1
    bytes_each = (
        account.temp_size_in_bytes + account.argument_size_in_bytes + account.output_size_in_bytes
    )
    return int(np.clip(SHARE * free_memory() // max(bytes_each, 1), 1, min(MOST, count)))
