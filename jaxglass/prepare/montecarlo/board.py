"""A sweep in the cells of a chequered board, in exact detailed balance.

The cells are as wide as the farthest interaction or wider. In one part of a sweep only cells of
one colour are active, every second one along each axis: particles of different active cells never
meet, so that one particle of each may be tried at once. Who would leave its cell stays, as who
would come back. Diameters or species are exchanged between cells a and (r - a) mod the number of
active cells, r drawn anew each time. The board lies elsewhere in every sweep.

No draw depends on the state but the one among the occupants of a cell, whose number no accepted
move changes: every part of a sweep leaves Boltzmann's distribution as it is.

Particles are sorted by cell, row after row of cells along the last axis, so that those around an
active cell are 3^(d-1) runs of three cells each.
"""

import functools
import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ...core.arrays import take
from ...core.status import Status, flag
from .change import Particles, energy_change
from .noise import uniforms
from .tally import accepted


class Board(NamedTuple):
    """Sizes, fixed before tracing.

    Attributes:
        cells: along each axis, even and four at least.
        room: for the particles in a cell and all around it.
    """

    cells: tuple[int, ...]
    room: int

    @property
    def active(self):
        """Cells of one colour."""
        return math.prod(self.cells) // 2 ** len(self.cells)


def plan_board(n, width, reach, room=1.0):
    """A Board for n particles in a box with these face distances, None where it is too small."""
    if width is None:
        return None
    cells = tuple(2 * int(w / (2 * reach)) for w in width)
    if min(cells) < 4:
        return None
    mean = 3 ** len(cells) * n / math.prod(cells)
    # The number in so large a part of a liquid varies by about a third of its root.
    return Board(cells, min(n, math.ceil(room * (mean + 2 * math.sqrt(mean) + 4))))


def tries_of(board, n, swap_chance):
    """Tries in one part of a sweep, on the average, so that a sweep makes n attempts."""
    return n / (2 ** len(board.cells) * board.active * (1 - swap_chance / 2))


@functools.cache
def _around(cells):
    """Tables of the active cells (colours, active): their numbers, columns, and rows of cells
    around (colours, 3^(d-1), active), the middle one its own.
    """
    dim = len(cells)
    colours = list(itertools.product((0, 1), repeat=dim))
    near = list(itertools.product((-1, 0, 1), repeat=dim - 1))
    numbers, rows = [], []
    for colour in colours:
        axes = [np.arange(c, size, 2) for c, size in zip(colour, cells, strict=True)]
        at = np.stack(np.meshgrid(*axes, indexing="ij")).reshape(dim, -1)
        numbers.append(np.ravel_multi_index(at, cells))
        shifted = [at[:-1] + np.array(step)[:, None] for step in near]
        rows.append([np.ravel_multi_index(s, cells[:-1], mode="wrap") for s in shifted])
    number = np.array(numbers, np.int32)
    return number, number % cells[-1], np.array(rows, np.int32)


def _cell(board, place):
    """Cell number of coordinates within the board."""
    total = 0
    for x, size in zip(place, board.cells, strict=True):
        total = total * size + jnp.clip(jnp.floor(x * size).astype(jnp.int32), 0, size - 1)
    return total


def sweep(model, all, board, tries, state, temperature, step, swap_chance, key, number):
    """One sweep.

    Args:
        model: settled model.
        all: Surroundings.
        board: Board.
        tries: in a part of a sweep, on the average.
        state: State.
        temperature: of Boltzmann's factor.
        step: each Cartesian component moves by at most this.
        swap_chance: that a try is a swap.
        key: of this sweep.
        number: of this sweep.
    """
    n, dim = len(state.kind), len(state.place)
    colours, most = 2**dim, math.ceil(tries) + 1
    shift, key = uniforms(jax.random.fold_in(key, 0), (dim,)), jax.random.fold_in(key, 1)
    draws = uniforms(key, (colours, most, (dim + 2) * board.active + 2))
    start = [x - s for x, s in zip(state.place, shift, strict=True)]
    start = [x - jnp.floor(x) for x in start]
    cell = _cell(board, start)
    bits = max(n - 1, 1).bit_length()
    order = jnp.sort((cell.astype(jnp.int64) << bits) | jnp.arange(n)) & ((1 << bits) - 1)
    count = jnp.zeros(math.prod(board.cells), jnp.int32).at[cell].add(1)
    first = jnp.concatenate([jnp.zeros(1, jnp.int32), jnp.cumsum(count)])
    particles = Particles(start, state.kind).at(lambda x: take(x, order))
    part = functools.partial(_part, model, all, board, temperature, step, swap_chance, first)

    def coloured(colour, carry):
        done = number * colours + colour
        count = jnp.floor((done + 1) * tries) - jnp.floor(done * tries)
        return part(colour, count.astype(jnp.int32), draws[colour], *carry)

    begin = particles, state.tally, state.status
    particles, tally, status = jax.lax.fori_loop(0, colours, coloured, begin)
    # Who did not move keeps its place to the last bit.
    back = lambda x: jnp.zeros_like(x).at[order].set(x, unique_indices=True)
    place = [x + (back(y) - s) for x, y, s in zip(state.place, particles.place, start, strict=True)]
    return state.replace(place=place, kind=back(particles.kind), tally=tally, status=status)


