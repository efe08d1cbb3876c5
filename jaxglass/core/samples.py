"""Samples that are vmapped follow each other on CPUs and go together elsewhere.

Together each waits for the last step of all: on two cores 64 quenches of n = 400 took six times as
long together, dynamics twice. And a batched LAPACK call on a CPU is not safe: XLA gives its parts
to the pool of threads that the call itself runs on, and waits for them, so that as many such calls
at once as there are threads, two on a small machine, wait for ever.
"""

from typing import Any

import jax
import jax.numpy as jnp


def one_by_one() -> bool:
    """Whether samples follow each other on the device that programs are made for."""
    chosen = getattr(jax.config, "jax_default_device", None)
    platform = getattr(chosen, "platform", chosen) or jax.default_backend()
    return platform == "cpu"


def loop_on_cpu(function: Any) -> Any:
    """The function with a rule for vmap: a loop over samples on CPUs, a batch elsewhere."""
    # Compiled apart, for constants: custom_vmap refuses its own where a condition is mapped.
    safe = jax.custom_batching.custom_vmap(jax.jit(function))

    @safe.def_vmap
    def rule(size, batched, *arguments):
        if not any(jax.tree.leaves(batched)):  # derivatives may leave nothing to map
            result = function(*arguments)
            return result, jax.tree.map(lambda _: False, result)
        if one_by_one():
            result = looped(safe, size, batched, arguments)
        else:
            axes = jax.tree.map(lambda flag: 0 if flag else None, tuple(batched))
            result = jax.vmap(function, axes)(*arguments)
        return result, jax.tree.map(lambda _: True, result)

    return safe


def repeated(tree, size):
    """So many samples that are all alike."""
    return jax.tree.map(lambda a: jnp.broadcast_to(a, (size, *jnp.shape(a))), tree)


def looped(function, size, batched, arguments):
    """The results of samples one after the other; not all leaves need have their axis."""
    own = lambda k: jax.tree.map(lambda a, b: a[k] if b else a, arguments, tuple(batched))
    return jax.lax.map(lambda k: function(*own(k)), jnp.arange(size))
