"""The kinds of terms that a particle can be the centre of."""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from .model import of_species


@dataclass(frozen=True)
class OfDistance:
    """A function of the distance as one of the separation."""

    shape: Callable

    def __call__(self, r, p):
        return self.shape(length(r), p)


@dataclass(frozen=True)
class Sums:
    """One term a particle: a function of sums over its neighbours, F(sum_a f(r_a)).

    Attributes:
        of_neighbour: function (r, p) -> number or array, of the separation r (d,) from the centre
            to a neighbour; p has the parameters, those of the neighbour where there is one a
            species, "cutoff", and "centre" and "kind", the species of both.
        of_sum: function (sum, p) -> energy; p has those of the centre, and "centre".
    """

    of_neighbour: Callable
    of_sum: Callable

    def at(self, model, r, centre, kind):
        """What neighbours of species ``kind`` at separations r (c, d) give to their centres."""
        return self._at(self.of_neighbour, model, r, centre, kind)

    def at_distance(self, model, x, centre, kind):
        """The same at distances x (c,), of an OfDistance."""
        function = self.of_neighbour.shape  # type: ignore[attr-defined]
        return self._at(function, model, x, centre, kind)

    def _at(self, function, model, r, centre, kind):
        def given(r, centre, kind):
            own = of_species(model.own, kind, len(model.sigma))
            return function(r, {**own, "centre": centre, "kind": kind, "cutoff": model.end})

        return jax.vmap(given)(r, centre, kind)

    def of(self, model, sums, centre):
        """The energies (m,) of centres of given species with these sums (m, ...)."""

        def energy(sums, centre):
            own = of_species(model.own, centre, len(model.sigma))
            return self.of_sum(sums, {**own, "centre": centre})

        return jax.vmap(energy)(sums, centre)


@dataclass(frozen=True)
class Triples:
    """One term for every two neighbours of a particle.

    Attributes:
        energy: function (r, s, p) -> energy, of the separations r and s (d,) from the centre to two
            neighbours, the same when they are exchanged; p has the parameters, "cutoff", and
            "centre", "first" and "second", the species of the three.
        sums: Sums that have the same total, for forces without a list of triples; or None.
    """

    energy: Callable
    sums: Sums | None = None

    def at(self, model, r, s, centre, first, second):
        """Energies (t,) of triples with separations r and s (t, d)."""
        fixed = {**model.own, "cutoff": model.end}
        of = lambda r, s, *k: self.energy(
            r, s, {**fixed, "centre": k[0], "first": k[1], "second": k[2]}
        )
        return jax.vmap(of)(r, s, centre, first, second)


def length(r):
    """|r| of a separation."""
    return jnp.sqrt(jnp.sum(r * r))
