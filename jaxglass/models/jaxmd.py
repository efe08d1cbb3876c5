"""The one door to jax-md: neighbour lists, total energies through smap, integrators.

jax_md takes seconds to import, so it is loaded on first use. Neighbour lists work on fractional coordinates with our own
displacement, which is right in sheared cells. A list's sizes come from a ListPlan of plain numbers instead of jax-md's
``allocate``, so that lists can be built under jit and vmap, and glasses of one size share one compiled program.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from ..system.box import Box, fractional, minimum_image, wrap


class ListPlan(NamedTuple):
    """Sizes of a neighbour list, fixed before tracing.

    Attributes:
        radius: pairs closer than this are listed.
        cells: cells along each side of the box, 0 to compare all pairs.
        cell_capacity: particles a cell can hold.
        capacity: pairs the list can hold.
    """

    radius: float
    cells: int
    cell_capacity: int
    capacity: int


def plan_list(n, dim, width, radius, room):
    """A ListPlan for n particles in a box of the given face distances (None if unknown).

    The number of pairs is that of a uniform fluid plus a quarter; ``room`` multiplies every capacity.
    """
    if width is None:
        return ListPlan(radius, 0, 0, min(n * (n - 1) // 2, int(n * 40 * room)))
    density = n / math.prod(width)
    ball = math.pi ** (dim / 2) / math.gamma(dim / 2 + 1) * radius**dim
    capacity = min(n * (n - 1) // 2, int(room * (1.25 * n * density * ball / 2 + 8 * math.sqrt(n) + 16)))
    cells = math.floor(min(width) / radius) if dim < 4 else 0
    if cells < 4 or n < 300:
        return ListPlan(radius, 0, 0, max(capacity, 1))
    mean = density * math.prod(w / cells for w in width)
    return ListPlan(radius, cells, int(room * (mean + 4 * math.sqrt(mean) + 3)), capacity)


def list_pairs(plan, glass):
    """All pairs closer than ``plan.radius``.

    Returns:
        i, j: (capacity,), i < j, equal to n where padded.
        overflow: whether pairs were left out.
        shrunk: whether the box is too small for the plan's cells.
    """
    from jax_md import partition

    box, n = glass.box, glass.position.shape[0]
    build = _list_functions(plan, glass.dim, box.orthogonal)
    empty = partition.NeighborList(
        idx=jnp.full((2, plan.capacity), n, jnp.int32),
        reference_position=glass.position,
        error=partition.PartitionError(jnp.zeros((), jnp.uint8)),
        cell_list_capacity=plan.cell_capacity or None,
        max_occupancy=plan.capacity,
        format=partition.NeighborListFormat.OrderedSparse,
        cell_size=1 / plan.cells if plan.cells else None,
        cell_list_fn=_cells(plan.cells) if plan.cells else None,
        update_fn=build.update,
    )
    position = jax.lax.stop_gradient(fractional(box, wrap(box, glass.position)))
    cell = jax.lax.stop_gradient(box.cell)
    listed = build.update(position, empty, cell=cell)
    codes = partition.PartitionErrorCode
    overflow = (listed.error.code & (codes.NEIGHBOR_LIST_OVERFLOW | codes.CELL_LIST_OVERFLOW)) > 0
    return listed.idx[0], listed.idx[1], overflow


def _list_functions(plan, dim, orthogonal):
    from jax_md import partition

    def displacement(a, b, cell=None, **unused):
        box = Box(jnp.eye(dim) if cell is None else cell, orthogonal)
        r = minimum_image(Box(jnp.eye(dim), True), a - b)
        return r * jnp.diagonal(box.cell) if orthogonal else box.cell @ r

    return partition.neighbor_list(
        displacement, 1.0, plan.radius, disable_cell_list=not plan.cells, fractional_coordinates=True,
        format=partition.NeighborListFormat.OrderedSparse,
    )  # fmt: skip


def _cells(cells):
    from jax_md import partition

    return partition.cell_list(1.0, 1 / cells * (1 - 1e-6), 1.0)


def total_energy(pair_energy, box, i, j, position, parameters):
    """Sum of a pair energy over a list of pairs, through jax-md's smap.

    Args:
        pair_energy: function (distance squared / 2, **parameters) of arrays over pairs.
        box: Box.
        i, j: (capacity,) pairs, n where padded.
        position: (n, d).
        parameters: dict of smap parameters: (k, k) tables with species, or (combinator, (n,) array).
    """
    from jax_md import partition, smap

    species = parameters.pop("species", None)
    metric = lambda a, b, **unused: minimum_image(box, a - b)  # noqa: E731
    mapped = smap.pair_neighbor_list(pair_energy, metric, species=species, **parameters)
    pairs = partition.NeighborList(
        idx=jnp.stack([i, j]), reference_position=position, error=None, cell_list_capacity=None, max_occupancy=i.shape[0],
        format=partition.NeighborListFormat.OrderedSparse, cell_size=None, cell_list_fn=None, update_fn=None,
    )  # fmt: skip
    return mapped(position, pairs)
