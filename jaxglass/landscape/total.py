"""Total energy and forces of any configuration: sums over its bonds."""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.status import or_nan
from ..core.struct import Struct
from ..models.manybody.model import ManyBodyModel, is_many
from ..models.pair import PairModel, derivatives, mixed, settled, value_of
from ..neighbours.assembly import assembly_of
from ..neighbours.listing import pairs_of, potential
from ..neighbours.search import check, find_bonds, plan, with_room
from ..system.bonds import difference, scatter
from ..system.box import minimum_image
from ..system.glass import Glass


class _Total(Struct):
    energy: Array
    force: Array
    status: Array


def energy(model: PairModel | ManyBodyModel, glass: Glass) -> Array:
    """Potential energy of a glass, a scalar; NaN where the model cannot describe the glass.

    NaN where the model cannot describe the glass or two particles coincide.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass.

    Example:
        >>> g = jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0)
        >>> bool(jg.energy(jg.models.get("ipl2d"), g) > 0)
        True
    """
    return _total(model, glass).energy


def force(model: PairModel | ManyBodyModel, glass: Glass) -> Array:
    """Minus the gradient of the energy, (n, d).

    Example:
        >>> f = jg.force(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> bool(f[0, 0] < 0), bool(abs(f.sum()) < 1e-12)
        (True, True)
    """
    return _total(model, glass).force


def energy_on(model, glass, bonds):
    """Sum of the energies of given Bonds; infinite ones count."""
    r = minimum_image(glass.box, difference(bonds, glass.position))
    scales = mixed(model, glass, bonds.i, bonds.j)
    t = dot(r, r) / (scales.sigma * scales.sigma)
    return jnp.sum(value_of(model)(t, scales, bonds.valid))


def energy_of_terms(model, glass, bonds, position):
    """Energy of a model of many bodies at other positions, along given Bonds."""
    one = jax.tree.map(lambda a: a[None], (glass, bonds))
    all, model = assembly_of(model, one[0]), settled(model)
    return potential(model, all, pairs_of(model, all, one[1]), position[None])[0]


def _total(model, glass):
    check(model, glass, many=True)
    return with_room(
        lambda room: _compiled_total(model, glass, plan(model, glass, room=room)), model, glass
    )


@functools.partial(jax.jit, static_argnums=2)
def _compiled_total(model, glass, sizes):
    bonds, status = find_bonds(jax.lax.stop_gradient(model), jax.lax.stop_gradient(glass), sizes)
    if is_many(model):
        value, slope = jax.value_and_grad(lambda x: energy_of_terms(model, glass, bonds, x))(
            glass.position
        )
        return _Total(or_nan(status, value), or_nan(status, -slope), status)
    r = minimum_image(glass.box, difference(bonds, glass.position))
    scales = mixed(model, glass, bonds.i, bonds.j)
    per_bond, first = derivatives(model, scales, r, bonds.valid, 1)
    slope = scatter(bonds, first[:, None] * r, glass.count)
    return _Total(or_nan(status, jnp.sum(per_bond)), or_nan(status, -slope), status)
