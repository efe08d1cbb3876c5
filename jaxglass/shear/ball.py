"""The bonds of a ball of free particles with each other and with the bound ones around it.

The glass holds the free particles first; bonds between two bound ones are not listed.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from ..core.arrays import dot
from ..core.status import Status, flag
from ..minimise.lists import Listing, listing_of
from ..models.pair import kinds, range_of
from ..neighbours import search
from ..system.bonds import compress
from ..system.box import minimum_image

# Of twice the pairs of as many particles in the bulk, the share with a free end in a ball of twice
# the reach: 0.7, as two free ends make one bond.
SHARED = 0.75


class BallPlan(NamedTuple):
    """Static sizes.

    Attributes:
        free: room for free particles.
        bonds: room for bonds.
        skin: bonds up to skin beyond their cutoff are kept.
    """

    free: int
    bonds: int
    skin: float


def plan_ball(model, glass, free, skin, room):
    """The BallPlan for so many free particles of a glass."""
    pairs = search.plan(model, glass, skin=skin, room=room).capacity / glass.count
    return BallPlan(free, max(64, int(2 * SHARED * pairs * free)), skin)


def list_ball(model, glass, free, plan) -> Listing:
    """The Listing of the ball's bonds: every free particle is held against all that follow it."""
    rows = min(plan.free, glass.count)
    i, j = jnp.arange(rows)[:, None], jnp.arange(glass.count)[None, :]
    kind = kinds(model, glass)
    cutoff = jax.lax.stop_gradient(range_of(model, kind[:rows, None], kind[None, :]))
    place = jax.lax.stop_gradient(glass.position)
    r = minimum_image(glass.box, place[None, :] - place[:rows, None])
    near = free[:rows, None] & (j > i) & (dot(r, r) < (cutoff + plan.skin) ** 2)
    flat = lambda a: jnp.broadcast_to(a, near.shape).reshape(-1)
    bonds, found = compress(flat(i), flat(j), flat(near), plan.bonds)
    status = (
        flag(found > plan.bonds, Status.BOND_OVERFLOW)
        | flag(jnp.sum(free) > plan.free, Status.NEIGHBOUR_OVERFLOW)
        | flag(jnp.max(jnp.where(near, cutoff, 0.0)) > model.reach, Status.BEYOND_REACH)
    )
    return listing_of(model, glass, bonds, status)
