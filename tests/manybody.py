"""Models of many bodies that tests share, and the same sums taken over everybody."""

import functools
import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import jaxglass as jg

DATA = Path(__file__).parent / "data" / "manybody"
FILES = {"sw": "sw_216", "cuzr": "cuzr_192", "tables": "tables"}


@functools.cache
def reference(name):
    """Values of a reference glass."""
    return dict(np.load(DATA / f"{FILES[name]}.npz"))


def at(r, position):
    """The glass of reference values at some positions."""
    return jg.glass(jnp.asarray(position), float(r["length"]), species=jnp.asarray(r["kind"]))


@functools.cache
def expansion(name):
    """The expansion of a reference glass."""
    r = reference(name)
    return jg.require(jg.expand(jg.models.get(name), at(r, r["position"])))


def _end(r, p):
    return (1 - r / p["cutoff"]) ** 6


def _repel(r, p):
    return p["push_1"] * p["push_2"] * _end(r, p)


def _bend(r, s, p):
    a, b = jnp.sqrt(r @ r), jnp.sqrt(s @ s)
    strength = p["stiffness"] * (1 + 0.3 * p["centre"] + 0.1 * (p["first"] + p["second"]))
    return strength * _end(a, p) * _end(b, p) * (r @ s / (a * b) + 0.5) ** 2


def _gives(r, p):
    return p["gives"] * (1 + 0.2 * p["centre"]) * _end(r, p)


def _embedded(rho, p):
    return -p["depth"] * jnp.sqrt(rho + 0.01)


def three_bodies():
    """Two species in the plane with an energy of angles."""
    numbers = {"stiffness": 9.0, "push": [3.0, 4.0]}
    return jg.models.three_body(_repel, _bend, numbers, cutoff=1.9, species=2)


def embedded_atoms():
    """Two species of embedded atoms in the plane."""
    numbers = {"depth": [0.5, 0.7], "gives": [1.0, 1.5], "push": [3.0, 4.0]}
    return jg.models.embedded_atom(_repel, _gives, _embedded, numbers, cutoff=1.9, species=2)


def brute_glass(n=30, density=0.8):
    """A planar glass of two species with room between its particles."""
    x = jax.random.uniform(jax.random.key(3), (n, 2)) * (n / density) ** 0.5
    glass = jg.glass(x, (n / density) ** 0.5, species=jnp.arange(n) % 2)
    return jg.prepare.push_apart(jg.models.get("ipl2d"), glass)


def brute_force(model, glass):
    """The function position -> energy, every pair and every triple looked at."""
    n, edge = glass.count, float(glass.box.cell[0, 0])
    species, p = np.asarray(glass.species), {**model.parameters, "cutoff": model.cutoff}
    i, j = np.triu_indices(n, 1)
    triples = np.array([(c, a, b) for c in range(n) for a, b in itertools.combinations(range(n), 2)
                        if c not in (a, b)])  # fmt: skip
    own = lambda name, k: p[name][k] if jnp.ndim(p[name]) else p[name]

    def energy(x):
        r = x[None] - x[:, None]
        r = r - edge * jnp.round(r / edge)
        square = jnp.sum(r * r, axis=-1) + jnp.eye(n)
        near = (square < model.cutoff**2) & ~jnp.eye(n, dtype=bool)
        r = jnp.where(near[..., None], r, jnp.array([0.9 * model.cutoff, 0.0]))
        d = jnp.sqrt(jnp.sum(r * r, axis=-1))
        low, high = np.minimum(species[i], species[j]), np.maximum(species[i], species[j])
        two = {**p, "push_1": own("push", low), "push_2": own("push", high)}
        total = jnp.sum(jnp.where(near[i, j], _repel(d[i, j], two), 0.0))
        if "stiffness" in p:
            c, a, b = triples.T
            of = lambda r, s, k: _bend(r, s, {**p, "centre": k[0], "first": k[1], "second": k[2]})
            each = jax.vmap(of)(r[c, a], r[c, b], jnp.asarray(species[triples]))
            return total + jnp.sum(jnp.where(near[c, a] & near[c, b], each, 0.0))
        given = _gives(d, {**p, "gives": p["gives"][species][None], "centre": species[:, None]})
        rho = jnp.sum(jnp.where(near, given, 0.0), axis=1)
        return total + jnp.sum(_embedded(rho, {**p, "depth": p["depth"][species]}))

    return energy
