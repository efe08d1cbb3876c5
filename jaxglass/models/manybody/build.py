"""A model of pairs and triples from two functions of a user."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.checks import a_function, finite, float64, integer, is_traced, positive
from ..build import ROOM
from ..shapes import OfSquare
from .model import ManyBodyModel
from .terms import Triples


def three_body(
    pair: Callable,
    triple: Callable,
    parameters: dict[str, Any] | None = None,
    *,
    cutoff: Any,
    species: int = 1,
    contacts: float | None = None,
    name: str | None = None,
) -> ManyBodyModel:
    """A model of pairs and triples.

    Args:
        pair: function (r, p) -> energy of a pair at distance r; it and its derivatives vanish at
            the cutoff.
        triple: function (r, s, p) -> energy of a particle with two neighbours, at the separations
            r and s (d,) from it; the same when the two are exchanged.
        parameters: dict of continuous parameters, numbers or arrays; both functions find them in p,
            with "cutoff", and triples with the species of the three, p["centre"], p["first"] and
            p["second"]. Of arrays with one number a species pairs find both, as p["name_1"] and
            p["name_2"].
        cutoff: distance at which pairs and triples end.
        species: number of species.
        contacts: expected pairs per particle, for programs traced without positions.
        name: used in messages.

    Returns:
        ManyBodyModel, a pytree whose leaves are the continuous parameters.

    Example:
        >>> def pair(r, p): return (1 - r / p["cutoff"]) ** 5
        >>> def triple(r, s, p):
        ...     a, b = jnp.sqrt(r @ r), jnp.sqrt(s @ s)
        ...     ends = ((1 - a / p["cutoff"]) * (1 - b / p["cutoff"])) ** 5
        ...     return p["stiffness"] * ends * (r @ s / (a * b) + 0.5) ** 2
        >>> model = jg.models.three_body(pair, triple, {"stiffness": 3.0}, cutoff=1.6)
        >>> corner = jg.glass([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 8.0)
        >>> bool(jg.energy(model, corner) > 0)
        True
    """
    a_function("pair", pair)
    a_function("triple", triple)
    return many_body(
        OfSquare(pair),
        (Triples(triple),),
        parameters,
        cutoff=cutoff,
        species=species,
        contacts=contacts,
        name=name or triple.__name__,
    )


def many_body(shape, terms, parameters, *, cutoff, species, contacts, name) -> ManyBodyModel:
    """The model of a shape (t, p) of pairs and of terms, its parts checked."""
    parameters = {k: float64(f"parameters[{k!r}]", v) for k, v in (parameters or {}).items()}
    if taken := {"cutoff", "centre", "kind", "first", "second"} & set(parameters):
        raise ValueError(
            f"parameters must not contain {', '.join(map(repr, sorted(taken)))}: "
            "functions find them in p"
        )
    integer("species", species, at_least=1)
    cutoff = float64("cutoff", cutoff)
    finite("cutoff", cutoff)
    if cutoff.ndim and cutoff.shape != (species, species):
        raise ValueError(
            f"cutoff must be a number or a ({species}, {species}) table, found shape {cutoff.shape}"
        )
    if is_traced(cutoff):
        raise ValueError(
            "build a model outside jit and change its leaves with model.replace(...) inside"
        )
    positive("cutoff", float(np.min(cutoff)))
    reach = ROOM * float(np.max(cutoff))
    return ManyBodyModel(parameters, cutoff, shape, tuple(terms), species, reach, contacts, name)
