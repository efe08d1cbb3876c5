"""A list of bonds that is kept, and the proof that it is still right.

A list holds every pair closer than its cutoff c plus a skin. If the box goes by the map 1 + E and
particles move by u_i beyond it, a pair that was c + skin apart or more is still c apart while

    |E| (c + skin) + 2 max |u_i| <= skin.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct
from ..neighbours.search import find_bonds
from ..system.bonds import Bonds
from ..system.box import determinant, face_distance, inverse, minimum_image


class Listing(Struct):
    """A list of bonds, and all that its bonds follow from.

    Attributes:
        bonds: Bonds, those up to a skin beyond their cutoff included.
        position: (n, d), where the list was built.
        cell: (d, d), the box there.
        kind: (n,) species or diameters.
        cutoff, sigma, nonadditivity: of the model.
        status: bits of its making.
    """

    bonds: Bonds
    position: Array
    cell: Array
    kind: Array
    cutoff: Array
    sigma: Array
    nonadditivity: Array
    status: Array


def list_bonds(model, glass, sizes):
    """The Listing of a glass."""
    return listing_of(model, glass, *find_bonds(model, glass, sizes))


def listing_of(model, glass, bonds, status) -> Listing:
    """The Listing of bonds that were made for a glass."""
    return Listing(
        bonds=bonds,
        position=glass.position,
        cell=glass.box.cell,
        kind=_kind(model, glass),
        cutoff=model.cutoff,
        sigma=model.sigma,
        nonadditivity=model.nonadditivity,
        status=status,
    )


def _kind(model, glass):
    return glass.diameter if model.sigma is None else glass.species


def used_share(listing, model, glass, skin):
    """Share of the skin used up since the list was built, (|E| (c + skin) + 2 max |u_i|) / skin.

    A cell and the same cell with its vectors added to each other make one lattice: the integer
    matrix N of determinant +-1 in cell_1 = (1 + E) cell_0 N is divided out. Infinite where the list
    says nothing about the glass: it is of another model or other particles, was not whole, or its
    box so narrow that pairs within c + skin meet through two images.
    """
    flip = jnp.round(inverse(listing.cell) @ glass.box.cell)
    lattice = jnp.abs(jnp.round(determinant(flip))) == 1
    # a matrix that is no flip is replaced, so that nothing is divided by zero
    affine = glass.box.cell @ inverse(jnp.where(lattice, listing.cell @ flip, glass.box.cell))
    stretch = jnp.linalg.norm(affine - jnp.eye(glass.dim))
    moved = minimum_image(glass.box, glass.position - listing.position @ affine.T)
    farthest = jnp.sqrt(jnp.max(jnp.sum(moved * moved, axis=-1)))
    radius = model.reach + skin
    wide = jnp.min(face_distance(listing.cell)) >= 2 * radius
    used = (stretch * radius + 2 * farthest) / skin
    sound = lattice & wide & (listing.status == 0) & _of_same_ranges(listing, model, glass)
    return jnp.where(sound, used, jnp.inf)


def _of_same_ranges(listing, model, glass):
    """Whether every pair has the cutoff it had when the list was built."""
    then = (listing.kind, listing.cutoff, listing.sigma, listing.nonadditivity)
    now = (_kind(model, glass), model.cutoff, model.sigma, model.nonadditivity)
    same = [
        jnp.all(a == b) for a, b in zip(jax.tree.leaves(then), jax.tree.leaves(now), strict=True)
    ]
    return jnp.all(jnp.stack(same))
