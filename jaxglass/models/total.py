"""Total energy and forces of a configuration, through jax-md's smap over a neighbour list."""

import functools

import jax
import jax.numpy as jnp

from ..core.arrays import dot
from ..core.status import Status, flag, or_nan
from ..core.struct import struct
from ..system.bonds import difference
from ..system.box import minimum_image
from . import jaxmd
from .neighbours import check, find_bonds, plan, with_room
from .pair import energy_of


@struct
class _Total:
    energy: object
    force: object
    status: object


def energy(model, glass):
    """Potential energy of a glass, a scalar, anywhere, not only at a minimum.

    NaN where the model cannot describe the glass or two particles coincide.

    Args:
        model: PairModel.
        glass: Glass.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> g = jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0)
        >>> bool(jg.energy(jg.models.get("ipl2d"), g) > 0)
        True
    """
    return _total(model, glass).energy


def force(model, glass):
    """Minus the gradient of the energy, (n, d).

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> f = jg.force(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> bool(f[0, 0] < 0), bool(abs(f.sum()) < 1e-12)
        (True, True)
    """
    return _total(model, glass).force


def _total(model, glass):
    check(model, glass)
    return with_room(
        lambda room: _compiled_total(model, glass, plan(model, glass, room=room)), model, glass
    )


@functools.partial(jax.jit, static_argnums=2)
def _compiled_total(model, glass, sizes):
    bonds, status = find_bonds(jax.lax.stop_gradient(model), jax.lax.stop_gradient(glass), sizes)
    status = status | flag(_coincident(glass, bonds), Status.NOT_FINITE)
    i, j = (jnp.where(bonds.valid, k, glass.count) for k in (bonds.i, bonds.j))
    of_position = lambda x: pair_sum(model, glass.replace(position=x), i, j)
    value, slope = jax.value_and_grad(of_position)(glass.position)
    return _Total(or_nan(status, value), or_nan(status, -slope), status)


def _coincident(glass, bonds):
    """Whether two particles are on the same point; ``pair_sum`` would take them for padding."""
    r = minimum_image(glass.box, difference(bonds, glass.position))
    return jnp.any(bonds.valid & (dot(r, r) == 0))


def pair_sum(model, glass, i, j):
    """Energy of the listed pairs (padding i = n), through smap with the model's own mixing rules."""
    function = energy_of(model)

    def pair_energy(r, sigma, epsilon):
        s = 0.5 * dot(r, r)
        end = 0.5 * (model.cutoff * sigma) ** 2
        inside = (s < end) & (s > 0)
        return jnp.where(inside, function(jnp.where(inside, s, 0.8 * end), sigma, epsilon), 0.0)

    if model.sigma is None:
        combine = lambda a, b: 0.5 * (a + b) * (1 - model.nonadditivity * jnp.abs(a - b))
        scale = model.epsilon * jnp.ones_like(glass.diameter)
        parameters = {
            "sigma": (combine, glass.diameter),
            "epsilon": (lambda a, b: 0.5 * (a + b), scale),
        }
    else:
        symmetric = lambda table: 0.5 * (table + table.T)
        parameters = {
            "species": glass.species,
            "sigma": symmetric(model.sigma),
            "epsilon": symmetric(model.epsilon),
        }
    return jaxmd.total_energy(pair_energy, glass.box, i, j, glass.position, parameters)
