"""The state of a Monte Carlo run, the accounts it keeps, and Metropolis' rule."""

import jax.numpy as jnp
from jax import Array

from ...core.struct import Struct, static


class Tally(Struct):
    """Accounts of a run.

    Attributes:
        energy: total, carried along.
        moves, moved, swaps, swapped: attempts, and those accepted.
    """

    energy: Array
    moves: Array
    moved: Array
    swaps: Array
    swapped: Array

    def counting(self, swap, tried, yes, difference):
        """With more attempts (a,), two of which make one swap."""
        tries, hits = jnp.sum(tried), jnp.sum(yes)
        return Tally(
            self.energy + jnp.sum(jnp.where(yes, difference, 0.0)),
            self.moves + jnp.where(swap, 0, tries),
            self.moved + jnp.where(swap, 0, hits),
            self.swaps + jnp.where(swap, tries // 2, 0),
            self.swapped + jnp.where(swap, hits // 2, 0),
        )


def empty(energy):
    """A Tally before the first attempt."""
    zero = jnp.int64(0)
    return Tally(energy, zero, zero, zero, zero)


class State(Struct):
    """Particles, accounts and status of a run.

    Attributes:
        place: fractional coordinates (n,), one array each, not wrapped.
        kind: (n,) diameters or species.
        tally: Tally.
        status: bits.
    """

    place: list
    kind: Array
    tally: Tally
    status: Array


class Surroundings(Struct):
    """What all moves need of the box.

    Attributes:
        metric: squares of the cell vectors and, where they are not orthogonal, twice their
            products.
        inverse: (d, d), of the cell.
        orthogonal: whether the cell is diagonal.
    """

    metric: list
    inverse: Array
    orthogonal: bool = static()

    def moved(self, place, step):
        """Fractional coordinates after a Cartesian step."""
        dim = range(len(place))
        if self.orthogonal:
            return [place[a] + self.inverse[a, a] * step[a] for a in dim]
        return [place[a] + sum(self.inverse[a, b] * step[b] for b in dim) for a in dim]


def accepted(difference, lot, temperature):
    """Metropolis' rule: with probability min(1, exp(-difference / T)); lot is uniform in (0, 1)."""
    return difference < -temperature * jnp.log(lot)
