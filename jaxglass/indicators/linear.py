"""Maps of particles from the linear response: heat capacity, vibrality, sums over modes."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer
from ..core.status import or_nan
from ..landscape import engine, inverse
from ..landscape.contract import need
from ..landscape.engine import Factor, apply_inverse, inverse_blocks
from ..landscape.particles import particle_sum
from ..modes.harmonic import Modes, lowest_modes
from ..system.masses import masses
from ..thermal.local_energy import local_thermal_energy


def heat_capacity(e, *, method: str = "auto", factor: Factor | None = None) -> Array:
    """Heat capacity map: the sum over a particle's bonds of |f_b . (X_j - X_i)|, (n,); over all its
    terms where there are more than bonds.

    NaN if the configuration is not a minimum. The anharmonic part alone, as the comparison of
    structural indicators has it.

    Args:
        e: Expansion at a minimum.
        method, factor: as for ``local_thermal_energy``.

    Example:
        >>> bool((jg.indicators.heat_capacity(e) > 0).all())
        True
    """
    need("heat_capacity", e, "groups")
    found = local_thermal_energy(e, method=method, factor=factor)
    return sum_of_sizes(e, found.anharmonic, found.status)


def sum_of_sizes(e, values, status):
    """Sum over the terms of each particle of the sizes of their values."""
    return particle_sum(e, jax.tree.map(lambda a: jnp.abs(or_nan(status, a)), values))


def vibrality(e, *, method: str = "auto", factor: Factor | None = None, mass: Any = None) -> Array:
    """Mean square displacement of each particle per k_B T, (n,): the trace of its block of M^-1.

    Also called the Debye-Waller factor.

    Equal to the sum over all modes of |psi_i|^2 / omega^2; with masses to the mass times the mean
    square displacement about the centre of mass. NaN if the configuration is not a minimum.

    Args:
        e: expansion at a minimum.
        method: "direct" or "dense"; "auto" takes direct where there are bonds and it fits in
            memory.
        factor: Factor of e, from ``factorise``, for "direct".
        mass: (n,) masses; 1 by default.

    Example:
        >>> total = (jg.modes.spectrum(e).frequency ** -2.0).sum()
        >>> bool(abs(jg.indicators.vibrality(e).sum() / total - 1) < 1e-9)
        True
    """
    need("vibrality", e)
    options = ("auto", "direct", "dense")
    method, factor = engine.choose("vibrality", e, method, options, factor, otherwise="dense")
    return _vibrality(e, factor, masses(mass, e.count))


@jax.jit
def _vibrality(e, factor, mass):
    n, d = e.position.shape
    if factor is None:
        full, status = inverse.dense_inverse(e)
        own = jnp.einsum("iaib->iab", full.reshape(n, d, n, d))
        apply = lambda b: (full @ b.reshape(n * d, d)).reshape(b.shape)
    else:
        (_, own), status = inverse_blocks(e, factor), factor.status
        apply = lambda b: apply_inverse(e, factor, b)
    # G is some inverse; P G P^T with P = 1 - 1 w^T, w the shares of the mass, does not see
    # translations: its trace on a particle is tr G_ii - 2 tr (G w)_i + tr (w^T G w).
    share = jnp.full(n, 1 / n) if mass is None else mass / jnp.sum(mass)
    shares = share[:, None, None] * jnp.eye(d)
    moved = apply(shares)
    trace = lambda a: jnp.trace(a, axis1=-2, axis2=-1)
    mean = jnp.einsum("n,nac->ac", share, moved)
    value = trace(own) - 2 * trace(moved) + trace(mean)
    return or_nan(status, value if mass is None else mass * value)


def soft_modes(e, *, count: int = 512, modes: Modes | None = None) -> Array:
    """Sum over the lowest modes of |U''' : psi psi|_i^2 / omega^2, (n,).

    Args:
        e: expansion at a minimum.
        count: number of modes; all where there are fewer.
        modes: Modes of e, at least so many; found here by default.

    Returns:
        (n,); NaN if the modes have a status.

    Example:
        >>> jg.indicators.soft_modes(e, count=30).shape
        (64,)
    """
    need("soft_modes", e, "higher")
    n, d = e.position.shape
    count = min(integer("count", count, at_least=1), n * d - d)
    modes = lowest_modes(e, count) if modes is None else modes
    if len(modes.frequency) < count:
        raise ValueError(f"modes must be at least {count}, found {len(modes.frequency)}")
    return _soft_modes(e, jax.tree.map(lambda a: a[:count] if jnp.ndim(a) else a, modes))


@jax.jit
def _soft_modes(e, modes):
    def add(total, mode):
        psi, frequency = mode
        third = e.third(psi, psi)
        return total + jnp.sum(third * third, axis=-1) / frequency**2, None

    zero = jnp.zeros(e.count)
    total = jax.lax.scan(add, zero, (modes.vector, modes.frequency))[0]
    return or_nan(modes.status, total)


def mode_map(modes: Modes) -> Array:
    """Sum over the modes found of |psi_i|^2, (n,).

    That of the 30 lowest modes is the map that softness fields are compared with.

    Example:
        >>> round(float(jg.indicators.mode_map(jg.lowest_modes(e, 30)).sum()), 6)
        30.0
    """
    return jnp.sum(modes.vector**2, axis=(-3, -1))
