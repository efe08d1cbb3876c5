"""Local yield stress by the frozen-matrix method: a ball is free, all else follows the strain.

The particles within R of a point are free, every other one follows x -> (1 + gamma E) x. With the
stress of the ball and along a direction of strain

    sigma = 1 / V_R sum_b w_b f_b r_b,   w_b half the number of ends in the ball,   tau = E : sigma

the residual strength is tau at the first fold of the ball less tau at rest. In the plane the
directions are pure shears, E = 1/2 ((-sin 2a, cos 2a), (cos 2a, sin 2a)); a = 0 is the symmetric
part of simple shear. The strength of a site against a load E_0 is the least load that yields it,

    min over E of residual / cosine,    cosine = E : E_0 / E_0 : E_0 > 0.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.arrays import dot
from ..core.checks import is_traced, positive
from ..core.geometry import ball
from ..core.samples import loop_on_cpu
from ..core.status import Status, flag
from ..core.struct import Struct
from ..host.parallel import side_by_side
from ..host.progress import Progress
from ..landscape.strain import shear_direction
from ..neighbours import search
from ..neighbours.moving import skin_of
from ..system.box import cartesian, minimum_image, within_half
from ..system.glass import Glass
from . import branch, march
from .ball import list_ball, plan_ball
from .event import widened

LIMIT = 0.5  # in strain; thresholds lie between 0.01 and 0.3
# Beyond the ball and the reach, in reaches: from where particles can come near free ones by LIMIT.
AROUND = 0.5
MAX_STEPS = 1000  # factorisations of one threshold; 60 to 150 are usual
PIECE = 64  # thresholds in one program; as many programs as cores run side by side
ONLY_TRY = 1.5  # room of balls denser than most, where no second try is possible
EVEN = 1e-12  # cosine below which a direction does not load a site


class Strength(Struct):
    """Residual plastic strength.

    Attributes:
        strain, stress, rest, residual: (sites, directions): strain and stress at yield, stress at
            rest, their difference; NaN where nothing yields below a strain of 0.5.
        projected: (sites,), least load along the plane that yields a site.
        value: (n,), least projected strength of the sites within the radius; NaN where none is.
        centre: (sites, d).
        direction: (directions, d, d), E.
        factorisations: (sites, directions).
        status: (sites, directions), NO_EVENT where nothing yields, and other bits.
    """

    strain: Array
    stress: Array
    rest: Array
    residual: Array
    projected: Array
    value: Array
    centre: Array
    direction: Array
    factorisations: Array
    status: Array


class _Settings(NamedTuple):
    sizes: march.Sizes
    near: int
    radius: float


def residual_plastic_strength(
    model: Any,
    glass: Glass,
    *,
    plane: tuple[int, int] = (0, 1),
    radius: float = 5.0,
    spacing: float = 2.5,
    centres: Any = None,
    angles: Any = None,
    progress: bool = False,
) -> Strength:
    """How much stress each region of a glass bears before it yields, by the frozen-matrix method.

    Args:
        model: PairModel.
        glass: Glass at a minimum.
        plane: (p, q) of the load, simple shear: x_p moves with x_q.
        radius: of the balls that are free.
        spacing: of the grid of sites, about.
        centres: (sites, d) instead of the grid.
        angles: (directions,) of pure shear in the plane, in radians; by default every ten degrees
            of a half turn, and in three dimensions the five independent shears in both senses.
        progress: show a progress bar on stderr.

    Returns:
        Strength: strain, stress, rest, residual, projected, value, centre, direction,
        factorisations, status.

    Example:
        >>> s = jg.residual_plastic_strength(
        ...     model, glass, radius=2.5, centres=[[0.0, 0.0]], angles=[0.0, 0.3])
        >>> s.residual.shape, s.value.shape
        ((1, 2), (64,))
    """
    search.check(model, glass)
    search.check_forces(model)
    radius = float(positive("radius", radius))
    positive("spacing", spacing)
    within_half("radius", radius, glass.box)
    load = shear_direction(tuple(plane), glass.dim)
    load = 0.5 * (load + load.T)
    centres = _grid(glass, spacing) if centres is None else jnp.asarray(centres, jnp.float64)
    if centres.ndim != 2 or centres.shape[1] != glass.dim:
        raise ValueError(f"centres must be (sites, {glass.dim}), found {centres.shape}")
    toward = _directions(tuple(plane), glass.dim, angles)
    start = widened(glass, _widest(toward), LIMIT)
    attempt = lambda room: _thresholds(
        model, start, centres, toward, _settings(model, glass, centres, radius, room), progress
    )
    found = search.with_room(attempt, model, start, centres, toward)
    residual = found.stress - found.rest
    projected = _projected(residual, toward, load)
    return Strength(
        strain=found.strain,
        stress=found.stress,
        rest=found.rest,
        residual=residual,
        projected=projected,
        value=_of_particles(glass, centres, projected, radius),
        centre=centres,
        direction=toward,
        factorisations=found.factorisations,
        status=found.status,
    )


def _grid(glass, spacing):
    """Sites of a grid about so wide, (sites, d)."""
    width = glass.box.width
    if width is None:
        raise ValueError("centres must be given where nothing is known of the box while tracing")
    count = [max(1, round(w / spacing)) for w in width]
    axes = [(np.arange(k) + 0.5) / k for k in count]
    return cartesian(
        glass.box, jnp.asarray(np.stack(np.meshgrid(*axes, indexing="ij"), -1))
    ).reshape(-1, glass.dim)


def _directions(plane, dim, angles):
    """E of every direction, (directions, d, d)."""
    if dim > 2 and angles is None:
        return _independent_shears(dim)
    angles = np.deg2rad(np.arange(0, 180, 10)) if angles is None else angles
    angles = jnp.asarray(angles, jnp.float64)
    if angles.ndim != 1:
        raise ValueError(f"angles must be one axis of numbers, found shape {angles.shape}")
    p, q = plane
    s, c = 0.5 * jnp.sin(2 * angles), 0.5 * jnp.cos(2 * angles)
    e = jnp.zeros((len(angles), dim, dim))
    return e.at[:, p, p].set(-s).at[:, q, q].set(s).at[:, p, q].set(c).at[:, q, p].set(c)


def _widest(directions):
    """The direction that stretches most; those of the plane are alike."""
    if is_traced(directions):
        return directions[0]
    return max(directions, key=lambda e: np.max(np.abs(np.linalg.eigvalsh(e))))


def _independent_shears(dim):
    """Traceless symmetric directions of the size of pure shear, in both senses."""
    found = []
    for p in range(dim):
        for q in range(p + 1, dim):
            e = np.zeros((dim, dim))
            e[p, q] = e[q, p] = 0.5
            found.append(e)
    for k in range(1, dim):
        e = np.diag(np.r_[np.ones(k), -k, np.zeros(dim - k - 1)])
        found.append(e / np.linalg.norm(e) * math.sqrt(0.5))
    return jnp.asarray(np.concatenate([found, np.negative(found)]))


def _settings(model, glass, centres, radius, room):
    """Static sizes: particles near a ball, and free ones; as in a fluid of the same density where
    they cannot be counted.
    """
    skin = skin_of(model, glass.dim)
    around = radius + (1 + AROUND) * model.reach + skin
    if is_traced(model, glass, centres):
        room = ONLY_TRY  # there is no second try
        density = glass.count / (glass.box.least_volume or 1.0)
        unit = ball(glass.dim)
        within = lambda r: room * _crowded(density * unit * r**glass.dim)
    else:
        within = lambda r: int(jnp.max(_counted(glass, centres, r)))
    near, free = (min(_rounded(within(r)), glass.count) for r in (around, radius))
    plan = plan_ball(model, glass, free, skin, room)
    return _Settings(march.Sizes(plan, None), near, radius)


def _crowded(mean):
    """More particles than a ball holds with so many in the mean."""
    return mean + 3 * math.sqrt(mean) + 4


def _rounded(count):
    """Room for so many, alike for similar glasses."""
    return 8 * math.ceil(count / 8)


@jax.jit
def _counted(glass, centres, radius):
    """Particles within a radius of every centre."""

    def of_one(centre):
        r = minimum_image(glass.box, glass.position - centre)
        return jnp.sum(dot(r, r) < radius**2)

    return jax.lax.map(of_one, centres, batch_size=64)


class _Found(Struct):
    strain: Array
    stress: Array
    rest: Array
    factorisations: Array
    status: Array


def _thresholds(model, glass, centres, directions, settings, progress):
    """A _Found of all sites and directions."""
    if is_traced(model, glass, centres, directions):
        return _all(model, glass, centres, directions, settings=settings)
    sites = min(max(1, PIECE // len(directions)), len(centres))

    def piece(begin):
        at = np.minimum(np.arange(begin, begin + sites), len(centres) - 1)
        some = _all(model, glass, centres[at], directions, settings=settings)
        return jax.tree.map(lambda a: np.asarray(a[: len(centres) - begin]), some)

    parts = []
    with Progress("local strength", len(centres), show=progress) as bar:
        for some in side_by_side(piece, range(0, len(centres), sites)):
            parts.append(some)
            bar.done(len(some.strain))
    return jax.tree.map(lambda *a: jnp.concatenate(a), *parts)


@functools.partial(jax.jit, static_argnames="settings")
def _all(model, glass, centres, directions, *, settings):
    """One after the other on CPUs, so that none waits for the slowest; together elsewhere."""
    sites, ways = len(centres), len(directions)
    each = jnp.repeat(centres, ways, axis=0), jnp.tile(directions, (sites, 1, 1))
    found = jax.vmap(loop_on_cpu(functools.partial(_threshold, settings)), (None, None, 0, 0))(
        model, glass, *each
    )
    return jax.tree.map(lambda a: a.reshape(sites, ways), found)


def _threshold(settings, model, glass, centre, direction):
    """The _Found of one site and direction."""
    r = minimum_image(glass.box, glass.position - centre)
    apart = jnp.sqrt(dot(r, r))
    order = jnp.argsort(apart)[: settings.near]
    free = apart[order] < settings.radius
    pick = lambda a: None if a is None else a[order]
    local = Glass(centre + r[order], glass.box, pick(glass.species), pick(glass.diameter))
    # who is free must find room, and who may come near a free one must be there
    outer = apart[order[-1]] - settings.radius
    small = (settings.near < glass.count) & (outer < (1 + AROUND) * model.reach)
    start = march.set_out(
        model,
        local,
        direction,
        settings.sizes,
        free=free,
        spacing=glass.spacing,
    )
    end = march.march(start, settings.sizes, LIMIT, MAX_STEPS)
    walk, ended = end.walk, end.walk.phase == branch.ENDED
    ball = lambda system, position, strain: _stress(system, position, strain, settings.radius)
    bonds = list_ball(model, local, free, settings.sizes.list).bonds
    at_rest = start.system.replace(near=bonds)
    nothing = lambda a: jnp.where(ended, a, jnp.nan)
    status = (
        end.status
        | branch.status_of(walk, MAX_STEPS)
        | flag(walk.phase == branch.ARRIVED, Status.NO_EVENT)
        | flag(small, Status.NEIGHBOUR_OVERFLOW)
    )
    return _Found(
        strain=nothing(walk.trial_strain),
        stress=nothing(ball(end.system, walk.trial, walk.trial_strain)),
        rest=ball(at_rest, local.position, 0.0),
        factorisations=walk.rounds,
        status=status,
    )


def _stress(system, position, strain, radius):
    """tau = E : sigma of the ball."""
    e, d = system.at(position, strain, order=1), position.shape[1]
    ends = 0.5 * (system.free[e.bonds.i].astype(float) + system.free[e.bonds.j])
    sigma = jnp.einsum("b,bi,bj->ij", ends, e.force, e.separation)
    volume = ball(d) * radius**d
    return jnp.sum(system.direction * sigma) / volume


@jax.jit
def _projected(residual, directions, load):
    cosine = jnp.einsum("aij,ij->a", directions, load) / jnp.sum(load * load)
    usable = cosine > EVEN
    along = residual / jnp.where(usable, cosine, 1.0)
    return jnp.nanmin(jnp.where(usable, along, jnp.nan), axis=-1)


@functools.partial(jax.jit, static_argnames="radius")
def _of_particles(glass, centres, projected, radius):
    def of_one(x):
        r = minimum_image(glass.box, centres - x)
        inside = dot(r, r) < radius**2
        return jnp.nanmin(jnp.where(inside, projected, jnp.nan))

    return jax.lax.map(of_one, glass.position, batch_size=64)
