"""Thermal quantities of single particles: heat capacity, vibrality (mean square displacement), sums over modes."""

import functools

import jax
import jax.numpy as jnp

from ..core.status import or_nan
from ..landscape.direct import apply_inverse, factorise, pair_blocks
from ..landscape.expansion import Expansion
from ..linalg import slabs
from . import inverse
from .local_energy import local_thermal_energy


def particle_sum(e, value):
    """Sum of a bond quantity (b,) over the bonds of each particle, (n,).

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> jg.particle_sum(e, e.bonds.valid * 1.0).tolist()
        [1.0, 1.0]
    """
    value = jnp.where(e.bonds.valid, value, 0.0)
    return jnp.zeros(e.count).at[e.bonds.i].add(value).at[e.bonds.j].add(value)


def particle_mean(e, value):
    """Mean of a bond quantity (b,) over the bonds of each particle, (n,); zero for a particle without bonds.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> jg.particle_mean(e, 3.0 * e.bonds.valid).tolist()
        [3.0, 3.0]
    """
    return particle_sum(e, value) / jnp.maximum(particle_sum(e, jnp.ones(e.bonds.capacity)), 1.0)


def heat_capacity(e, *, method="auto"):
    """Heat capacity map: the sum over a particle's bonds of |f_b . (X_j - X_i)|, (n,).

    NaN if the configuration is not a minimum. The anharmonic part alone, as the comparison of structural indicators has it.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> bool((jg.heat_capacity(e) > 0).all())
        True
    """
    found = local_thermal_energy(e, method=method)
    return particle_sum(e, jnp.abs(or_nan(found.status, found.anharmonic)))


def vibrality(e, *, method="auto"):
    """Mean square displacement of each particle per k_B T: the trace of its block of M^-1, (n,) (Debye-Waller factors).

    Equal to the sum over all modes of |psi_i|^2 / omega^2. NaN if the configuration is not a minimum.

    Args:
        method: "direct" or "dense"; "auto" takes direct where there are bonds.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> bool(abs(jg.vibrality(e).sum() / (jg.spectrum(e).frequency ** -2.0).sum() - 1) < 1e-9)
        True
    """
    if method == "auto":
        method = "direct" if isinstance(e, Expansion) else "dense"
    method, layout = inverse.choose(e, method, ("direct", "dense"))
    return _vibrality(e, method, layout)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _vibrality(e, method, layout):
    n, d = e.position.shape
    if method == "dense":
        full, status = inverse.dense_inverse(e)
        return or_nan(status, jnp.sum(jnp.diagonal(full).reshape(n, d), axis=1))
    engine = factorise(e, layout=layout)
    own = pair_blocks(engine, slabs.selected_inverse(engine.factor), engine.rank, engine.rank)
    # G holds one particle; P G P with P = 1 - T T^T, T the unit translations, is the inverse that holds none.
    translations = jnp.broadcast_to(jnp.eye(d), (n, d, d)) / jnp.sqrt(n)
    moved = apply_inverse(engine, translations)
    mean = jnp.einsum("nac,nad->cd", translations, moved)
    trace = lambda a: jnp.trace(a, axis1=-2, axis2=-1)
    return or_nan(engine.status, trace(own) - 2 * trace(moved) / jnp.sqrt(n) + trace(mean) / n)


def mode_map(modes):
    """Sum over the modes found of |psi_i|^2, (n,): 30 lowest modes are the map that softness fields are compared with.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> round(float(jg.mode_map(jg.lowest_modes(e, 30)).sum()), 6)
        30.0
    """
    return jnp.sum(modes.vector**2, axis=(-3, -1))
