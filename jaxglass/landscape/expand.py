"""The one door to expansions of an energy."""

from typing import Any

import jax.numpy as jnp

from ..core.checks import integer
from ..models.manybody.model import ManyBodyModel
from ..models.pair import PairModel
from ..system.glass import Glass
from .energy import EnergyExpansion
from .expansion import expand_pairs
from .terms import expand_terms


def expand(model: Any, glass: Glass, *, capacity: int | None = None) -> Any:
    """Expands the energy of a glass to fourth order about its positions.

    Args:
        model: PairModel; ManyBodyModel, whose expansion has groups of terms too; or any function
            energy(position) -> scalar, which gives an expansion without bonds that serves every
            matrix-free method.
        glass: Glass, usually an inherent structure from ``quench``.
        capacity: number of bonds to make room for. Default: what the glass needs, rounded up; under
            tracing, what the model expects.

    Returns:
        Expansion with glass, bonds (i, j, valid), separation, energy, force, stiffness per bond,
        and status. Bond overflow and rattlers are flagged in status.

    Example:
        >>> e = jg.expand(jg.models.get("ipl2d"), jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> int(e.bonds.count), e.stiffness.shape[1:]
        (1, (2, 2))
    """
    if capacity is not None:
        integer("capacity", capacity, at_least=1)
        if not isinstance(model, PairModel):
            raise ValueError(
                "capacity is a number of bonds, for a PairModel; leave it out for "
                f"{getattr(model, 'name', 'energy(position)')}"
            )
    if isinstance(model, PairModel):
        return expand_pairs(model, glass, capacity)
    if isinstance(model, ManyBodyModel):
        return expand_terms(model, glass)
    if not callable(model):
        raise TypeError(
            "model must be a PairModel or a function energy(position), or a ManyBodyModel, "
            f"found {type(model).__name__}"
        )
    return EnergyExpansion(glass, jnp.int32(0), model)
