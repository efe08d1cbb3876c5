"""Derivatives of an arbitrary energy(position), by automatic differentiation along fields.

Differentiating a total energy costs several times the products of bonds and knows no blocks, so
that it serves every matrix-free method and nothing else.
"""

from collections.abc import Callable

import jax
from jax import Array

from ..core.struct import Struct, static
from ..system.glass import Glass
from .shared import OfGlass


class EnergyExpansion(OfGlass, Struct):
    """Derivatives of an arbitrary energy(position), matrix-free, for many-body models: no bonds.

    Attributes:
        glass: Glass.
        function: energy(position) -> scalar.
        status: bits.
    """

    has = frozenset({"higher", "glass"})
    kind = "an expansion of energy(position)"

    glass: Glass
    status: Array
    function: Callable[[Array], Array] = static()

    @property
    def energy(self) -> Array:
        """Total energy."""
        return self.function(self.position)

    def gradient(self) -> Array:
        """dU/dx, (n, d)."""
        return jax.grad(self.function)(self.position)

    def second(self, z: Array) -> Array:
        """M z."""
        return _by_columns(lambda z: self._along(self.gradient_at, z)(self.position), z)

    def third(self, a: Array, b: Array) -> Array:
        """U''' : a b."""
        once = lambda a: self._along(self.gradient_at, a)
        return _by_columns(lambda a, b: self._along(once(a), b)(self.position), a, b)

    def fourth(self, z: Array) -> Array:
        """U'''' : z z z."""
        once = lambda z: self._along(self.gradient_at, z)
        twice = lambda z: self._along(once(z), z)
        return _by_columns(lambda z: self._along(twice(z), z)(self.position), z)

    def gradient_at(self, x: Array) -> Array:
        """dU/dx at other positions."""
        return jax.grad(self.function)(x)

    @staticmethod
    def _along(field, z):
        """The derivative of a field of positions along z."""
        return lambda x: jax.jvp(field, (x,), (z,))[1]


def _by_columns(contraction, *fields):
    """A contraction of fields (n, d), or of each of their columns (n, d, c)."""
    if fields[0].ndim == 2:
        return contraction(*fields)
    return jax.vmap(contraction, in_axes=2, out_axes=2)(*fields)
