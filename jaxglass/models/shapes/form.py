"""A function of x seen as one of t = x^2, the form in which every model keeps its shape."""

from collections.abc import Callable

import jax.numpy as jnp

from ...core.struct import Struct, static


class OfSquare(Struct):
    """A function of x made a function of t = x^2.

    Equal when the function is, so that models share compiled programs.
    """

    shape: Callable = static()

    def __call__(self, t, p):
        return self.shape(jnp.sqrt(t), p)
