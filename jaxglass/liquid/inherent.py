"""Inherent structures along a trajectory, and how often a liquid changes from one to another.

    rate = (jumps |U(k + 1) - U(k)| > epsilon) / duration,   reduced: rate t_ballistic N0 / N

with t_ballistic = 0.1 t0 and N0 = 1000: the jumps that a thousand particles make in that time.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, positive
from ..core.samples import repeated
from ..core.struct import Struct
from ..host.progress import Progress
from ..landscape.total import energy
from ..minimise.quench import FORCE_TOL, quench_all
from ..neighbours import search
from ..system.glass import Glass
from .relaxation import BALLISTIC, reduced_units

# Of the thesis, section 6.3.2: in units of the model's energy; over orders of magnitude it matters
# little.
THRESHOLD = 1e-5
PARTICLES = 1000


class InherentTrajectory(Struct):
    """Minima below the frames of a trajectory.

    Attributes:
        time: (f,).
        energy: (f,), of all particles.
        glass: Glasses, stacked.
        steps: (f,), gradients evaluated.
        status: (f,), bits.
    """

    time: Array
    energy: Array
    glass: Glass
    steps: Array
    status: Array


class JumpRate(NamedTuple):
    """Reduced rate, its standard error (of a Poisson process), and the number of jumps."""

    value: float
    error: float
    jumps: int


def inherent_trajectory(
    model: Any,
    glass: Glass,
    position: Any,
    time: Any,
    *,
    batch: int = 16,
    force_tol: float = FORCE_TOL,
    progress: bool = False,
) -> InherentTrajectory:
    """Quenches every frame of a trajectory.

    Args:
        model: PairModel or ManyBodyModel.
        glass: Glass of the trajectory: its box, species or diameters.
        position: (f, n, d).
        time: (f,).
        batch: frames quenched by one call.
        force_tol: of ``quench``.
        progress: show a progress bar on stderr.

    Returns:
        InherentTrajectory.

    Example:
        >>> motion = jg.prepare.start_dynamics(jax.random.key(0), model, glass, temperature=0.5)
        >>> _, run = jg.prepare.record(model, motion, [0.0, 0.1, 0.2], temperature=0.5)
        >>> found = jg.liquid.inherent_trajectory(model, glass, run.position, run.time)
        >>> bool(jnp.all(found.energy <= run.energy + 1e-9)), int(found.status.max())
        (True, 0)
    """
    search.check(model, glass, many=True)
    search.check_forces(model)
    position, time = jnp.asarray(position, float), jnp.asarray(time, float)
    if position.ndim != 3 or position.shape[1:] != glass.position.shape:
        raise ValueError(
            f"position must be frames (f, {glass.count}, {glass.dim}) of the glass, "
            f"found shape {position.shape}"
        )
    if time.shape != position.shape[:1]:
        raise ValueError(
            f"time must be one number for each of {len(position)} frames, found shape {time.shape}"
        )
    size, parts = min(integer("batch", batch, at_least=1), len(position)), []
    with Progress("quenching", len(position), show=progress) as bar:
        for first in range(0, len(position), size):
            # the last batch is filled up, so that all are of one program
            at = jnp.minimum(first + jnp.arange(size), len(position) - 1)
            found = quench_all(
                model, repeated(glass, size).replace(position=position[at]), force_tol=force_tol
            )
            own = min(size, len(position) - first)
            parts.append(jax.tree.map(lambda a, own=own: a[:own], found))
            bar.done(own)
    all = jax.tree.map(lambda *a: jnp.concatenate(a), *parts)
    energies = jnp.stack([energy(model, glass) for glass in _each(all.glass)])
    return InherentTrajectory(time, energies, all.glass, all.steps, all.status)


def _each(glasses):
    return (jax.tree.map(lambda a, k=k: a[k], glasses) for k in range(len(glasses.position)))


def jump_rate(
    found: InherentTrajectory, *, temperature: float, threshold: float = THRESHOLD
) -> JumpRate:
    """Jumps between inherent structures, per 1,000 particles and ballistic time.

    Args:
        found: InherentTrajectory of frames close together, a time step apart or so: jumps there and
            back in between are missed.
        temperature: of the liquid.
        threshold: change of energy that counts as a jump, in units of the model.

    Returns:
        JumpRate.

    Example:
        >>> glasses = jg.stack([glass, glass, glass])
        >>> none = jnp.zeros(3, int)
        >>> run = jg.liquid.InherentTrajectory(jnp.arange(3.0), jnp.array([0.0, 0.0, 1.0]), glasses,
        ...                                    none, none)
        >>> jg.liquid.jump_rate(run, temperature=1.0).jumps
        1
    """
    positive("temperature", temperature)
    positive("threshold", threshold)
    energies, time = np.asarray(found.energy), np.asarray(found.time)
    if len(time) < 2:
        raise ValueError(f"found must have two frames or more, found {len(time)}")
    if np.any(np.asarray(found.status)) or not np.isfinite(energies).all():
        raise ValueError(
            "found must be of minima, found a status that is not clean: see jg.require(found)"
        )
    first = jax.tree.map(lambda a: a[0], found.glass)
    jumps = int(np.sum(np.abs(np.diff(energies)) > threshold))
    unit = BALLISTIC * float(reduced_units(first, temperature).time) * PARTICLES / first.count
    duration = float(time[-1] - time[0])
    return JumpRate(jumps * unit / duration, jumps**0.5 * unit / duration, jumps)
