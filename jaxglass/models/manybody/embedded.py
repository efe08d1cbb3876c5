"""Embedded atoms: pairs, and one energy a particle of the density that its neighbours give.

U = sum over pairs phi_ab(r) + sum_i F_a(rho_i),      rho_i = sum_j f_ab(r_ij)
"""

from collections.abc import Callable
from typing import Any

from ...core.checks import a_function
from ..shapes import OfSquare
from .build import many_body
from .model import ManyBodyModel
from .terms import OfDistance, Sums


def embedded_atom(
    pair: Callable,
    density: Callable,
    function: Callable,
    parameters: dict[str, Any] | None = None,
    *,
    cutoff: Any,
    species: int = 1,
    contacts: float | None = None,
    name: str | None = None,
) -> ManyBodyModel:
    """A model of embedded atoms from three functions.

    Args:
        pair: function (r, p) -> phi at distance r; p has of arrays with one number a species those
            of both particles, ``name_1`` and ``name_2``, the lower species first.
        density: function (r, p) -> f, what a neighbour gives at distance r; p has the neighbour's
            numbers, and "centre" and "kind", the species of both.
        function: function (rho, p) -> F; p has the centre's numbers, and "centre".
        parameters: dict of continuous parameters: numbers, arrays with one number a species, or
            other arrays, which come whole.
        cutoff: distance at which pairs and densities end: they and their derivatives vanish there.
        species: number of species.
        contacts: expected pairs per particle, for programs traced without positions.
        name: used in messages.

    Returns:
        ManyBodyModel, a pytree whose leaves are the continuous parameters.

    Example:
        >>> def pair(r, p): return p["push"] * (1 - r / p["cutoff"]) ** 6
        >>> def density(r, p): return p["gives"] * (1 - r / p["cutoff"]) ** 6
        >>> def function(rho, p): return -jnp.sqrt(rho)
        >>> numbers = {"push": 4.0, "gives": [1.0, 1.3]}
        >>> model = jg.models.embedded_atom(pair, density, function, numbers, cutoff=2.0, species=2)
        >>> two = jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0, species=[0, 1])
        >>> round(float(jg.energy(model, two)), 6)
        -0.205022
    """
    a_function("pair", pair)
    a_function("density", density)
    a_function("function", function)
    return many_body(
        OfSquare(pair),
        (Sums(OfDistance(density), function),),
        parameters,
        cutoff=cutoff,
        species=species,
        contacts=contacts,
        name=name or function.__name__,
    )
