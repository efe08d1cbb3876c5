"""The Hessian of a glass as a ring of blocks, one a slab of the box.

Particles are ordered along the widest direction of the box and cut into slabs of equal count, thick
enough that a bond joins particles of one slab or of neighbouring slabs: the Hessian is then a block
ring (linalg/slabs). One particle is held by a spring, which makes the matrix positive without
changing anything that does not see translations: M^-1 b for forces b that sum to zero, blocks of
M^-1 seen by bonds, and det M up to a known factor.

Equal counts leave no padding. The number of slabs is fixed before tracing; a bond that skips a slab
sets a status bit, and outside tracing the number is chosen so that none does.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import is_traced
from ..core.struct import Struct, static
from ..host.programs import drop_programs_in_time
from ..linalg import slabs
from ..system.box import fractional

# Thickness of a slab over the longest interaction, tried in turn: nearly every glass takes the
# first or the second.
SLACK = (1.02, 1.06, 1.1, 1.15, 1.25, 1.4)
TRACED_SLACK = 1.15  # for bonds that cannot be looked at; no glass of the tests needed more


class Layout(NamedTuple):
    """How particles are cut into slabs: along which cell vector, into how many."""

    axis: int
    slabs: int


class Slabs(Struct):
    """A factored ring.

    Attributes:
        factor: slabs.Factor.
        order: (n,), particles in order of slabs.
        rank: (n,), place of each particle in that order.
        spring: stiffness of the spring that holds particle order[-1].
        skipped: whether a bond joins slabs that are not neighbours.
        layout: Layout.
    """

    factor: slabs.Factor
    order: Array
    rank: Array
    spring: Array
    skipped: Array
    layout: Layout = static()

    @property
    def thickness(self):
        """Particles in a slab."""
        return -(-self.rank.shape[-1] // self.layout.slabs)


def plan(e):
    """The Layout for expansions like this one; looks at the bonds if they are concrete."""
    width = e.glass.box.width
    if width is None:
        return Layout(0, 1)
    axis = int(np.argmax(width))
    if is_traced(e):
        return Layout(axis, _slabs(width[axis], TRACED_SLACK * e.reach / 1.02))
    drop_programs_in_time()
    with jax.ensure_compile_time_eval():  # a concrete expansion may be met while tracing others
        for slack in SLACK:
            layout = Layout(axis, _slabs(width[axis], slack * e.reach / 1.02))
            if layout.slabs == 1 or not np.any(_skips(e, layout, _order(e, layout)[1])):
                return layout
    return Layout(axis, 1)


def memory(e, layout):
    """Estimate of the bytes that factor and selected inverse take: ten blocks a slab."""
    n, d = e.position.shape[-2:]
    return 8 * 10 * layout.slabs * (-(-n // layout.slabs) * d) ** 2


def _slabs(width, thickness):
    count = math.floor(width / thickness)
    return count if count >= 3 else 1


def _order(e, layout):
    order = jnp.argsort(fractional(e.glass.box, e.position)[..., layout.axis])
    return order, jnp.argsort(order)


def _skips(e, layout, rank):
    """Bonds that join slabs which are not neighbours."""
    i, j = (rank[k] // -(-e.count // layout.slabs) for k in (e.bonds.i, e.bonds.j))
    apart = (j - i) % layout.slabs
    return e.bonds.valid & (apart > 1) & (apart < layout.slabs - 1)


def factor(e, layout, shift=0.0):
    """Factors M + shift."""
    order, rank = _order(e, layout)
    trace = jnp.sum(jnp.trace(e.stiffness, axis1=-2, axis2=-1))
    spring = jax.lax.stop_gradient(2 * trace / (e.position.size))
    spring = jnp.where(spring > 0, spring, 1.0)
    skipped = jnp.any(_skips(e, layout, rank)) if layout.slabs > 1 else jnp.bool_(False)
    ring = _ring_of(e, layout, rank, spring, shift)
    return Slabs(slabs.factor(ring), order, rank, spring, skipped, layout)


def _ring_of(e, layout, rank, spring, shift):
    """M + shift as a Ring of blocks, with particle n - 1 in order held.

    Unused places have the holding spring alone, on the diagonal.
    """
    n, d = e.position.shape
    count, width = layout.slabs, -(-n // layout.slabs)
    k = e.stiffness
    i, j = rank[e.bonds.i], rank[e.bonds.j]
    slab_i, slab_j = i // width, j // width
    backwards = (slab_i != slab_j) & ((slab_i - slab_j) % count == 1)
    first, second = jnp.where(backwards, j, i), jnp.where(backwards, i, j)
    across = (slab_i != slab_j).astype(jnp.int32)
    # A coupling within a slab is written on both sides of the diagonal, one across slabs once.
    mirror = jnp.where(across[:, None, None] == 1, 0.0, -k)
    blocks = jnp.zeros((2, count, width * d, width * d))
    for kind, row, column, value in (
        (jnp.zeros_like(across), i, i, k),
        (jnp.zeros_like(across), j, j, k),
        (across, first, second, -k),
        (jnp.zeros_like(across), second, jnp.where(across == 1, second, first), mirror),
    ):
        blocks = blocks.at[_places(kind, row, column, width, d)].add(value)
    used = jnp.arange(count * width * d).reshape(count, -1) < n * d
    held = jnp.arange(count * width * d).reshape(count, -1) // d == n - 1
    diagonal = jnp.where(used, shift, spring) + jnp.where(held, spring, 0.0)
    return slabs.Ring(blocks[0] + jax.vmap(jnp.diag)(diagonal), blocks[1])


def _places(kind, row, column, width, d):
    """Index arrays (b, d, d) of the blocks of pairs of given ranks, in the slab of the first."""
    a, b = jnp.arange(d)[:, None], jnp.arange(d)[None, :]
    at = lambda x: x[:, None, None]
    return at(kind), at(row // width), at(row % width) * d + a, at(column % width) * d + b


def pin(ring, z):
    """What the spring adds to M z, for fields (n, d) or columns (n, d, c)."""
    held = ring.order[-1]
    return jnp.zeros_like(z).at[held].set(ring.spring * z[held])


def log_determinant(ring):
    """log det M on translation-free fields.

    The spring k on one particle multiplies the determinant by (k/n)^d, every unused place by k.
    """
    n, count = ring.rank.shape[-1], ring.layout.slabs
    d = ring.factor.inverse.shape[-1] // ring.thickness
    ghosts = count * ring.thickness - n
    spring = jnp.log(ring.spring)
    return ring.factor.logdet - d * (spring - jnp.log(n)) - ghosts * d * spring


def solve(ring, b):
    """G b for fields b (n, d) or (n, d, c), G the inverse with one particle held.

    Zero if the factor failed.
    """
    return _from_slabs(ring, slabs.solve(ring.factor, _to_slabs(ring, b)), b.shape)


def upper(ring, y):
    """A y with A A^T = G, for y (n, d) or (n, d, c).

    The places of y are slots of the ring, not particles.
    """
    count, width = ring.layout.slabs, ring.thickness
    n, d = y.shape[:2]
    room = ((0, count * width * d - n * d), (0, 0))
    padded = jnp.pad(y.reshape(n * d, -1), room).reshape(count, width * d, -1)
    return _from_slabs(ring, slabs.solve_upper(ring.factor, padded), y.shape)


def lower(ring, b):
    """A^T b."""
    n, d = b.shape[:2]
    y = slabs.solve_lower(ring.factor, _to_slabs(ring, b))
    return y.reshape(-1, y.shape[-1])[: n * d].reshape(b.shape)


def _to_slabs(ring, b):
    n, d = b.shape[:2]
    count, width = ring.layout.slabs, ring.thickness
    ordered = b.reshape(n, d, -1)[ring.order].reshape(n * d, -1)
    return jnp.pad(ordered, ((0, count * width * d - n * d), (0, 0))).reshape(count, width * d, -1)


def _from_slabs(ring, x, shape):
    n, d = shape[:2]
    return x.reshape(-1, d, x.shape[-1])[:n][ring.rank].reshape(shape)


def blocks(ring, bonds):
    """B_b = G_ii + G_jj - G_ij - G_ji of every bond, and G_ii of every particle.

    Shapes (b, d, d) and (n, d, d).
    """
    inverse = slabs.selected_inverse(ring.factor)
    i, j = ring.rank[bonds.i], ring.rank[bonds.j]
    own = _pair_blocks(ring, inverse, ring.rank, ring.rank)
    mixed = _pair_blocks(ring, inverse, i, j)
    seen = own[bonds.i] + own[bonds.j] - mixed - jnp.swapaxes(mixed, -1, -2)
    return jnp.where(bonds.valid[:, None, None], seen, 0.0), own


def _pair_blocks(ring, inverse, i, j):
    """Blocks G_ij for pairs of ranks in the same or neighbouring slabs, (b, d, d)."""
    count, width = ring.layout.slabs, ring.thickness
    d = inverse.diagonal.shape[-1] // width
    slab_i, slab_j = i // width, j // width
    backwards = (slab_i != slab_j) & ((slab_i - slab_j) % count == 1)
    first, second = jnp.where(backwards, j, i), jnp.where(backwards, i, j)
    _, slab, row, column = _places(jnp.zeros_like(i), first, second, width, d)
    same = (slab_i == slab_j)[:, None, None]
    block = jnp.where(same, inverse.diagonal[slab, row, column], inverse.upper[slab, row, column])
    return jnp.where(backwards[:, None, None], jnp.swapaxes(block, -1, -2), block)


def squared_blocks(e, layout):
    """Blocks of G and of G^2 on bonds, (b, d, d) each.

    The latter are minus the derivative of the former with respect to a shift of M.
    """
    shifted = lambda shift: blocks(factor(e, layout, shift), e.bonds)[0]
    first, slope = jax.jvp(shifted, (0.0,), (1.0,))
    return first, -slope
