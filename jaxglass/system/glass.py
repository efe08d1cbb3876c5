"""A configuration: positions, box, and what tells one particle from another."""

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import finite, float64, is_traced
from ..core.struct import Struct
from .box import Box, make_box, sheared_kind, wrap

S = TypeVar("S")


class Glass(Struct):
    """Positions (n, d) in a periodic Box, with either species (n,) or diameters (n,)."""

    position: Array
    box: Box
    species: Array | None = None
    diameter: Array | None = None

    @property
    def count(self):
        """Number of particles."""
        return self.position.shape[-2]

    @property
    def dim(self):
        """Number of dimensions."""
        return self.position.shape[-1]

    @property
    def density(self):
        """Particles per volume."""
        return self.count / self.box.volume

    @property
    def spacing(self):
        """Mean distance of particles, (V/n)^(1/d)."""
        return (self.box.volume / self.count) ** (1 / self.dim)


def glass(position: Any, box: Any, *, species: Any = None, diameter: Any = None) -> Glass:
    """A checked configuration.

    Args:
        position: (n, d) float64, d = 2, 3 or 4. Positions outside the box are wrapped into it.
        box: edge, (d,) edges, or (d, d) cell with cell vectors as columns.
        species: (n,) integers, or
        diameter: (n,) positive numbers. With neither, all particles are of species 0.

    Returns:
        Glass.

    Raises:
        TypeError, ValueError: with a sentence that names the argument.

    Example:
        >>> jg.glass([[0.0, 0.0], [1.0, 0.5]], 8.0, species=[0, 1]).count
        2
    """
    position = float64("position", position)
    if position.ndim != 2 or position.shape[1] not in (2, 3, 4):
        raise ValueError(
            f"position must have shape (n, d) with d = 2, 3 or 4, found {position.shape}"
        )
    n, dim = position.shape
    if n == 0:
        raise ValueError("position must hold at least one particle, found none")
    finite("position", position)
    box = make_box(box, dim)
    if box.dim != dim:
        raise ValueError(f"box has {box.dim} dimensions, position has {dim}")
    if species is not None and diameter is not None:
        raise ValueError("give either species or diameter, found both")
    if diameter is not None:
        diameter = _diameters(diameter, n)
    else:
        species = _species(species, n)
    position = wrap(box, position)
    _refuse_coincident(position)
    return Glass(position, box, species, diameter)


def _species(species, n):
    species = jnp.zeros(n, jnp.int32) if species is None else jnp.asarray(species)
    if not jnp.issubdtype(species.dtype, jnp.integer):
        raise TypeError(f"species must be integers, found {species.dtype}")
    if species.shape != (n,):
        raise ValueError(
            f"species must have one entry per particle, shape ({n},), found {species.shape}"
        )
    if not is_traced(species) and np.min(species) < 0:
        raise ValueError(f"species must not be negative, found {int(np.min(species))}")
    return species.astype(jnp.int32)


def _diameters(diameter, n):
    diameter = float64("diameter", diameter)
    if diameter.shape != (n,):
        raise ValueError(
            f"diameter must have one entry per particle, shape ({n},), found {diameter.shape}"
        )
    finite("diameter", diameter)
    if not is_traced(diameter) and np.min(diameter) <= 0:
        raise ValueError(
            f"diameter must be positive, "
            f"found {float(np.min(diameter))} at index {int(np.argmin(diameter))}"
        )
    return diameter


def _refuse_coincident(position):
    if is_traced(position):
        return
    order = np.lexsort(np.asarray(position).T)
    same = np.all(np.diff(np.asarray(position)[order], axis=0) == 0, axis=1)
    if same.any():
        k = int(np.argmax(same))
        raise ValueError(
            f"position puts particles {int(order[k])} and {int(order[k + 1])} on the same point"
        )


def stack(samples: Sequence[S]) -> S:
    """Glasses or expansions as one pytree with a leading sample axis.

    Bonds are padded to the largest capacity. The samples must agree in particles, dimensions and
    kind.

    Example:
        >>> two = jg.stack([jg.glass([[0.0, 0.0]], 4.0), jg.glass([[1.0, 0.0]], 5.0)])
        >>> two.position.shape
        (2, 1, 2)
    """
    good = lambda s: isinstance(s, Glass) or hasattr(s, "second")
    if good(samples):
        kind = type(samples).__name__
        raise TypeError(f"samples must be a list of glasses or expansions, found a single {kind}")
    every: list[Any] = list(samples)
    if not all(map(good, every)):
        kinds = ", ".join(sorted({type(s).__name__ for s in every}))
        raise TypeError(f"samples must be glasses or expansions, found {kinds}")
    if not every:
        raise ValueError("stack needs at least one sample, found an empty list")
    fields = [s.position.shape for s in every]
    if len(set(fields)) > 1:
        odd = next(k for k, shape in enumerate(fields) if shape != fields[0])
        raise ValueError(
            "stack needs samples of equal particles and dimensions, "
            f"found {fields[0]} for sample 0 and {fields[odd]} for sample {odd}"
        )
    if all(hasattr(s, "padded") for s in every):
        sizes = {len(s.sizes) for s in every}
        if len(sizes) > 1:
            raise ValueError("stack needs samples of one model, found terms of different kinds")
        largest = tuple(map(max, zip(*(s.sizes for s in every), strict=True)))
        every = [s.padded(*largest) for s in every]
    if all(_box_of(s) is not None for s in every):
        every = _shared_box_statics(every)
    structures = {jax.tree.structure(s) for s in every}
    if len(structures) > 1:
        raise ValueError(
            "stack needs samples of one kind: all with species or all with diameters, and one model"
        )
    shapes = {tuple(map(np.shape, jax.tree.leaves(s))) for s in every}
    if len(shapes) > 1:
        raise ValueError("stack needs Hessians with equal numbers of blocks and of bonds")
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *every)


def _shared_box_statics(samples):
    """The samples with boxes of one kind and with bounds that hold for all of them."""
    boxes = [_box_of(s) for s in samples]
    if not all(b.orthogonal for b in boxes):
        boxes = [sheared_kind(b) for b in boxes]
    widths, volumes = [b.width for b in boxes], [b.least_volume for b in boxes]
    width = None if None in widths else tuple(map(min, zip(*widths, strict=True)))
    least_volume = None if None in volumes else min(volumes)
    return [
        _with_box(s, b.replace(width=width, least_volume=least_volume))
        for s, b in zip(samples, boxes, strict=True)
    ]


def _box_of(sample):
    """The box of a glass or of an expansion; None for a bare Hessian."""
    glass = sample if isinstance(sample, Glass) else getattr(sample, "glass", None)
    return None if glass is None else glass.box


def _with_box(sample, box):
    return sample.replace(box=box) if isinstance(sample, Glass) else sample.with_box(box)
