"""What happened between two configurations of the same particles.

The affine map that describes best how the neighbours of particle i moved, and what it leaves out
(Falk and Langer):

    J_i = argmin sum_j |r'_ij - J r_ij|^2,        D2min_i = sum_j |r'_ij - J_i r_ij|^2
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.checks import integer, positive, refuse_stack
from ..core.status import Status, flag, or_nan
from ..core.struct import Struct
from ..neighbours import jaxmd, search
from ..system.box import inverse, minimum_image, within_half
from ..system.glass import Glass

# Neighbours of a particle, in mean distances: two shells, 18 particles in the plane, 65 in space.
USUAL_CUTOFF = 2.5


class LocalMap(Struct):
    """Best affine maps of the neighbourhoods of particles.

    Attributes:
        gradient: (n, d, d), J - 1, the local displacement gradient.
        d2min: (n,), what it leaves out, a sum over neighbours.
        status: NEIGHBOUR_OVERFLOW if pairs were left out.
    """

    gradient: Array
    d2min: Array
    status: Array


def d2min(before: Glass, after: Glass, *, cutoff: float | None = None) -> Array:
    """Squared nonaffine displacement of each particle with respect to its neighbours.

    Args:
        before: Glass, whose neighbours count.
        after: Glass of the same particles.
        cutoff: distance of neighbours; 2.5 mean distances (V/n)^(1/d) by default.

    Returns:
        (n,), the sum over neighbours; NaN for a particle whose neighbours span no volume.

    Example:
        >>> sheared = jg.deformed(glass, jnp.array([[1.0, 0.05], [0.0, 1.0]]))
        >>> bool(jnp.max(jg.d2min(glass, sheared)) < 1e-20)
        True
    """
    found = local_map(before, after, cutoff=cutoff)
    return or_nan(found.status, found.d2min)


def local_map(before: Glass, after: Glass, *, cutoff: float | None = None) -> LocalMap:
    """The best affine map of the surroundings of each particle, and what it leaves out.

    Args:
        before, after, cutoff: as in ``d2min``.

    Returns:
        LocalMap: gradient, d2min, status.

    Example:
        >>> sheared = jg.deformed(glass, jnp.array([[1.0, 0.05], [0.0, 1.0]]))
        >>> bool(jnp.allclose(jg.plasticity.local_map(glass, sheared).gradient[:, 0, 1], 0.05))
        True
    """
    _check_two(before, after)
    cutoff = _usual_cutoff(before) if cutoff is None else float(positive("cutoff", cutoff))
    within_half("cutoff", cutoff, before.box)
    attempt = lambda room: _local_map(
        before, after, jaxmd.plan_list(before.count, before.box, cutoff, room)
    )
    return search.with_room(attempt, before, after)


def _usual_cutoff(glass):
    volume = glass.box.least_volume
    if volume is None:
        raise ValueError("cutoff must be given where nothing is known of the box while tracing")
    return USUAL_CUTOFF * (volume / glass.count) ** (1 / glass.dim)


def _check_two(before, after):
    for name, one in (("before", before), ("after", after)):
        if not isinstance(one, Glass):
            raise TypeError(f"{name} must be a Glass, found {type(one).__name__}")
        refuse_stack(f"{name} must be a single one", one.position)
    if before.position.shape != after.position.shape:
        raise ValueError(
            f"after must have the particles of before, {before.position.shape}, "
            f"found {after.position.shape}"
        )


@functools.partial(jax.jit, static_argnames="plan")
def _local_map(before, after, plan):
    n, d = before.position.shape
    i, j, listed, overflow = jaxmd.pairs_in(plan, before)
    seen = lambda glass: jnp.where(
        listed[:, None], minimum_image(glass.box, glass.position[j] - glass.position[i]), 0.0
    )
    old, new = seen(before), seen(after)
    on_both = lambda part: jnp.zeros((n, *part.shape[1:])).at[i].add(part).at[j].add(part)
    square = on_both(old[:, :, None] * old[:, None, :])
    mixed = on_both(new[:, :, None] * old[:, None, :])
    best = mixed @ inverse(square)

    def left(k):
        off = new - jnp.einsum("bij,bj->bi", best[k], old)
        return jnp.zeros(n).at[k].add(jnp.where(listed, dot(off, off), 0.0))

    status = flag(overflow, Status.NEIGHBOUR_OVERFLOW)
    return LocalMap(best - jnp.eye(d), left(i) + left(j), status)


def nonaffine_displacement(before: Glass, after: Glass) -> Array:
    """How particles moved beyond the deformation of the box, (n, d), of zero mean.

    The box went by the map that takes its cell to the nearest of the equal cells of ``after``.

    Example:
        >>> sheared = jg.deformed(glass, jnp.array([[1.0, 0.05], [0.0, 1.0]]))
        >>> bool(jnp.max(jnp.abs(jg.plasticity.nonaffine_displacement(glass, sheared))) < 1e-12)
        True
    """
    _check_two(before, after)
    return _displacement(before, after)


@jax.jit
def _displacement(before, after):
    turned = jnp.round(inverse(before.box.cell) @ after.box.cell)
    affine = after.box.cell @ inverse(before.box.cell @ turned)
    moved = minimum_image(after.box, after.position - before.position @ affine.T)
    return moved - jnp.mean(moved, axis=0)


class Coarse(Struct):
    """Coarse-grained motion at the particles.

    Attributes:
        displacement: (n, d), nonaffine, averaged over neighbours.
        strain: (n, d, d), symmetric, of that displacement; the strain of the box is not in it.
    """

    displacement: Array
    strain: Array


def coarse_grained(before: Glass, after: Glass, *, width: float) -> Coarse:
    """Displacement and strain averaged with a Gaussian weight of a width, at every particle.

    u_i = sum_j phi_ij u_j / sum_j phi_ij, and the strain is the symmetric part of its gradient.

    Args:
        before, after: Glass.
        width: standard deviation of the weight.

    Returns:
        Coarse: displacement, strain.

    Example:
        >>> moved = glass.replace(position=glass.position + 0.1)
        >>> coarse = jg.plasticity.coarse_grained(glass, moved, width=1.0)
        >>> bool(jnp.max(jnp.abs(coarse.strain)) < 1e-12)
        True
    """
    positive("width", width)
    return _coarse(before, nonaffine_displacement(before, after), width)


@jax.jit
def _coarse(glass, moved, width):
    def of_one(x):
        r = minimum_image(glass.box, glass.position - x)
        weight = jnp.exp(-0.5 * dot(r, r) / width**2)
        total = jnp.sum(weight)
        mean = weight @ moved / total
        # d phi / d x = phi r / width^2
        slope = jnp.einsum("n,ni,nj->ij", weight, moved - mean, r) / (width**2 * total)
        return mean, 0.5 * (slope + slope.T)

    return Coarse(*jax.lax.map(of_one, glass.position, batch_size=64))


class Band(Struct):
    """Average of a particle field along slabs.

    Attributes:
        position: (k,), middles of the slabs, in units of the box from 0 to 1.
        value: (k,), mean of the field in each; NaN where a slab is empty.
        centre: where the band is, the slab of the largest value, in units of the box.
        inside: (n,), distance of each particle from the centre, in units of the box, 0 to 0.5.
    """

    position: Array
    value: Array
    centre: Array
    inside: Array


def band_profile(glass: Glass, values: Array, *, axis: int = 1, slabs: int | None = None) -> Band:
    """Profile of a shear band: a particle field averaged along the band.

    Args:
        glass: Glass.
        values: (n,), such as ``d2min``.
        axis: the slabs are stacked along this cell vector; for shear in the plane (p, q), a band
            along p is seen with q.
        slabs: how many; as wide as two mean distances by default.

    Returns:
        Band.

    Example:
        >>> band = jg.plasticity.band_profile(glass, jnp.ones(64), slabs=4)
        >>> band.value.tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    refuse_stack("glass must be a single one", glass.position)
    if values.shape != (glass.count,):
        raise ValueError(f"values must have shape ({glass.count},), found {values.shape}")
    if not 0 <= axis < glass.dim:
        raise ValueError(f"axis must be from 0 to {glass.dim - 1}, found {axis}")
    usual = max(2, round(glass.count ** (1 / glass.dim) / 2))
    slabs = usual if slabs is None else integer("slabs", slabs, at_least=1)
    return _profile(glass, values, axis, slabs)


@functools.partial(jax.jit, static_argnames=("axis", "slabs"))
def _profile(glass, values, axis, slabs):
    place = (glass.position @ inverse(glass.box.cell).T)[:, axis] % 1.0
    slab = jnp.clip((place * slabs).astype(jnp.int32), 0, slabs - 1)
    count = jnp.zeros(slabs).at[slab].add(1.0)
    value = jnp.zeros(slabs).at[slab].add(values) / count
    position = (jnp.arange(slabs) + 0.5) / slabs
    centre = position[jnp.nanargmax(value)]
    apart = place - centre
    return Band(position, value, centre, jnp.abs(apart - jnp.round(apart)))
