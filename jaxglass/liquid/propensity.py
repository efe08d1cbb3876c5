"""Mobility that a configuration decides: means over many runs from one configuration.

The propensity of a particle is its mean displacement after some time over runs that differ in their
first velocities only (the isoconfigurational ensemble of Widmer-Cooper and Harrowell).
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..analysis.ranks import ranks
from ..analysis.ranks import spearman as of_two
from ..core.checks import integer, positive
from ..core.samples import repeated
from ..core.struct import Struct
from ..host.progress import Progress
from ..neighbours import search
from ..prepare.dynamics import run_all, start_all
from ..system.glass import Glass
from .displacements import neighbour_relative
from .neighbourhood import highest_nearby


class Propensity(Struct):
    """Mean displacements of particles.

    Attributes:
        time: (m,).
        value: (m, n), mean |displacement| over runs.
        error: (m, n), its standard error.
        status: bits of all runs.
    """

    time: Array
    value: Array
    error: Array
    status: Array


class Extremes(NamedTuple):
    """Numbers of the most and least mobile particles."""

    mobile: np.ndarray
    immobile: np.ndarray


def propensity(
    key: Array,
    model: Any,
    glass: Glass,
    *,
    temperature: Any,
    time: Any,
    runs: int = 20,
    dt: float = 0.005,
    thermostat: str = "nose-hoover",
    neighbours: float | None = None,
    progress: bool = False,
) -> Propensity:
    """Mean displacement of every particle over runs with different velocities.

    Args:
        key: JAX random key; each run has its own from it.
        model: PairModel or ManyBodyModel.
        glass: Glass: the configuration, of the liquid or of its inherent structure.
        temperature: of the velocities, which a thermostat keeps.
        time: after which displacements are taken; or ascending ones (m,). The thesis has
            tau_alpha / 10 and, for maps, tau_alpha / 6.
        runs: 20 of the thesis.
        dt: time step.
        thermostat: of ``start_dynamics``.
        neighbours: distance of neighbours; displacements are then neighbour-relative, as in the
            plane they should be.
        progress: show a progress bar on stderr.

    Returns:
        Propensity.

    Example:
        >>> cold = jg.quench(model, glass).glass
        >>> found = jg.liquid.propensity(
        ...     jax.random.key(0), model, cold, temperature=0.3, time=0.1, runs=4)
        >>> found.value.shape, bool(jnp.all(found.error > 0))
        ((1, 64), True)
    """
    search.check(model, glass, many=True)
    positive("temperature", temperature)
    positive("dt", dt)
    runs = integer("runs", runs, at_least=2)
    times = np.atleast_1d(np.asarray(time, float))
    if times.ndim != 1 or not np.isfinite(times).all() or np.any(np.diff(times, prepend=0) <= 0):
        raise ValueError(f"time must be positive numbers in ascending order, found {time}")
    steps = np.diff(np.rint(times / dt).astype(int), prepend=0)
    keys = jax.random.split(key, runs)
    motions = start_all(
        keys, model, repeated(glass, runs), temperature, dt=dt, thermostat=thermostat
    )
    means, errors = [], []
    with Progress("propensity", int(steps.sum()), show=progress) as bar:
        for count in steps:
            motions = run_all(model, motions, int(count), temperature, temperature)
            moved = jnp.linalg.norm(_displacement(glass, motions.position, neighbours), axis=-1)
            means.append(jnp.mean(moved, axis=0))
            errors.append(jnp.std(moved, axis=0, ddof=1) / jnp.sqrt(runs))
            bar.done(int(count))
    status = jnp.bitwise_or.reduce(motions.status)
    return Propensity(jnp.asarray(times), jnp.stack(means), jnp.stack(errors), status)


def _displacement(glass, position, neighbours):
    if neighbours is None:
        return position - glass.position
    both = jnp.concatenate([glass.position[None], position])
    relative = neighbour_relative(both, glass, cutoff=neighbours)
    return relative[1:] - relative[0]


def spearman_by_species(a: Any, b: Any, species: Any) -> float:
    """Rank correlation of two fields within each species, the mean over species.

    Mobility differs from species to species, so that ranks compare only within one.

    Args:
        a, b: (n,), such as a mobility and minus a local stiffness.
        species: (n,).

    Example:
        >>> a, species = [1.0, 2.0, 3.0, 7.0, 8.0, 9.0], [0, 0, 0, 1, 1, 1]
        >>> jg.liquid.spearman_by_species(a, [3.0, 4.0, 5.0, 2.0, 1.0, 0.0], species)
        0.0
    """
    a, b, kinds = np.asarray(a, float), np.asarray(b, float), _kinds(species, np.shape(a))
    return float(np.mean([of_two(a[kinds == k], b[kinds == k]) for k in np.unique(kinds)]))


def ranks_by_species(field: Any, species: Any) -> np.ndarray:
    """Ranks of a field within each species, from 0 of the lowest to 1 of the highest, (n,).

    Example:
        >>> jg.liquid.ranks_by_species([5.0, 7.0, 1.0, 0.0], [0, 0, 1, 1]).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    field = np.asarray(field, float)
    kinds, found = _kinds(species, field.shape), np.empty(field.shape)
    for k in np.unique(kinds):
        mine = kinds == k
        found[mine] = ranks(field[mine]) / max(mine.sum() - 1, 1)
    return found


def extremes(
    glass: Glass, mobility: Any, *, cutoff: float, species: int | None = None, count: int = 5
) -> Extremes:
    """The most and the least mobile particles, no two of them neighbours.

    Of the particles that are the most (least) mobile of their species within a distance, those that
    are so by most.

    Args:
        glass: Glass.
        mobility: (n,).
        cutoff: the distance, usually that of the interaction.
        species: whose particles count; all by default, each compared with its own species.
        count: how many of each; 5 of the thesis.

    Returns:
        Extremes: mobile, immobile.

    Example:
        >>> found = jg.liquid.extremes(glass, jnp.arange(64.0), cutoff=1.4, species=1, count=2)
        >>> int(found.mobile[0]), int(glass.species[found.immobile[0]])
        (63, 1)
    """
    mobility = np.asarray(mobility, float)
    if mobility.shape != (glass.count,):
        raise ValueError(f"mobility must be {glass.count} numbers, found shape {mobility.shape}")
    alike = np.zeros(glass.count, int) if glass.species is None else np.asarray(glass.species)
    of = alike == species if species is not None else np.ones(glass.count, bool)
    if not of.any():
        raise ValueError(f"species must be one of the glass, found {species}")
    found = []
    for sign in (1, -1):
        highest = highest_nearby(glass, sign * mobility, alike, positive("cutoff", cutoff))
        best = np.flatnonzero(np.asarray(highest) & of)
        found.append(best[np.argsort(-sign * mobility[best], kind="stable")][:count])
    return Extremes(*found)


def _kinds(species, shape):
    kinds = np.asarray(species)
    if kinds.shape != shape or kinds.ndim != 1:
        raise ValueError(
            f"species must be one number per particle, expected shape {shape}, found {kinds.shape}"
        )
    return kinds
