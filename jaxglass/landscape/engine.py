"""The factor of a Hessian: chosen here alone, made once for a glass, passed on as a value.

``Factor`` holds what the direct engine (dissection.py) made of M with a spring added that holds the
translations, G = (M + pin)^-1, and the result of two products with M, by which it knows its Hessian
again: the factor of another glass sets a bit of the status. A factor is a number, not a function of
the model: every function here takes the expansion too, and derivatives follow from that, whether
the factor was made inside the differentiated function or outside:

    d (G b)      = -G dM G b
    d G_blocks   = the blocks of -G dM G, from the same factor
    d log det M  = sum_b B_b : dK_b
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import choice
from ..core.status import Status, flag, or_nan
from ..core.struct import Struct
from ..host.memory import whole_memory
from ..linalg import nested, nested_inverse
from . import dissection
from .contract import need, provides
from .coupled import between

# Of all memory: what the direct engine may take before "auto" turns to another method. A solve, a
# search and what the user holds want the rest. Of 24 GB that is n = 350,000 in the plane and 20,000
# in space.
SHARE = 0.4
# Relative difference of two products, far above their rounding and far below that of two glasses.
ALIKE = 1e-9


class Factor(Struct):
    """A factored Hessian, from ``factorise``.

    Attributes:
        inside: what the direct engine made.
        probe: (2,), z.M z and y.M z for two fixed fields, which tell one Hessian from another.
        status: NOT_A_MINIMUM if the Hessian is not positive on translation-free fields, and other
            bits.
    """

    inside: nested.Factor
    probe: Array
    status: Array


def factorise(e, *, shift: float = 0.0) -> Factor:
    """Factors the Hessian of an expansion with bonds, for later calls with ``factor=``.

    Args:
        e: Expansion.
        shift: number added to the diagonal.

    Returns:
        Factor, with ``status`` NOT_A_MINIMUM if the Hessian is not positive on translation-free
        fields.

    Example:
        >>> factor = jg.require(jg.factorise(e))
        >>> modes = jg.lowest_modes(e, 4, method="direct", factor=factor)
        >>> thermal = jg.local_thermal_energy(e, factor=factor)
        >>> int(modes.status), int(thermal.status)
        (0, 0)
    """
    need("factorise", e, "blocks")
    e = jax.lax.stop_gradient(e)
    return _factorise(e, shift, dissection.tree_of(e))


@jax.jit
def _factorise(e, shift, tree):
    inside = dissection.factor(e, tree, shift)
    status = flag(tree.overflow, Status.SEPARATOR_OVERFLOW)
    status = status | flag(~inside.ok & ~tree.overflow, Status.NOT_A_MINIMUM)
    return Factor(inside, _probe(e, shift), e.status | status)


def _probe(e, shift=0.0):
    """z.(M + shift) z and y.(M + shift) z for two fixed fields without any symmetry."""
    n, d = e.position.shape
    at = jnp.arange(n * d, dtype=float).reshape(n, d)
    z, y = jnp.cos(1.7 * at), jnp.sin(0.9 * at)
    image = e.second(z) + shift * z
    return jnp.stack([jnp.sum(z * image), jnp.sum(y * image)])


def choose(function, e, method, options, factor, otherwise):
    """The method that "auto" stands for, and the factor if it is "direct".

    Args:
        function: name of the public function, for its sentences.
        e: expansion, already checked.
        method: as the user gave it.
        options: methods of that function.
        factor: Factor, or None.
        otherwise: what "auto" means where the direct engine cannot serve, or would take more than
            SHARE of the memory.
    """
    choice("method", method, options)
    if factor is not None and method not in ("auto", "direct"):
        raise ValueError(f"factor is used by method='direct', found method={method!r}")
    if method == "auto" and factor is None and not _fits(e):
        method = otherwise
    elif method == "auto":
        method = "direct"
    if method != "direct":
        return method, None
    need(f"{function} by method='direct'", e, "blocks")
    return method, factor_of(e, factor)


def factor_of(e, factor=None):
    """The factor given, a bit of its status set if it is another Hessian's; a new one for None."""
    if factor is None:
        return factorise(e)
    if not isinstance(factor, Factor):
        raise TypeError(f"factor must be a Factor, from factorise, found {type(factor).__name__}")
    if factor.inside.tree.level.shape != (e.count,):
        raise ValueError(
            f"factor must be that of an expansion of {e.count} particles, "
            f"found one of {factor.inside.tree.level.shape}"
        )
    return _recognised(*jax.lax.stop_gradient((e, factor)))


