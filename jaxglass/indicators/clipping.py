"""Radical Voronoi cells without polygons: lines clipped by planes.

A particle at the origin with radius R and candidates at r_k of radius R_k has the cell of all x
that are nearer to it in power,

    x.r_k <= h_k,        h_k = (r_k.r_k + R^2 - R_k^2) / 2.

In the plane every candidate gives a line, p + t q with p = h_k r_k / r_k.r_k and q = r_k turned by
a right angle; each other candidate m bounds t from above or below by

    t q.r_m <= h_m - p.r_m,

and what is left, if anything, is an edge. In space the lines are those where the planes of two
candidates k and l meet, q = r_k x r_l. No polygon, no sorting; k^d numbers a particle.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

from ..core.arrays import dot
from ..core.struct import Struct
from ..neighbours.many import couples

# Sines below which lines are parallel: rounding in the separations of a perfect crystal is 1e-15.
PARALLEL = 1e-12
# In a simple cubic crystal three planes meet in one line. Which two of them have the edge is
# decided with planes moved by up to this share, each by another; their places stay exact.
APART = 1e-9
GOLDEN = 0.618033988749895  # multiples modulo 1 keep away from each other


class Cell(Struct):
    """A cell seen from its particle.

    Attributes:
        volume: area or volume.
        moment: (d,), integral of x over the cell: volume times centroid.
        edge: (k,), which candidates have an edge; in space which planes bound the cell.
        next: (k,), candidate whose edge follows, anticlockwise; in the plane only, zeros in space.
        farthest: square of the distance of the farthest corner; infinite if the cell is unbounded.
    """

    volume: Array
    moment: Array
    edge: Array
    next: Array
    farthest: Array


def cell(r, h, held):
    """The Cell among candidates at r (k, d) with h (k,); those not held do not count."""
    return (_planar if r.shape[1] == 2 else _spatial)(r, h, held)


def _clip(start, along, r, h, held, own, moved=None):
    """What the candidates leave of lines start + t along, (m, d).

    Args:
        own: arrays (m,), the candidates that a line belongs to; they do not clip it.
        moved: start (m, d) of the lines and h (k,) after the small moves that tell planes through
            one line apart; none by default.

    Returns:
        low, high: ends of t; whether something is left; who bounds t from above.
    """
    moved = (jnp.zeros_like(start), jnp.zeros_like(h)) if moved is None else moved
    bounds = _bounds(*jax.lax.stop_gradient((start, along, r, h, moved)), held, own)
    low, below, high, above, beyond = bounds

    def bound(m):
        rate = dot(along, r[m])
        clean = jnp.where(m < 0, 1.0, rate)
        return (h[m] - dot(start, r[m])) / clean

    left = ~beyond & (low < high)
    low = jnp.where(below < 0, -jnp.inf, bound(below))
    return low, jnp.where(above < 0, jnp.inf, bound(above)), left, above


def _bounds(start, along, r, h, moved, held, own):
    """Ends of t, who sets them (-1 where nobody does), and whether a parallel plane leaves nothing.

    One candidate after the other clips all lines: no table of candidates and lines is ever formed.
    """
    moved_start, moved_h = moved
    narrow = PARALLEL**2 * dot(along, along)
    # component by component, lines in a row: XLA makes one vector loop of that
    of = lambda x, m: sum(part * r[m, a] for a, part in enumerate(x))
    start, along, moved_start = start.T, along.T, moved_start.T

    def clip(m, state):
        low, below, high, above, beyond = state
        rate, slack = of(along, m), h[m] - of(start, m)
        active = held[m] & functools.reduce(jnp.logical_and, [k != m for k in own])
        crossing = rate * rate > narrow * dot(r[m], r[m])
        t = slack / jnp.where(crossing, rate, 1.0)
        lower = active & crossing & (rate < 0) & (t > low)
        upper = active & crossing & (rate > 0) & (t < high)
        outside = slack + moved_h[m] - of(moved_start, m) < 0
        return (
            jnp.where(lower, t, low),
            jnp.where(lower, m, below),
            jnp.where(upper, t, high),
            jnp.where(upper, m, above),
            beyond | (active & ~crossing & outside),
        )

    many = start.shape[1:]
    nobody, end = jnp.full(many, -1, jnp.int32), jnp.full(many, jnp.inf)
    state = -end, nobody, end, nobody, jnp.zeros(many, bool)
    return jax.lax.fori_loop(0, len(r), clip, state)


def _ends(low, high, left, start, along):
    """Ends that are harmless where nothing is left, and the farthest square."""
    bounded = left & jnp.isfinite(low) & jnp.isfinite(high)
    low, high = jnp.where(bounded, low, 0.0), jnp.where(bounded, high, 0.0)
    ends = start + jnp.stack([low, high])[..., None] * along
    square = jnp.max(jnp.where(bounded, dot(ends, ends), jnp.where(left, jnp.inf, 0.0)))
    return low, high, square


def _planar(r, h, held):
    start = (h / dot(r, r))[:, None] * r
    along = jnp.stack([-r[:, 1], r[:, 0]], axis=1)
    low, high, left, above = _clip(start, along, r, h, held, (jnp.arange(len(r)),))
    left = left & held
    low, high, farthest = _ends(low, high, left, start, along)
    # Ends a, b of an edge: a x b = h (high - low), the centroid of the triangle is (a + b) / 3.
    area = 0.5 * h * (high - low)
    middle = (2 * start + (low + high)[:, None] * along) / 3
    return Cell(jnp.sum(area), area @ middle, left, jnp.maximum(above, 0), farthest)


def _spatial(r, h, held):
    k, l = couples(len(r))
    each = jnp.arange(len(r))
    normal = jnp.cross(r[k], r[l])
    size, product, square = dot(normal, normal), dot(r[k], r[l]), dot(r, r)
    crossing = held[k] & held[l] & (size > PARALLEL**2 * square[k] * square[l])
    size = jnp.where(crossing, size, 1.0)

    def meeting(h):
        first = (h[k] * square[l] - h[l] * product) / size
        second = (h[l] * square[k] - h[k] * product) / size
        place = first[:, None] * r[k] + second[:, None] * r[l]
        return jnp.where(crossing[:, None], place, 0.0)

    start, moved = meeting(h), APART * square * (GOLDEN * each % 1.0)
    along = jnp.where(crossing[:, None], normal, jnp.eye(3)[0])
    low, high, left, _ = _clip(start, along, r, h, held, (k, l), (meeting(moved), moved))
    left = left & crossing
    low, high, farthest = _ends(low, high, left, start, along)
    # Tetrahedra of the particle, its foot on plane k and the ends a, b of the edge with plane l:
    # six times the volume is foot.(a x b) = foot.(start x along) (high - low). The edge runs
    # anticlockwise on plane k, clockwise on plane l.
    sides = jnp.cross(start, along) * (high - low)[:, None] / 6
    both = 2 * start + (low + high)[:, None] * along
    foot = (h / square)[:, None] * r
    one, two = dot(foot[k], sides), -dot(foot[l], sides)
    moment = one @ (foot[k] + both) + two @ (foot[l] + both)
    edge = jnp.zeros(len(r), bool).at[k].max(left).at[l].max(left)
    return Cell(jnp.sum(one + two), moment / 4, edge, jnp.zeros_like(each), farthest)
