"""Maps of particles from the elastic response."""

import jax.numpy as jnp
from jax import Array

from ..landscape.contract import need
from ..landscape.strain import mixed_strain
from ..modes.harmonic import Modes
from ..modes.spectrum import spectrum


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
    force = jnp.einsum("knd,nd->k", modes.vector, mixed_strain(e, plane))
    weight = (force / modes.frequency) ** 2 / e.glass.box.volume
    return jnp.einsum("k,knd,knd->n", weight, modes.vector, modes.vector)
