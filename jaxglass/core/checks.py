"""Checks that the functions which build things make on their arguments, with their sentences."""

import jax
import jax.numpy as jnp
import numpy as np


def is_traced(*trees):
    """Whether any leaf is a tracer, so that its value cannot be looked at."""
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(trees))


def float64(name, value):
    """The value as a float64 array, or a TypeError: inherent structures need double precision."""
    if not jax.config.read("jax_enable_x64"):
        raise TypeError(
            f"{name} must be float64, but JAX is in 32-bit mode; call "
            'jax.config.update("jax_enable_x64", True) before making any array'
        )
    dtype = getattr(value, "dtype", None)
    if dtype is not None and jnp.issubdtype(dtype, jnp.floating) and dtype != jnp.float64:
        raise TypeError(
            f"{name} must be float64, found {dtype}; inherent structures need double precision: "
            'call jax.config.update("jax_enable_x64", True) first '
            f"and make {name} with dtype float64"
        )
    array = jnp.asarray(value)
    if jnp.issubdtype(array.dtype, jnp.complexfloating) or array.dtype == bool:
        raise TypeError(f"{name} must be real numbers, found {array.dtype}")
    return array.astype(jnp.float64)


def refuse_stack(sentence, position):
    """Raises ValueError, with the sentence and what to do, unless positions are (n, d)."""
    if position.ndim != 2:
        raise ValueError(
            f"{sentence}, found positions of shape {position.shape}: use jax.vmap for a stack"
        )


def finite(name, array):
    """Raises ValueError if a concrete array holds NaN or infinity."""
    if is_traced(array):
        return
    bad = np.argwhere(~np.isfinite(np.asarray(array)))
    if len(bad):
        place = tuple(int(k) for k in bad[0])
        raise ValueError(
            f"{name} must be finite, found {np.asarray(array)[place]} at index {place}"
        )


def integer(name, value, *, at_least):
    """The value as a Python int not below a bound."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < at_least:
        raise ValueError(f"{name} must be an integer of at least {at_least}, found {value!r}")
    return int(value)


def positive(name, value):
    """Raises ValueError if a concrete number is not finite and positive."""
    if not is_traced(value) and not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, found {value}")
    return value


def not_negative(name, value):
    """Raises ValueError if a concrete number is not finite or below zero."""
    if not is_traced(value) and not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name} must be a number not below 0, found {value}")
    return value


def choice(name, value, options):
    """Raises ValueError if the value is not one of the options."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, found {value!r}")
    return value


def a_function(name, value):
    """Raises TypeError if the value cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function, found {value!r}")
    return value
