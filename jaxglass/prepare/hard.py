"""Hard particles: starts without overlaps, and compression to a packing fraction by Monte Carlo."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.checks import integer, positive
from ..core.geometry import ball
from ..core.status import Status, flag, or_nan
from ..core.struct import Struct
from ..host.progress import Progress
from ..minimise.quench import quench
from ..models import catalogue, shapes
from ..models.build import pair
from ..models.entry import Entry
from ..models.pair import PairModel, mixed
from ..neighbours import search
from ..system.bonds import difference
from ..system.box import make_box, minimum_image
from ..system.glass import Glass
from .starts import random_glass
from .swap import swap_monte_carlo

APART = 1.02  # sizes at which a start is relaxed, so that none touch at their own
CLOSE = 0.05  # pairs within this share of their contact distance limit a compression


def packing_fraction(glass: Glass) -> Array:
    """Share of the volume that particles of these diameters fill.

    Example:
        >>> g = jg.glass([[0.0, 0.0]], 2.0, diameter=[1.0])
        >>> round(float(jg.prepare.packing_fraction(g)), 4)
        0.1963
    """
    if glass.diameter is None:
        raise ValueError("glass must have diameters, found species")
    return ball(glass.dim) * jnp.sum((glass.diameter / 2) ** glass.dim, axis=-1) / glass.box.volume


def hard_start(
    key: Array, name_or_entry: str | Entry = "hard2d", n: int = 100, *, packing: float = 0.5
) -> Glass:
    """Hard particles at random places without overlaps.

    Args:
        key: JAX random key.
        name_or_entry: name of a model of hard particles, or jg.models.Entry.
        n: number of particles.
        packing: packing fraction, well below jamming (0.84 in the plane, 0.64 in space).

    Example:
        >>> g = jg.prepare.hard_start(jax.random.key(0), "hard2d", 50)
        >>> float(jg.energy(jg.models.get("hard2d"), g))
        0.0
    """
    at = catalogue.entry(name_or_entry)
    if not 0 < packing < 0.75:
        raise ValueError(f"packing must lie between 0 and 0.75 for a start, found {packing}")
    glass = random_glass(key, at, n)
    if glass.diameter is None:
        raise ValueError(f"name_or_entry must be a mixture of diameters, found {at.name}")
    fill = float(packing_fraction(glass))
    glass = random_glass(key, at, n, density=at.density * packing / fill)
    wide = APART * jnp.asarray(glass.diameter)
    largest = float(jnp.max(wide))
    soft = pair(
        shapes.harmonic, cutoff=1.0, smoothing=None, nonadditivity=0.0, diameter_bound=largest
    )
    apart = quench(soft, glass.replace(diameter=wide), force_tol=1e-6)
    return glass.replace(position=apart.glass.position)


def compressibility(model: PairModel, glass: Glass, *, gap: float = 0.004) -> Array:
    """Z = P V / (N k_B T) of hard particles, as one configuration shows it: average over many.

    With s the gap of a pair over its contact distance, Z = 1 + (1 / d N) times the density of
    pairs over s at contact, which is extrapolated from two bins.

    Args:
        model: PairModel of hard particles.
        glass: Glass without overlaps.
        gap: width of a bin, small beside 3 / Z.

    Example:
        >>> model, g = jg.models.get("hard2d"), jg.prepare.hard_start(jax.random.key(0), n=50)
        >>> seen = jg.prepare.position_series(jax.random.key(1), model, g, frames=50, sweeps=5)
        >>> one = lambda x: jg.prepare.compressibility(model, g.replace(position=x), gap=0.05)
        >>> bool(jnp.mean(jax.vmap(one)(seen.position)) > 1)
        True
    """
    search.check(model, glass)
    positive("gap", gap)
    if model.shape is not shapes.hard:
        raise ValueError(f"model must be one of hard particles, found {model.name}")

    def attempt(room):
        plan = search.plan(model, glass, skin=2 * float(gap) * model.reach, room=room)
        return _contact(model, glass, gap, plan=plan)

    found = search.with_room(attempt, model, glass)
    return or_nan(found.status, found.value)


@functools.partial(jax.jit, static_argnames="plan")
def _contact(model, glass, gap, *, plan):
    ratio, status = _ratios(model, glass, plan)
    near, next_ = (jnp.sum((ratio >= 1 + k * gap) & (ratio < 1 + (k + 1) * gap)) for k in (0, 1))
    density = (3 * near - next_) / (2 * gap)
    return _Ratio(1 + density / (glass.dim * glass.count), status)


class Compressed(Struct):
    """Hard particles after a compression.

    Attributes:
        glass: Glass.
        packing: its packing fraction.
        rounds: of Monte Carlo and compression.
        status: bits; NOT_CONVERGED where the packing was not reached.
    """

    glass: Glass
    packing: Array
    rounds: int
    status: Array


def compress(
    key: Array,
    model: PairModel,
    glass: Glass,
    *,
    packing: float,
    sweeps: int = 20,
    swap_fraction: float = 0.2,
    most: int = 2000,
    progress: bool = False,
) -> Compressed:
    """Compresses hard particles to a packing fraction, at a pressure without bound.

    Swap Monte Carlo at constant volume, and volume moves that go as far as the closest pair allows,
    in turn. Equilibrate afterwards at the volume reached, with ``jg.swap_monte_carlo``.

    Args:
        key: JAX random key.
        model: PairModel of hard particles with diameters.
        glass: Glass without overlaps, for example from ``hard_start``.
        packing: packing fraction to reach.
        sweeps: of Monte Carlo between two volume moves.
        swap_fraction: share of the attempts that are swaps.
        most: rounds at most.
        progress: show a progress bar on stderr.

    Returns:
        Compressed.

    Example:
        >>> model, g = jg.models.get("hard2d"), jg.prepare.hard_start(jax.random.key(0), n=50)
        >>> dense = jg.prepare.compress(jax.random.key(1), model, g, packing=0.6)
        >>> round(float(dense.packing), 6), int(dense.status)
        (0.6, 0)
    """
    search.check(model, glass)
    sweeps, most = integer("sweeps", sweeps, at_least=1), integer("most", most, at_least=1)
    fill = float(packing_fraction(glass))
    if not fill <= packing < 1:
        raise ValueError(f"packing must lie between the glass' {fill:.6g} and 1, found {packing}")
    if _closest(model, glass) < 1:
        raise ValueError("glass must have no overlaps, found some: begin with prepare.hard_start")
    smallest = make_box((fill / packing) ** (1 / glass.dim) * glass.box.cell, glass.dim)
    glass = _scaled(glass, 1.0, smallest)
    step, status, rounds = None, jnp.int32(0), 0
    with Progress("compression", most, show=progress) as bar:
        while fill < packing * (1 - 1e-12) and rounds < most:
            run = swap_monte_carlo(
                jax.random.fold_in(key, rounds), model, glass, temperature=1.0, sweeps=sweeps,
                sample_every=sweeps, swap_fraction=swap_fraction, step=step,
            )  # fmt: skip
            step, status = run.step if (rounds + 1) % 10 else None, status | run.status
            shrink = max(1 / _closest(model, run.glass), (fill / packing) ** (1 / glass.dim))
            glass = _scaled(run.glass, min(1.0, shrink), smallest)
            fill, rounds = float(packing_fraction(glass)), rounds + 1
            bar.done(1)
    short = flag(fill < packing * (1 - 1e-9), Status.NOT_CONVERGED)
    glass = glass.replace(box=make_box(glass.box.cell, glass.dim))
    return Compressed(glass, jnp.float64(fill), rounds, status | short)


def _scaled(glass, factor, smallest):
    """All lengths but the diameters scaled; bounds are those of the smallest box, and programs the
    same in all.
    """
    box = smallest.replace(cell=factor * glass.box.cell)
    return glass.replace(position=factor * glass.position, box=box)


def _closest(model, glass):
    """Smallest distance of a pair over its contact distance, at most 1 + CLOSE."""
    skin = CLOSE * model.reach

    def attempt(room):
        plan = search.plan(model, glass, skin=skin, room=room)
        return _ratio(model, glass, plan=plan)

    return min(float(search.with_room(attempt, model, glass).value), 1 + CLOSE) * (1 - 1e-12)


class _Ratio(Struct):
    value: Array
    status: Array


@functools.partial(jax.jit, static_argnames="plan")
def _ratio(model: Any, glass: Any, *, plan: Any) -> _Ratio:
    ratio, status = _ratios(model, glass, plan)
    return _Ratio(jnp.min(ratio), status)


def _ratios(model, glass, plan):
    """Distances of pairs over their contact distances, infinite where padded, and a status."""
    bonds, status = search.find_bonds(model, glass, plan)
    r = minimum_image(glass.box, difference(bonds, glass.position))
    sigma = mixed(model, glass, bonds.i, bonds.j).sigma
    return jnp.where(bonds.valid, jnp.sqrt(dot(r, r)) / sigma, jnp.inf), status
