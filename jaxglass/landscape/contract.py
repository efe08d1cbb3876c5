"""What an expansion can do, and the one check of it, made once at every public door.

An expansion is a sum over groups of terms: pairs, an arbitrary energy, the blocks of a bare
Hessian. Whatever its groups, it has ``position`` (n, d), ``count``, ``status`` and ``second(z)``,
the product M z of fields (n, d) or of columns (n, d, c). What it has beyond that it names in
``has``:

    part     methods and fields                                             pairs  energy  Hessian
    bonds    bonds, difference(z), scatter(per bond): a term's view of z      x              x
    terms    separation, derivative, energy, force, stiffness of every bond   x
    groups   two, the pairs, and groups of terms of more particles            x
    higher   third(a, b), fourth(z)                                           x      x
    glass    glass: particles in a box                                        x      x
    blocks   the Hessian in blocks, which the direct engine factors           x

A model of many bodies has bonds, groups, higher, glass and blocks. A new group of terms writes its
own ``difference``, ``scatter``, ``second``, ``third`` and ``fourth`` and names its parts; nothing
else asks what kind of expansion it holds.
"""

from typing import Any

from ..core.checks import refuse_stack

NEEDS = {
    "bonds": (
        "the bonds of a pair model",
        "expand a PairModel, or give from_hessian the pairs that interact",
    ),
    "terms": (
        "the bonds of a pair model with all energy in them",
        "expand a PairModel",
    ),
    "groups": (
        "the bonds and terms of a model",
        "expand a model with its glass",
    ),
    "higher": (
        "third and fourth derivatives",
        "expand a PairModel or an energy(position)",
    ),
    "glass": (
        "particles in a box",
        "expand a model with its glass",
    ),
    "blocks": (
        "the blocks of a Hessian",
        "expand a PairModel, give from_hessian a matrix, or use a method that needs only products",
    ),
}


def need(function: str, e: Any, *parts: str) -> None:
    """Refuses what is not the expansion of one glass with these parts, in a sentence.

    Args:
        function: name of the public function that asks.
        e: what it was given.
        parts: what it needs, of NEEDS.
    """
    has = getattr(type(e), "has", None)
    if has is None:
        raise TypeError(
            f"e must be an expansion, from expand or from_hessian, found {type(e).__name__}"
        )
    refuse_stack("e must be of a single glass", e.position)
    for part in parts:
        if part not in has:
            what, advice = NEEDS[part]
            raise ValueError(f"{function} needs {what}, found {e.kind}: {advice}")


def provides(e: Any, *parts: str) -> bool:
    """Whether an expansion has all of these parts: for methods called "auto"."""
    return set(parts) <= type(e).has
