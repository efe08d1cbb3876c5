"""Stillinger and Weber's potential of silicon, and the glassformer made of it.

    pairs     A (B r^-p - r^-q) exp(1 / (r - a))
    triples   lambda exp(gamma / (r - a) + gamma / (s - a)) (cos + 1/3)^2

in units of its length and energy (Stillinger and Weber, Phys. Rev. B 31, 5262 (1985)). Silicon has
lambda = 21. All is smooth at the cutoff a, but varies there on the scale (a - r)^2.
"""

import jax.numpy as jnp

from .build import many_body
from .model import ManyBodyModel
from .terms import Sums, Triples, length


def _pair(t, p):
    r = jnp.sqrt(t)
    return p["A"] * (p["B"] * r ** -p["p"] - r ** -p["q"]) * jnp.exp(1.0 / (r - p["cutoff"]))


def _arm(r, p):
    """exp(gamma / (r - a)), for r below a."""
    return jnp.exp(p["gamma"] / (r - p["cutoff"]))


def _triple(r, s, p):
    a, b = length(r), length(s)
    bend = jnp.sum(r * s) / (a * b) - p["cosine"]
    return p["strength"] * _arm(a, p) * _arm(b, p) * bend * bend


def _of_neighbour(r, p):
    """h, h u, h u u and h^2 along the direction u."""
    a = length(r)
    h, u = _arm(a, p), r / a
    return h, h * u, h * u[:, None] * u, h * h


def _of_sum(sums, p):
    """Over couples of neighbours a, b: half of all minus the diagonal, of h_a h_b (cos - c)^2."""
    s, vector, tensor, square = sums
    c = p["cosine"]
    every = jnp.sum(tensor * tensor) - 2 * c * jnp.sum(vector * vector) + c * c * s * s
    return 0.5 * p["strength"] * (every - (1 - c) ** 2 * square)


def stillinger_weber(
    strength=18.75,
    *,
    cutoff=1.8,
    A=7.049556277,
    B=0.6022245584,
    p=4.0,
    q=0.0,
    gamma=1.2,
    cosine=-1 / 3,
    contacts: float | None = 6.1,
    name: str = "sw",
) -> ManyBodyModel:
    """Stillinger and Weber's potential in reduced units.

    Args:
        strength: lambda, of triples: 21 is silicon, 18.75 the glassformer.
        cutoff, A, B, p, q, gamma: as in its formula.
        cosine: of the angle that triples want.
        contacts: expected pairs per particle, for programs traced without positions.
        name: used in messages.

    Example:
        >>> float(jg.models.stillinger_weber(21.0).parameters["strength"])
        21.0
    """
    parameters = {
        "strength": strength, "A": A, "B": B, "p": p, "q": q, "gamma": gamma, "cosine": cosine,
    }  # fmt: skip
    terms = (Triples(_triple, Sums(_of_neighbour, _of_sum)),)
    return many_body(
        _pair, terms, parameters, cutoff=cutoff, species=1, contacts=contacts, name=name
    )
