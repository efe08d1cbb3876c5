"""The direct engine: the Hessian of a glass as a ring of blocks, one a slab, factored once for many uses.

Particles are ordered along the widest direction of the box and cut into slabs of equal count, thick enough that a bond
joins particles of one slab or of neighbouring slabs: the Hessian is then a block ring (linalg/slabs). One particle is
held by a spring, which makes the matrix positive without changing anything that does not see translations: M^-1 b for
forces b that sum to zero, blocks of M^-1 seen by bonds, and det M up to a known factor.

Equal counts leave no padding. The number of slabs is fixed before tracing; a bond that skips a slab sets a status bit,
and outside tracing the number is chosen so that none does.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import is_traced
from ..core.status import Status, flag, or_nan
from ..core.struct import static, struct
from ..host.programs import drop_programs_in_time
from ..linalg import slabs
from ..system.box import fractional
from .expansion import Expansion

SLACK = (
    1.02,
    1.06,
    1.1,
    1.15,
    1.25,
    1.4,
)  # thickness of a slab over the longest interaction, tried in turn
TRACED_SLACK = 1.15


class Layout(NamedTuple):
    """How particles are cut into slabs: along which cell vector, into how many."""

    axis: int
    slabs: int


@struct
class Direct:
    """A factored Hessian.

    Attributes:
        factor: slabs.Factor.
        order: (n,), particles in order of slabs.
        rank: (n,), place of each particle in that order.
        spring: stiffness of the spring that holds particle order[-1].
        status: bits.
        layout: Layout.
    """

    factor: slabs.Factor
    order: object
    rank: object
    spring: object
    status: object
    layout: Layout = static()

    @property
    def width(self):
        """Particles in a slab."""
        return -(-self.rank.shape[-1] // self.layout.slabs)


def plan_layout(e):
    """The Layout for expansions like this one; looks at the bonds if they are concrete."""
    if not isinstance(e, Expansion):
        raise ValueError(
            "the direct engine needs the bonds of a pair model; use a matrix-free method with energy(position)"
        )
    width = e.glass.box.width
    if width is None:
        return Layout(0, 1)
    axis = int(np.argmax(width))
    if is_traced(e):
        return Layout(axis, _slabs(width[axis], TRACED_SLACK * e.reach / 1.02))
    drop_programs_in_time()
    for slack in SLACK:
        layout = Layout(axis, _slabs(width[axis], slack * e.reach / 1.02))
        if layout.slabs == 1 or not np.any(_skips(e, layout, _order(e, layout)[1])):
            return layout
    return Layout(axis, 1)


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


def ring_of(e, layout, rank, spring, shift=0.0):
    """The Hessian plus a shift as a Ring of blocks, particle n - 1 in order held, unused places on the diagonal."""
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
    """Index arrays (b, d, d) of the block of two particles of given rank, in the slab of the first."""
    a, b = jnp.arange(d)[:, None], jnp.arange(d)[None, :]
    at = lambda x: x[:, None, None]
    return at(kind), at(row // width), at(row % width) * d + a, at(column % width) * d + b


def factorise(e, *, layout=None, shift=0.0):
    """Factors the Hessian of an expansion with bonds.

    Args:
        e: Expansion.
        layout: Layout; chosen from the bonds by default.
        shift: number added to the diagonal.

    Returns:
        Direct, with ``status`` NOT_A_MINIMUM if the Hessian is not positive on translation-free fields.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> int(jg.factorise(e).status)
        0
    """
    return _factorise(e, shift, plan_layout(e) if layout is None else layout)


def check_factor(e, factor):
    """The factor, if it is a Direct of as many particles as the expansion; an error otherwise."""
    if not isinstance(factor, Direct):
        raise TypeError(f"factor must be a Direct, from factorise, found {type(factor).__name__}")
    if factor.rank.shape != (e.count,):
        raise ValueError(
            f"factor must be that of an expansion of {e.count} particles, found one of {factor.rank.shape}"
        )
    return factor


@functools.partial(jax.jit, static_argnums=2)
def _factorise(e, shift, layout):
    order, rank = _order(e, layout)
    trace = jnp.sum(jnp.trace(e.stiffness, axis1=-2, axis2=-1))
    spring = jax.lax.stop_gradient(2 * trace / (e.position.size))
    spring = jnp.where(spring > 0, spring, 1.0)
    factor = slabs.factor(ring_of(e, layout, rank, spring, shift))
    skipped = jnp.any(_skips(e, layout, rank)) if layout.slabs > 1 else jnp.bool_(False)
    status = flag(~factor.ok, Status.NOT_A_MINIMUM) | flag(skipped, Status.SLABS_TOO_THIN)
    return Direct(factor, order, rank, spring, e.status | status, layout)


@jax.jit
def apply_inverse(direct, b):
    """G b for fields b (n, d) or (n, d, c), G the inverse with one particle held; zero if the factor failed."""
    return _from_slabs(direct, slabs.solve(direct.factor, _to_slabs(direct, b)), b.shape)


def apply_root(direct, y):
    """A y for fields y (n, d) or (n, d, c), with A A^T = G: variables in which the Hessian is the identity.

    The places of y are slots of the ring, not particles.
    """
    count, width = direct.layout.slabs, direct.width
    n, d = y.shape[:2]
    padded = jnp.pad(y.reshape(n * d, -1), ((0, count * width * d - n * d), (0, 0))).reshape(
        count, width * d, -1
    )
    return _from_slabs(direct, slabs.solve_upper(direct.factor, padded), y.shape)


def apply_root_transposed(direct, b):
    """A^T b."""
    n, d = b.shape[:2]
    y = slabs.solve_lower(direct.factor, _to_slabs(direct, b))
    return y.reshape(-1, y.shape[-1])[: n * d].reshape(b.shape)


def _to_slabs(direct, b):
    n, d = b.shape[:2]
    count, width = direct.layout.slabs, direct.width
    ordered = b.reshape(n, d, -1)[direct.order].reshape(n * d, -1)
    return jnp.pad(ordered, ((0, count * width * d - n * d), (0, 0))).reshape(count, width * d, -1)


def _from_slabs(direct, x, shape):
    n, d = shape[:2]
    return x.reshape(-1, d, x.shape[-1])[:n][direct.rank].reshape(shape)


@jax.jit
def bond_blocks(direct, bonds, inverse=None):
    """B_b = G_ii + G_jj - G_ij - G_ji of every bond, (b, d, d).

    Args:
        direct: Direct.
        bonds: Bonds.
        inverse: Ring of the selected inverse, or of its derivative; computed by default.
    """
    inverse = slabs.selected_inverse(direct.factor) if inverse is None else inverse
    i, j = direct.rank[bonds.i], direct.rank[bonds.j]
    mixed = pair_blocks(direct, inverse, i, j)
    own = pair_blocks(direct, inverse, i, i) + pair_blocks(direct, inverse, j, j)
    seen = own - mixed - jnp.swapaxes(mixed, -1, -2)
    return jnp.where(bonds.valid[:, None, None], seen, 0.0)


def pair_blocks(direct, inverse, i, j):
    """Blocks G_ij for pairs of ranks in the same or neighbouring slabs, (b, d, d)."""
    count, width = direct.layout.slabs, direct.width
    d = inverse.diagonal.shape[-1] // width
    slab_i, slab_j = i // width, j // width
    backwards = (slab_i != slab_j) & ((slab_i - slab_j) % count == 1)
    first, second = jnp.where(backwards, j, i), jnp.where(backwards, i, j)
    _, slab, row, column = _places(jnp.zeros_like(i), first, second, width, d)
    same = (slab_i == slab_j)[:, None, None]
    block = jnp.where(same, inverse.diagonal[slab, row, column], inverse.upper[slab, row, column])
    return jnp.where(backwards[:, None, None], jnp.swapaxes(block, -1, -2), block)


def log_determinant(e):
    """log det of the Hessian on translation-free fields, differentiable in the model.

    Returns:
        A scalar; NaN if the Hessian is not positive there, or the expansion carries a status.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> bool(jg.log_determinant(e) > 0)
        True
    """
    return _log_determinant(e, plan_layout(e))


@functools.partial(jax.jit, static_argnums=1)
def _log_determinant(e, layout):
    n, d = e.position.shape
    direct = factorise(e, layout=layout)
    ghosts = direct.layout.slabs * direct.width - n
    # The spring k on one particle multiplies the determinant by (k/n)^d, every unused place by k.
    value = (
        direct.factor.logdet - d * jnp.log(direct.spring / n) - ghosts * d * jnp.log(direct.spring)
    )
    return or_nan(direct.status, value)
