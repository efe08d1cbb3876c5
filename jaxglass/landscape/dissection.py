"""The Hessian of an expansion on a tree of nested dissection (linalg/nested): which pairs it has,
how the tree is laid out, what it takes in memory.

A spring on the mean displacement of the root's particles makes the matrix positive. It changes
nothing that does not see translations: M^-1 b for forces b that sum to zero, blocks of M^-1 seen by
bonds, and det M up to a known factor.
"""

import functools

import jax
import jax.numpy as jnp

from ..core.checks import is_traced
from ..core.samples import loop_on_cpu
from ..host.programs import drop_programs_in_time
from ..linalg import nested, nested_inverse
from ..linalg.nested_tree import ROOMY, SNUG, dissect, exact_plan, usual_plan
from ..system.box import fractional
from .contract import provides


def tree_of(e):
    """The Tree of an expansion's pairs; one of their own size where the usual one has no room and
    they are concrete.
    """
    pairs = e.pairs
    at = e.place, pairs.i, pairs.j, pairs.valid
    if is_traced(e):
        return loop_on_cpu(functools.partial(dissect, _usual(e, ROOMY)))(*at)
    drop_programs_in_time()
    with jax.core.eval_context():  # concrete, though others may be traced
        usual = dissect(_usual(e), *at)
        return dissect(exact_plan(*at, _width(e)), *at) if bool(usual.overflow) else usual


def plan_of(glass, pairs, room):
    """The Plan of trees for a glass with room for so many pairs, from plain numbers only."""
    return usual_plan(glass.count, _width_of(glass), pairs, room)


def own_plan(glass, bonds, room):
    """The Plan of a concrete glass and its bonds, with room for changes."""
    place = fractional(glass.box, glass.position)
    return exact_plan(place, bonds.i, bonds.j, bonds.valid, _width_of(glass), room)


def tree_on(plan, glass, bonds):
    """The Tree of the bonds of a glass by a given Plan; it may overflow."""
    place = fractional(glass.box, glass.position)
    make = loop_on_cpu(functools.partial(dissect, plan))
    return make(place, bonds.i, bonds.j, bonds.valid)


def _usual(e, room=SNUG):
    return usual_plan(e.count, _width(e), e.likely, room)


def _width(e):
    """Lengths that decide which axis is cut first; all alike where nothing is known."""
    return _width_of(e.glass) if provides(e, "glass") else (1.0,) * e.place.shape[-1]


def _width_of(glass):
    return glass.box.width or (1.0,) * glass.dim


def memory(e):
    """Estimate of the bytes that factor and selected inverse take."""
    return nested.memory(_usual(e), e.position.shape[-1])


def factor(e, tree, shift=0.0):
    """Factors M + shift."""
    return nested.factor(tree, *e.blocks, shift)


def bond_blocks(e, factor):
    """B_b = G_ii + G_jj - G_ij - G_ji of every bond, and G_ii of every particle; differentiable in
    the expansion.

    Shapes (b, d, d) and (n, d, d).
    """
    mixed, own = nested_inverse.inverse_blocks(factor, *e.blocks)
    return _seen_by_bonds(e, mixed, own), own


def squared_bond_blocks(e, factor):
    """The blocks of G and of G^2 on bonds, (b, d, d) each: the second are minus the change of the
    first with the diagonal.
    """
    diagonal, coupling = e.blocks
    unit = jnp.broadcast_to(jnp.eye(diagonal.shape[-1]), diagonal.shape)
    attached = nested_inverse.attached(factor, diagonal, coupling)
    change = nested_inverse.change_of_selected(attached, unit, jnp.zeros_like(coupling))
    return bond_blocks(e, factor)[0], -_seen_by_bonds(e, *change)


def _seen_by_bonds(e, mixed, own):
    i, j, valid = e.bonds.i, e.bonds.j, e.bonds.valid
    mixed = mixed[: e.bonds.capacity]
    seen = own[i] + own[j] - mixed - jnp.swapaxes(mixed, -1, -2)
    return jnp.where(valid[:, None, None], seen, 0.0)