@jax.jit
def _recognised(e, factor):
    here, there = _probe(e), factor.probe
    size = jnp.max(jnp.abs(jnp.stack([here, there])))
    foreign = ~(jnp.max(jnp.abs(here - there)) <= ALIKE * size)
    return factor.replace(status=factor.status | e.status | flag(foreign, Status.FOREIGN_FACTOR))


def _fits(e):
    return provides(e, "blocks") and dissection.memory(e) < SHARE * whole_memory()


def apply_inverse(e, factor, b):
    """G b for fields (n, d) or columns (n, d, c).

    It is M^-1 b up to a translation where b sums to zero.
    """
    inside = jax.lax.stop_gradient(factor.inside)
    return jax.lax.custom_linear_solve(
        lambda z: e.second(z) + nested.pin(inside, z),
        b,
        lambda _, b: nested.solve(inside, b),
        symmetric=True,
    )


def apply_root(factor, y):
    """A y for fields (n, d) or columns, with A A^T = G.

    In the variables y the Hessian is the identity.
    """
    return nested.solve_upper(factor.inside, y)


def apply_root_transposed(factor, b):
    """A^T b."""
    return nested.solve_lower(factor.inside, b)


def inverse_blocks(e, factor):
    """B_b = G_ii + G_jj - G_ij - G_ji of every bond, and G_ii of every particle.

    Shapes (b, d, d) and (n, d, d).
    """
    return dissection.bond_blocks(e, jax.lax.stop_gradient(factor.inside))


def blocks_between(e, factor):
    """The function of particles p, q that share a term -> G_pq (..., d, d); None for pairs alone,
    whose blocks say all.
    """
    if not (provides(e, "groups") and e.groups):
        return None
    mixed, own = nested_inverse.inverse_blocks(jax.lax.stop_gradient(factor.inside), *e.blocks)
    return between(e.pairs, own, mixed)


def squared_inverse_blocks(e, factor):
    """The blocks of G and of G^2 on bonds, (b, d, d) each."""
    return dissection.squared_bond_blocks(e, jax.lax.stop_gradient(factor.inside))


def log_determinant(e, *, factor: Factor | None = None) -> Array:
    """log det of the Hessian on translation-free fields, differentiable in the model.

    Args:
        e: Expansion.
        factor: Factor of it, from ``factorise``.

    Returns:
        A scalar; NaN if the Hessian is not positive there, or the expansion carries a status.

    Example:
        >>> bool(jg.log_determinant(e) > 0)
        True
    """
    need("log_determinant", e, "blocks")
    return _log_determinant(e, factor_of(e, factor))


@jax.custom_jvp
@jax.jit
def _log_determinant(e, factor):
    return or_nan(factor.status, nested.log_determinant(factor.inside))


@_log_determinant.defjvp
def _log_determinant_jvp(primals, tangents):
    (e, factor), (de, _) = primals, tangents
    _, (diagonal, coupling) = jax.jvp(lambda e: e.blocks, (e,), (de,))
    pairs, own = nested_inverse.inverse_blocks(jax.lax.stop_gradient(factor.inside), *e.blocks)
    slope = jnp.sum(own * diagonal) + 2 * jnp.sum(pairs * coupling)
    return _log_determinant(e, factor), or_nan(factor.status, slope)