def _runs(board, first, colour):
    """Who is around the active cells of a colour.

    Returns:
        Numbers (w, a) of sorted particles, which of them there are, slot of the first own one and
        number of the own ones (a,), and whether there was too little room.
    """
    number, column, rows = (jnp.asarray(table)[colour] for table in _around(board.cells))
    wide = board.cells[-1]
    row = first[rows * wide]
    long = first[(rows + 1) * wide] - row
    left, right = (column - 1) % wide, (column + 1) % wide
    count = lambda column: first[rows * wide + column + 1] - first[rows * wide + column]
    begin = first[rows * wide + left] - row
    found = count(left) + count(column) + count(right)
    end = jnp.cumsum(found, axis=0)
    slot = jnp.arange(board.room)[:, None]
    at = jnp.zeros((board.room, board.active), jnp.int32)
    for run in reversed(range(len(rows))):  # runs one after the other, without gaps
        inner = begin[run] + slot - (end[run] - found[run])
        inner = row[run] + jnp.where(inner < long[run], inner, inner - long[run])
        at = jnp.where(slot < end[run], inner, at)
    there = slot < end[-1]
    middle = len(rows) // 2
    own = end[middle] - found[middle] + count(left)[middle]
    at = jnp.where(there, at, 0)
    return at, there, own, count(column)[middle], jnp.any(end[-1] > board.room)


def _part(
    model, all, board, temperature, step, swap_chance, first, colour, tries, draws,
    particles, tally, status,
):  # fmt: skip
    """The tries in the active cells of one colour."""
    active, dim = board.active, len(particles.place)
    at, there, own, count, full = _runs(board, first, colour)
    here = jnp.arange(active)
    number = jnp.asarray(_around(board.cells)[0])[colour]
    slots = jnp.arange(len(at))[:, None]
    status = status | flag(full, Status.NEIGHBOUR_OVERFLOW)
    near = particles.at(lambda x: take(x, at))

    def attempt(k, carry):
        particles, near, tally = carry
        single, each = draws[k, :2], draws[k, 2:].reshape(dim + 2, active)
        swap = single[0] < swap_chance
        slot = jnp.clip(own + jnp.floor(each[0] * count).astype(jnp.int32), 0, len(at) - 1)
        who = at[slot, here]
        before = particles.at(lambda x: take(x, who))
        partner = (jnp.floor(single[1] * active).astype(jnp.int32) - here) % active
        moved = all.moved(before.place, [step * (2 * u - 1) for u in each[2:]])
        after = Particles(
            [jnp.where(swap, x, y) for x, y in zip(before.place, moved, strict=True)],
            jnp.where(swap, take(before.kind, partner), before.kind),
        )
        difference = energy_change(model, all.metric, before, after, near, there & (slots != slot))
        both = difference + jnp.where(swap, take(difference, partner), 0.0)
        lot = jnp.where(swap, take(each[1], jnp.minimum(here, partner)), each[1])
        stays = _inside(board, number, after.place)
        allowed = jnp.where(swap, (here != partner) & (take(count, partner) > 0), stays)
        tried = (count > 0) & jnp.where(swap, allowed & (after.kind != before.kind), True)
        yes = tried & allowed & accepted(both, lot, temperature)
        after = jax.tree.map(lambda x, y: jnp.where(yes, x, y), after, before)
        nobody = jnp.where(yes, who, len(particles.kind))
        write = lambda x, y: x.at[nobody].set(y, mode="drop", unique_indices=True)
        particles = jax.tree.map(write, particles, after)
        near = jax.tree.map(lambda x, y: x.at[slot, here].set(y), near, after)
        return particles, near, tally.counting(swap, tried, yes, difference)

    particles, _, tally = jax.lax.fori_loop(0, tries, attempt, (particles, near, tally))
    return particles, tally, status


def _inside(board, number, place):
    """Whether coordinates lie in cells of these numbers."""
    good = True
    for x, size in zip(reversed(place), reversed(board.cells), strict=True):
        good = good & (jnp.floor(x * size).astype(jnp.int32) == number % size)
        number = number // size
    return good
