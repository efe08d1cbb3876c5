"""A pair model: its continuous parameters, and the energy of one pair of particles.

The energy of a pair at distance r, zero from r = x_c sigma on, is

    e(r) = epsilon [phi(t; p) - sum_{l<=q} T_l (t - x_c^2)^l],     t = (r / sigma)^2,

with the polynomial only where the model is smoothed. Every one of sigma, epsilon, x_c, p and T may
differ from one pair of species to another. Derivatives are taken with respect to s = r.r / 2,

    F_k = d^k e / d s^k,        f = F_1 r,        K = F_1 1 + F_2 r r,        and so on,

which needs no unit vectors and no division by r, and in which every contraction of the landscape is
a polynomial.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.struct import Struct, static
from .smoothing import powers, taylor

# Where the energy of a masked pair is evaluated, in cutoffs: far from the singular core, and short
# of the end, at which the derivatives of contact shapes are infinite. Infinite times the mask's
# zero would be NaN in a derivative.
HARMLESS = 0.9


class PairModel(Struct):
    """A pair potential with its parameters. Build one with ``jg.models.pair`` or ``jg.models.get``.

    Attributes:
        parameters: dict of leaves that ``shape`` reads; a (k, k) table gives every pair of species
            its own number.
        sigma: (k, k) length of each pair of species; None for continuous diameters.
        epsilon: (k, k) energy of each pair of species, or a number.
        nonadditivity: with diameters, sigma_ij = (d_i + d_j)/2 (1 - nonadditivity |d_i - d_j|);
            None with species.
        cutoff: in units of sigma, a number or a (k, k) table.
        shape: function (t, p) -> energy in units of epsilon, t = (r / sigma)^2.
        smoothing: number of derivatives made to vanish at the cutoff; None leaves the shape as it
            is.
        reach: bound on every interaction distance; sizes neighbour lists.
        contacts: expected bonds per particle, sizes bond lists while tracing; None for an estimate
            from the density.
        name: for messages and files.
    """

    parameters: dict
    sigma: Array | None
    epsilon: Array
    nonadditivity: Array | None
    cutoff: Array
    shape: Callable = static()
    smoothing: int | None = static()
    reach: float = static()
    contacts: float | None = static()
    name: str = static()


class PairEnergy(Struct):
    """What loops over steps evaluate: a model with its smoothing polynomial worked out.

    Made by ``settled``.

    Attributes:
        parameters, sigma, epsilon, nonadditivity, cutoff, shape, reach: as in PairModel.
        taylor: coefficients T_l, numbers or (k, k) tables; empty without smoothing.
    """

    parameters: dict
    sigma: Array | None
    epsilon: Array
    nonadditivity: Array | None
    cutoff: Array
    taylor: tuple
    shape: Callable = static()
    reach: float = static()


class Scales(Struct):
    """What the energies of listed pairs depend on besides their distances.

    Attributes:
        sigma: (b,).
        epsilon, cutoff, parameters, taylor: numbers that all pairs share, or (b,) where the model
            has a table.
    """

    sigma: Array
    epsilon: Array
    cutoff: Array
    parameters: dict
    taylor: tuple


def is_table(model, leaf):
    """Whether a leaf holds one number per pair of species."""
    return model.sigma is not None and jnp.shape(leaf) == jnp.shape(model.sigma)


def _symmetric(table):
    """Both orders of a pair are one pair, also in the derivative with respect to an entry."""
    return 0.5 * (table + table.T)


def kinds(model, glass):
    """What tells particles apart: their diameters or their species, (n,)."""
    return glass.diameter if model.sigma is None else glass.species


def length(model, a, b):
    """The mixing rule: sigma of pairs of particles of kinds a and b (diameters or species)."""
    if model.sigma is None:
        return 0.5 * (a + b) * (1 - model.nonadditivity * abs(a - b))
    return _symmetric(model.sigma)[a, b]


def range_of(model, a, b):
    """The cutoff rule: distance at which pairs of kinds a and b cease to interact."""
    cutoff = _symmetric(model.cutoff)[a, b] if is_table(model, model.cutoff) else model.cutoff
    return cutoff * length(model, a, b)


def diameters(model: PairModel, glass: Any) -> Array:
    """Sizes of the particles, (n,): sigma of a pair of the particle's own kind.

    Example:
        >>> g = jg.glass([[0.0, 0.0], [1.5, 0.0]], 8.0, species=[0, 1])
        >>> jg.models.diameters(jg.models.get("ipl2d"), g).tolist()
        [1.0, 1.4]
    """
    kind = kinds(model, glass)
    return length(model, kind, kind)


def settled(model):
    """The PairEnergy of a model; a settled one comes back as it is.

    Loops over steps settle their model before they start.
    """
    if isinstance(model, PairEnergy):
        return model
    if not isinstance(model, PairModel):  # one of many bodies knows how
        return model.settled()
    own = (model.parameters, model.sigma, model.epsilon, model.nonadditivity, model.cutoff)
    return PairEnergy(*own, _taylor_of(model), model.shape, model.reach)


def _taylor_of(model):
    """T_0 ... T_q: numbers, or tables where the cutoff or a parameter is one."""
    if model.smoothing is None:
        return ()
    coefficients = lambda p, cutoff: taylor(model.shape, p, cutoff, model.smoothing)
    of_pair = (model.parameters, model.cutoff)
    if not any(is_table(model, leaf) for leaf in jax.tree.leaves(of_pair)):
        return coefficients(*of_pair)
    axes = jax.tree.map(lambda leaf: 0 if is_table(model, leaf) else None, of_pair)
    each = lambda leaf: _symmetric(leaf) if is_table(model, leaf) else leaf
    return jax.vmap(jax.vmap(coefficients, axes), axes)(*jax.tree.map(each, of_pair))


def scales_of(model, a, b):
    """The Scales of pairs of particles of kinds a and b, each (b,)."""
    energy = settled(model)
    pick = lambda leaf: _symmetric(leaf)[a, b] if is_table(energy, leaf) else leaf
    return _scales(energy, length(energy, a, b), pick)


def _scales(energy, sigma, of_leaf):
    rest = (energy.epsilon, energy.cutoff, energy.parameters, energy.taylor)
    return Scales(sigma, *jax.tree.map(of_leaf, rest))


def mixed(model, glass, i, j):
    """The Scales of the pairs i, j of a glass."""
    kind = kinds(model, glass)
    return scales_of(model, kind[i], kind[j])


def energy_of(model, order=0):
    """The function (s, scales) -> energies of pairs (b,), s = r.r / 2, or a derivative in s.

    Valid below the cutoff; callers replace distances beyond it before, and the result after.
    """
    model = settled(model)

    def energy(s, scales):
        t = 2 * s / (scales.sigma * scales.sigma)
        own = model.shape(t, {**scales.parameters, "cutoff": scales.cutoff})
        return scales.epsilon * (own - powers(scales.taylor, t - scales.cutoff * scales.cutoff))

    function = energy
    for _ in range(order):
        function = _derivative(function)
    axes = _scales(model, 0, lambda leaf: 0 if is_table(model, leaf) else None)
    return jax.vmap(function, (0, axes))


def value_of(model):
    """The function (t, scales, valid) -> energies of pairs, zero beyond the cutoff."""
    phi = _masked(model, lambda phi: phi)
    return lambda t, scales, valid: scales.epsilon * phi(t, scales, valid)


def slope_of(model):
    """The function (t, scales, valid) -> d phi / d t of pairs, zero beyond the cutoff."""
    return _masked(model, _derivative)


def _masked(model, of):
    """What ``of`` makes of phi(t, scales), for pairs in arrays of any shape."""
    model = settled(model)

    def phi(t, scales):
        own = model.shape(t, {**scales.parameters, "cutoff": scales.cutoff})
        return own - powers(scales.taylor, t - scales.cutoff * scales.cutoff)

    axes = _scales(model, 0, lambda leaf: 0 if is_table(model, leaf) else None)

    def function(t, scales, valid):
        end = scales.cutoff * scales.cutoff
        inside = valid & (t < end)
        t = jnp.where(inside, t, HARMLESS**2 * end)
        flat = lambda a: a.reshape(-1) if jnp.shape(a) == t.shape else a
        value = jax.vmap(of(phi), (0, axes))(flat(t), jax.tree.map(flat, scales))
        return jnp.where(inside, value.reshape(t.shape), 0.0)

    return function


def _derivative(f):
    return lambda s, scales: jax.jvp(lambda s: f(s, scales), (s,), (jnp.ones_like(s),))[1]


def derivatives(model, scales, separation, valid, order):
    """F_0 ... F_order of every pair, (order + 1, b); zero for pairs not valid or beyond the cutoff.

    The distance of a masked pair is replaced before the singularity, so that derivatives of the
    mask are clean too.

    Args:
        scales: Scales of the pairs, from ``mixed``.
    """
    model = settled(model)
    s = 0.5 * dot(separation, separation)
    end = scales.cutoff * scales.sigma
    inside = valid & (2 * s < end**2)
    s = jnp.where(inside, s, 0.5 * (HARMLESS * jax.lax.stop_gradient(end)) ** 2)
    rows = [energy_of(model, k)(s, scales) for k in range(order + 1)]
    return jnp.where(inside, jnp.stack(rows), 0.0)
