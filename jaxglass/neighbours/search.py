"""Bonds of a glass: the pairs that interact, or will after a small motion.

Sizes are decided before tracing by ``plan``; what does not fit sets a status bit, and ``with_room``
answers it on the host by trying again with larger lists.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..core.arrays import dot
from ..core.checks import is_traced, refuse_stack
from ..core.status import Status, flag
from ..host.programs import drop_programs_in_time
from ..models.manybody import ManyBodyModel
from ..models.pair import PairModel, kinds, range_of
from ..models.shapes import hard
from ..system.bonds import compress
from ..system.box import face_distance, minimum_image
from . import jaxmd


class Plan(NamedTuple):
    """Sizes of everything that depends on who touches whom.

    Attributes:
        listing: the jax-md list, of radius reach + skin.
        capacity: bonds kept.
        skin: bonds up to skin beyond their cutoff are kept.
    """

    listing: jaxmd.ListPlan
    capacity: int
    skin: float


def plan(model, glass, *, skin=0.0, capacity=None, room=1.0):
    """The Plan for glasses like this one, from plain numbers only: it works on tracers."""
    n, dim = glass.count, glass.dim
    listing = jaxmd.plan_list(n, glass.box, model.reach + skin, room)
    if capacity is None:
        capacity = listing.capacity
        if model.contacts is not None:
            growth = (1 + skin / model.reach) ** dim
            capacity = min(
                capacity, int(room * (1.3 * growth * n * model.contacts + 4 * math.sqrt(n) + 16))
            )
    return Plan(listing, capacity, skin)


def find_bonds(model, glass, sizes):
    """The bonds of a glass, those up to ``sizes.skin`` beyond their cutoff included.

    Returns:
        Bonds and a status.
    """
    i, j, listed, overflow = jaxmd.pairs_in(sizes.listing, glass)
    kind = kinds(model, glass)
    cutoff = jax.lax.stop_gradient(range_of(model, kind[i], kind[j]))
    r = jax.lax.stop_gradient(minimum_image(glass.box, glass.position[j] - glass.position[i]))
    near = listed & (dot(r, r) < (cutoff + sizes.skin) ** 2)
    bonds, found = compress(i, j, near, sizes.capacity)
    width = jax.lax.stop_gradient(face_distance(glass.box.cell))
    reach = jnp.max(jnp.where(listed, cutoff, 0.0))
    status = (
        flag(overflow, Status.NEIGHBOUR_OVERFLOW)
        | flag(found > sizes.capacity, Status.BOND_OVERFLOW)
        | flag(reach > model.reach, Status.BEYOND_REACH)
        | flag(jnp.min(width) < 2 * reach, Status.BOX_TOO_SMALL)
        | _shrunk(sizes.listing, width)
        | _unknown_species(model, glass)
    )
    return bonds, status


def _shrunk(listing, width):
    """Whether the cells of the grid are narrower than the radius of the list in some direction."""
    if not listing.cells:
        return jnp.int32(0)
    needed = np.array(listing.cells) * listing.radius * (1 - 1e-9)
    return flag(jnp.any(width < needed), Status.BOX_CHANGED)


def _unknown_species(model, glass):
    if model.sigma is None or glass.species is None:
        return jnp.int32(0)
    return flag(jnp.any(glass.species >= model.sigma.shape[-1]), Status.UNKNOWN_SPECIES)


OVERFLOWS = Status.NEIGHBOUR_OVERFLOW | Status.BOND_OVERFLOW


def with_room(attempt, *trees, overflows=OVERFLOWS):
    """Runs ``attempt(room)``; outside tracing, again with doubled room after an overflow.

    Args:
        attempt: function of the factor on every capacity, returning something with a ``status``.
        trees: the inputs, looked at to tell whether they are traced.
        overflows: bits that are answered by more room.
    """
    if not is_traced(trees):
        drop_programs_in_time()
    room = 1.0
    result = attempt(room)
    # A result is traced, too, where concrete inputs are met while tracing others.
    while not is_traced(trees, result) and room < 64:
        if not np.any(np.asarray(result.status) & int(overflows)):
            break
        room *= 2
        result = attempt(room)
    return result


def check(model, glass, *, many=False):
    """Refuses a concrete glass that the model cannot describe, with a sentence; and a model of many
    bodies, unless they are served.
    """
    if isinstance(model, ManyBodyModel) and not many:
        raise TypeError(
            f"model must be a PairModel here, found {model.name}, which has terms of more than two "
            "particles"
        )
    if not isinstance(model, PairModel | ManyBodyModel):
        raise TypeError(f"model must be a PairModel, found {type(model).__name__}")
    refuse_stack("glass must be a single one", glass.position)
    if model.sigma is None and glass.diameter is None:
        raise ValueError(f"glass must have diameters for the model {model.name}, found species")
    if model.sigma is not None and glass.species is None:
        raise ValueError(f"glass must have species for the model {model.name}, found diameters")
    if is_traced(model, glass):
        return
    with jax.ensure_compile_time_eval():  # the glass may be a constant of what is traced
        _check_values(model, glass)


def check_forces(model):
    """Refuses a model whose particles are hard."""
    if isinstance(model, PairModel) and model.shape is hard:
        raise ValueError(
            f"model must have forces, found the hard particles of {model.name}: "
            "they move by jg.swap_monte_carlo"
        )


def _check_values(model, glass):
    if model.sigma is not None and np.max(glass.species) >= model.sigma.shape[0]:
        raise ValueError(
            f"species must be below {model.sigma.shape[0]} for the model {model.name}, "
            f"found {int(np.max(glass.species))}"
        )
    if model.sigma is not None and not np.all(np.asarray(model.sigma) > 0):
        raise ValueError(
            f"sigma must be positive for every pair of species, found {np.min(model.sigma):.6g}"
        )
    cutoff = _largest_cutoff(model, glass)
    width = float(np.min(face_distance(glass.box.cell)))
    if width < 2 * cutoff:
        raise ValueError(
            f"box must be at least two cutoffs wide, {2 * cutoff:.6g} for the model {model.name}, "
            f"found {width:.6g} between opposite faces"
        )
    if cutoff > model.reach:
        raise ValueError(
            f"an interaction of the model {model.name} reaches {cutoff:.6g}, "
            f"beyond its bound {model.reach:.6g}; build the model with a larger diameter_bound, "
            "or with the sizes it has now"
        )


def _largest_cutoff(model, glass):
    """The longest cutoff over the species in the glass, or of the largest diameter with itself.

    In NumPy, as it runs on every call.
    """
    kind = np.asarray(kinds(model, glass))
    present = np.unique(kind) if model.sigma is not None else np.max(kind, keepdims=True)
    longest = range_of(jax.tree.map(np.asarray, model), present[:, None], present)
    return float(np.max(longest))
