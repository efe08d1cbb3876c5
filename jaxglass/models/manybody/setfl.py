"""Tables of embedded atoms in LAMMPS' setfl format: eam/alloy, and eam/fs, in which the density
depends on the particle that feels it too.

    3 lines of comment; "count element ..."; "nrho drho nr dr cutoff"; for every element a line
    "number mass lattice-constant lattice", F at nrho densities from 0 on, f at nr distances from 0
    on (fs: one such block for each element that feels it); then r phi at nr distances for the
    elements (1,1), (2,1), (2,2), (3,1) ...

Distances are angstrom and energies eV where the file says nothing else.
"""

import os
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from ...core.checks import choice
from . import splines
from .embedded import embedded_atom
from .model import ManyBodyModel


class Setfl(NamedTuple):
    """What a file holds: elements, masses, grids, F (k, nrho), f (feels, gives, nr), r phi (pairs,
    nr), cutoff.
    """

    elements: tuple
    masses: tuple
    drho: float
    dr: float
    function: np.ndarray
    density: np.ndarray
    product: np.ndarray
    cutoff: float


def read_eam(
    path,
    *,
    elements: tuple | None = None,
    style: str | None = None,
    interpolation: str = "quintic",
) -> ManyBodyModel:
    """The model of a table of embedded atoms.

    Args:
        path: file in LAMMPS' setfl format.
        elements: names of the species in the order wanted; by default those of the file in its own.
        style: "alloy" or "fs"; by default "fs" if the name of the file ends so.
        interpolation: "quintic", splines of degree 5, whose fourth derivatives are continuous, or
            "lammps", the cubic pieces that LAMMPS makes: their second derivatives jump from one
            interval to the next, and expansions feel it.

    Returns:
        ManyBodyModel. Its ``parameters["mass"]`` holds the masses of the file, one a species:
        ``jg.lowest_modes(e, 10, mass=model.parameters["mass"][glass.species])``.

    Example:
        >>> jg.models.read_eam("CuZr.eam.alloy")            # doctest: +SKIP
    """
    choice("interpolation", interpolation, splines.KINDS)
    path = os.fspath(path)
    style = choice("style", style or ("fs" if path.endswith(".fs") else "alloy"), ("alloy", "fs"))
    table = read_setfl(path, style)
    if elements is not None:
        table = _chosen(table, elements)
    scaled = lambda values: splines.pieces(values, interpolation)
    parameters = {
        "embedding": scaled(table.function),
        "given": scaled(table.density),
        "product": scaled(table.product),
        "per_density": 1 / table.drho,
        "per_distance": 1 / table.dr,
        "mass": np.array(table.masses),
    }
    return embedded_atom(
        _pair,
        _density,
        _function,
        parameters,
        cutoff=table.cutoff,
        species=len(table.elements),
        name=os.path.basename(path),
    )


def _chosen(table, elements):
    """The tables of some elements, in their order."""
    for element in elements:
        choice("elements", element, table.elements)
    at = [table.elements.index(element) for element in elements]
    row = lambda a, b: max(a, b) * (max(a, b) + 1) // 2 + min(a, b)
    pairs = [row(at[a], at[b]) for a in range(len(at)) for b in range(a + 1)]
    return table._replace(
        elements=tuple(elements),
        masses=tuple(table.masses[k] for k in at),
        function=table.function[at],
        density=table.density[at][:, at],
        product=table.product[pairs],
    )


def _pair(r, p):
    high, low = p["kind_2"], p["kind_1"]
    row = jnp.round(high * (high + 1) / 2 + low).astype(jnp.int32)
    return splines.evaluate(p["product"], (row,), r * p["per_distance"]) / r


def _density(r, p):
    row = p["centre"], p["kind"]
    return splines.evaluate(p["given"], row, r * p["per_distance"])


def _function(rho, p):
    return splines.evaluate(p["embedding"], (p["centre"],), rho * p["per_density"])


def read_setfl(path, style="alloy") -> Setfl:
    """The tables of a file, with a sentence about what is wrong with it."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()[3:]
    words = _Words(path, style, " ".join(lines).split())
    count = words.integer("the number of elements")
    elements = tuple(words.take(count, "the names of the elements"))
    nrho, drho = words.integer("the number of densities"), words.number("the step of density")
    nr, dr = words.integer("the number of distances"), words.number("the step of distance")
    cutoff = words.number("the cutoff")
    if min(nrho, nr) < 8 or min(drho, dr, cutoff) <= 0:
        raise ValueError(
            f"{path} must have at least 8 densities and distances, positive steps and a positive "
            f"cutoff, found {nrho}, {nr}, {drho}, {dr}, {cutoff}"
        )
    masses, function, density = [], [], []
    for element in elements:
        words.take(1, f"the atomic number of {element}")
        masses.append(words.number(f"the mass of {element}"))
        words.take(2, f"the lattice of {element}")
        function.append(words.numbers(nrho, f"the embedding of {element}"))
        blocks = count if style == "fs" else 1
        given = [words.numbers(nr, f"the density of {element}") for _ in range(blocks)]
        density.append(given if style == "fs" else given * count)
    pairs = count * (count + 1) // 2
    product = [words.numbers(nr, "the energies of pairs") for _ in range(pairs)]
    words.finish()
    felt = np.moveaxis(np.array(density), 0, 1)
    return Setfl(
        elements, tuple(masses), drho, dr, np.array(function), felt, np.array(product), cutoff
    )


class _Words:
    """The words of a file, taken one after the other."""

    def __init__(self, path, style, words):
        self.path, self.style, self.words, self.at = path, style, words, 0

    def take(self, count, what):
        found = self.words[self.at : self.at + count]
        if len(found) < count:
            raise ValueError(
                f"{self.path} must hold {what} (setfl, eam/{self.style}), but ends before it"
            )
        self.at += count
        return found

    def numbers(self, count, what):
        found = self.take(count, what)
        try:
            return np.array(found, float)
        except ValueError:
            raise ValueError(
                f"{self.path} must hold {count} numbers for {what} (setfl, eam/{self.style}), "
                f"found {next(w for w in found if not _is_number(w))!r} among them: "
                "is it of the other style?"
            ) from None

    def number(self, what):
        return float(self.numbers(1, what)[0])

    def integer(self, what):
        (word,) = self.take(1, what)
        if not word.isdigit() or int(word) < 1:
            raise ValueError(
                f"{self.path} must hold {what} (setfl, eam/{self.style}), found {word[:40]!r}"
            )
        return int(word)

    def finish(self):
        if left := len(self.words) - self.at:
            raise ValueError(
                f"{self.path} must end after the energies of pairs (setfl, eam/{self.style}), "
                f"found {left} more words: is it of the other style?"
            )


def _is_number(word):
    try:
        float(word)
    except ValueError:
        return False
    return True
