"""The local excess entropy of pairs.

R. E. Nettleton and M. S. Green, J. Chem. Phys. 29, 1365 (1958); of a particle: P. M. Piaggi and
M. Parrinello, J. Chem. Phys. 147, 114112 (2017).
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.geometry import sphere
from ..core.status import or_nan
from ..models.manybody import ManyBodyModel
from ..models.pair import PairModel
from ..neighbours import search
from ..system.glass import Glass
from .surroundings import Values, places, plan_list, refuse_narrow, spacing_bound, surroundings

WIDTH = 0.12  # of the Gaussians that make g smooth, as published, in units of length
# Upper limit of the integral in mean distances (V/n)^(1/d): the minima between the first two peaks
# of g(r) lie at 1.42-1.60 in lj2d, poly2d and ipl2d.
LIMIT = 1.45
# Particles beyond the limit reach in by their Gaussians: 6 widths beyond make 1e-9 of the value, 4
# widths 6e-5.
TAIL = 6.0
NODES = 50  # of Gauss and Legendre: error 7e-9
CHUNK = 2_000_000  # numbers worked on at a time, 16 MB an array


def excess_entropy(model: PairModel | ManyBodyModel, glass: Glass) -> Array:
    """Excess entropy of pairs of each particle, s_i, (n,); negative, nearer to 0 where disordered.

    s_i = -(rho/2) int [g_i ln g_i - g_i + 1] d^d r over r < 1.45 (V/n)^(1/d), where
    g_i(r) = sum_j N(r - r_ij) / (rho S_d r^(d-1)), N is a Gaussian of width 0.12 and S_d the area
    of the unit sphere.

    Args:
        model: PairModel or ManyBodyModel; it only has to fit the glass.
        glass: Glass.

    Example:
        >>> bool((jg.indicators.excess_entropy(model, glass) < 0).all())
        True
    """
    search.check(model, glass, many=True)
    refuse_narrow(glass, LIMIT * glass.spacing + TAIL * WIDTH, "the particles of excess_entropy")

    def attempt(room):
        reach = LIMIT * spacing_bound(glass) + TAIL * WIDTH
        listing = plan_list(glass, reach, room)
        return _entropy(glass, listing, places(glass, _in_spacings(glass), room))

    return search.with_room(attempt, model, glass).value


def _in_spacings(glass):
    """The radius in mean distances; these are of the order of 1 where nothing is known of them."""
    return LIMIT + TAIL * WIDTH / spacing_bound(glass)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _entropy(glass, listing, size):
    d, density = glass.dim, glass.density
    limit = LIMIT * glass.spacing
    around = surroundings(glass, limit + TAIL * WIDTH, listing, size)
    nodes, weights = (jnp.asarray(a) for a in np.polynomial.legendre.leggauss(NODES))
    r, weight = 0.5 * limit * (1 + nodes), 0.5 * limit * weights
    shell = sphere(d) * r ** (d - 1)
    norm = 1 / (math.sqrt(2 * math.pi) * WIDTH * density * shell)

    def of_one(separation, held):
        distance = jnp.sqrt(dot(separation, separation))
        bump = jnp.exp(-0.5 * ((r[:, None] - distance) / WIDTH) ** 2)
        g = norm * jnp.sum(jnp.where(held, bump, 0.0), axis=1)
        some = g > 0
        log = jnp.log(jnp.where(some, g, 1.0))
        return -0.5 * density * jnp.sum(weight * shell * (g * log - g + 1))

    chunk = min(glass.count, max(1, CHUNK // (size * NODES)))
    one = jax.checkpoint(lambda own: of_one(*own))
    value = jax.lax.map(one, (around.separation, around.held), batch_size=chunk)
    return Values(or_nan(around.status, value), around.status)
