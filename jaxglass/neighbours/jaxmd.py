"""The one door to jax-md: neighbour lists.

jax_md takes seconds to import, so it is loaded on first use. It imports JAX's Pallas, whose options
then belong to the key of every compiled program: Pallas alone is quick, and imported first it lets
a second call find the program of the first. Cell lists hold fractional coordinates, distances are
our own, right in sheared cells. The sizes come from a ListPlan of plain numbers instead of jax-md's
``allocate``, so that lists can be built under jit and vmap, and glasses of one size share one
compiled program.
"""

import itertools
import math
from typing import NamedTuple

import jax
import jax.experimental.pallas  # noqa: F401
import jax.numpy as jnp
import numpy as np

from ..core.arrays import dot
from ..core.geometry import ball
from ..system.bonds import pack
from ..system.box import cartesian, fractional, wrap


class ListPlan(NamedTuple):
    """Sizes of a neighbour list, fixed before tracing.

    Attributes:
        radius: pairs closer than this are listed.
        cells: numbers of cells along the sides of the box, none to compare all pairs.
        cell_capacity: particles a cell can hold.
        capacity: pairs the list can hold.
    """

    radius: float
    cells: tuple
    cell_capacity: int
    capacity: int


def plan_list(n, box, radius, room):
    """A ListPlan for n particles, from the bounds of a Box, which may be unknown.

    The number of pairs is that of a uniform fluid plus a quarter; ``room`` multiplies every
    capacity.
    """
    if box.width is None:
        return ListPlan(radius, (), 0, min(n * (n - 1) // 2, int(n * 40 * room)))
    dim, density = box.dim, n / box.least_volume
    volume = ball(dim) * radius**dim
    capacity = min(
        n * (n - 1) // 2, int(room * (1.25 * n * density * volume / 2 + 8 * math.sqrt(n) + 16))
    )
    cells = tuple(math.floor(w / radius) for w in box.width) if dim < 4 else ()
    if n < 300 or not cells or min(cells) < 3 or math.prod(cells) < 4**dim:
        return ListPlan(radius, (), 0, max(capacity, 1))
    mean = n / math.prod(cells)
    return ListPlan(radius, cells, int(room * (mean + 4 * math.sqrt(mean) + 3)), capacity)


def pairs_in(plan, glass):
    """Pairs i, j of particles that may be read and written at once, which of them are there, and
    whether some were left out.
    """
    i, j, overflow = list_pairs(plan, glass)
    there = i < glass.count
    return jnp.where(there, i, 0), jnp.where(there, j, 0), there, overflow


def list_pairs(plan, glass):
    """All pairs closer than ``plan.radius``, found in jax-md's cell lists.

    Each particle is compared with its own cell and with half of the cells around it. jax-md's own
    list of pairs packs the candidates with a scatter, which took many times as long here (for kalj,
    n = 4,096, 2 cores).

    Returns:
        i, j: (capacity,), i < j, equal to n where padded.
        overflow: whether pairs were left out.
    """
    box, n = jax.lax.stop_gradient(glass.box), glass.position.shape[0]
    place = jax.lax.stop_gradient(fractional(box, wrap(box, glass.position)))
    if plan.cells:
        other, other_place, overflow = _half_of_the_cells_around(plan, place)
    else:
        other, other_place = jnp.broadcast_to(jnp.arange(n), (n, n)), place[None]
        other = jnp.where(other > jnp.arange(n)[:, None], other, n)
        overflow = jnp.bool_(False)
    r = other_place - place[:, None]
    r = cartesian(box, r - jnp.round(r))
    near = (other < n) & (dot(r, r) < plan.radius**2)
    at, valid, found = pack(near.reshape(-1), plan.capacity)
    i, j = (at // other.shape[1]).astype(jnp.int32), other.reshape(-1)[at]
    i, j = jnp.where(valid, jnp.minimum(i, j), n), jnp.where(valid, jnp.maximum(i, j), n)
    return i, j, overflow | (found > plan.capacity)


def _half_of_the_cells_around(plan, place):
    """Candidates of every particle: indices (n, c), their places (n, c, d), overflow.

    The index is n where there is none.
    """
    from jax_md import partition

    n, dim = place.shape
    count = np.array(plan.cells)
    build = partition.cell_list(np.ones(dim), 1 / count * (1 - 1e-6), 1.0)
    empty = partition.CellList(
        None, None, None, {}, jnp.bool_(False), plan.cell_capacity, None, None
    )
    cells = build.update(place, empty)
    around = np.array(list(itertools.product((-1, 0, 1), repeat=dim)))
    around = around[len(around) // 2 :]  # the cell itself, then one of each opposite pair
    strides = np.cumprod([1, *plan.cells[:-1]])
    home = (cells.particle_cell_id[:, None] + around) % count @ strides
    inside = cells.id_buffer.reshape(-1, plan.cell_capacity)[home]
    own = inside[:, :1]
    inside = inside.at[:, :1].set(jnp.where(own > jnp.arange(n)[:, None, None], own, n))
    places = cells.position_buffer.reshape(-1, plan.cell_capacity, dim)[home]
    return inside.reshape(n, -1), places.reshape(n, -1, dim), cells.did_buffer_overflow
