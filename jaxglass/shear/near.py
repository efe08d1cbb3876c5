"""Who may interact near a glass: the bonds of a pair model, or all that may share a term of a model
of many bodies.
"""

from ..landscape.expansion import at_bonds
from ..landscape.listed import TermList, TermPlan, list_terms, plan_terms
from ..landscape.terms import at_terms
from ..models.manybody.model import is_many
from ..neighbours import search
from ..system.bonds import Bonds

Near = Bonds | TermList
NearPlan = search.Plan | TermPlan


def plan_near(model, glass, skin, room) -> NearPlan:
    """Sizes for all that come near, up to a skin, from plain numbers only."""
    plan = plan_terms if is_many(model) else search.plan
    return plan(model, glass, skin=skin, room=room)


def bonds_plan(sizes):
    """The Plan of the bonds alone."""
    return sizes.bonds if isinstance(sizes, TermPlan) else sizes


def near_on(model, glass, bonds, sizes):
    """Who may interact where these bonds are near, and a status."""
    return list_terms(model, glass, bonds, sizes) if is_many(model) else (bonds, 0)


def find_near(model, glass, sizes):
    """Who may interact near a glass, and a status."""
    bonds, found = search.find_bonds(model, glass, bonds_plan(sizes))
    near, status = near_on(model, glass, bonds, sizes)
    return near, status | found


def coupled(near) -> Bonds:
    """The pairs that have a block of the Hessian."""
    return near.pairs if isinstance(near, TermList) else near


def room_for_coupled(sizes):
    """How many of them to expect."""
    if not isinstance(sizes, TermPlan):
        return sizes.capacity
    return sizes.bonds.capacity + sizes.second


def expansion_on(model, glass, near, order):
    """The expansion with derivatives of pairs up to an order."""
    expand = at_terms if is_many(model) else at_bonds
    return expand(model, glass, near, order)
