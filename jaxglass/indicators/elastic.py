"""Maps of particles from the elastic response."""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.status import or_nan
from ..landscape.contract import need
from ..landscape.engine import Factor
from ..landscape.strain import mixed_strain
from ..modes.harmonic import Modes
from ..modes.spectrum import spectrum
from ..response.elasticity import shear_modulus


def nonaffinity(e, *, plane: tuple[int, int] = (0, 1), modes: Modes | None = None) -> Array:
    """Nonaffinity of each particle, sum over modes of (Xi.psi)^2 |psi_i|^2 / (V omega^2), (n,).

    Args:
        e: Expansion at a minimum.
        plane: of simple shear, x_p moves with x_q.
        modes: the modes summed over; all of them by default, and then the particles sum to the
            relaxation modulus.

    Example:
        >>> local = jg.indicators.nonaffinity(e)
        >>> bool(abs(local.sum() / jg.shear_modulus(e).relaxation - 1) < 1e-8)
        True
    """
    need("nonaffinity", e, "groups", "glass")
    modes = spectrum(e) if modes is None else modes
    return jnp.einsum("k,knd,knd->n", _shares(e, plane, modes), modes.vector, modes.vector)


def nonaffinity_missing(e, modes: Modes, *, plane: tuple[int, int] = (0, 1)) -> Array:
    """Share of the relaxation modulus that some modes leave out of ``nonaffinity``, a number.

    Example:
        >>> few = jg.lowest_modes(e, 20)
        >>> bool(0 < jg.indicators.nonaffinity_missing(e, few) < 1)
        True
    """
    need("nonaffinity_missing", e, "groups", "glass")
    whole = shear_modulus(e, plane=plane)
    return or_nan(whole.status, 1 - jnp.sum(_shares(e, plane, modes)) / whole.relaxation)


def _shares(e, plane, modes):
    """(Xi.psi)^2 / (V omega^2) of every mode."""
    force = jnp.einsum("knd,nd->k", modes.vector, mixed_strain(e, plane))
    return (force / modes.frequency) ** 2 / e.glass.box.volume


def nonaffine_velocity(
    e, *, plane: tuple[int, int] = (0, 1), factor: Factor | None = None
) -> Array:
    """|U''' : v v|_i with v the nonaffine velocity under simple shear, (n,).

    Args:
        e: Expansion at a minimum.
        plane: (p, q), x_p moves with x_q.
        factor: Factor of e, from ``factorise``.

    Returns:
        (n,); NaN if the configuration is not a minimum.

    Example:
        >>> jg.indicators.nonaffine_velocity(e).shape
        (64,)
    """
    need("nonaffine_velocity", e, "groups", "higher", "glass")
    found = shear_modulus(e, plane=plane, factor=factor)
    return _pull(e, or_nan(found.status, found.nonaffine))


@jax.jit
def _pull(e, v):
    third = e.third(v, v)
    return jnp.sqrt(jnp.sum(third * third, axis=-1))
