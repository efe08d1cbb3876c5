"""Motion x'' = -M x by Chebyshev polynomials: v . cos(sqrt(M) t) v at all times at once.

With A = 2 M / top - 1, whose spectrum lies in [-1, 1], and t_k = T_k(A) v,

    t_(k+1) = 2 A t_k - t_(k-1),     mu_k = v . t_k,     C(t) = sum_k c_k(t) mu_k,
    c_k(t) = (2 - [k = 0]) (-1)^k J_2k(sqrt(top) t),

because T_k(2 x^2 - 1) = T_2k(x). From T_(k+l) + T_|k-l| = 2 T_k T_l each product gives two moments.
Bessel functions fall faster than exponentially beyond 2k = sqrt(top) t, so that sqrt(top) t / 4
products and some dozens give rounding precision; a leapfrog at the limit of its stability takes
twice as many, one that is right to a per cent twenty times as many.

The number of moments may be a traced number: there is only room for a fixed one.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

# Miller's recurrence is scaled down where it has grown by this.
GROWN = 1e100


class Sequence(NamedTuple):
    """The recurrence after some products.

    Attributes:
        before, here: t_(k-1) and t_k, shaped like the start.
        moments: (room,), of which 2 k are there, zero beyond.
        products: k.
    """

    before: Array
    here: Array
    moments: Array
    products: Array


def moments_needed(top, time):
    """How many moments serve all times up to one: the next term is below rounding."""
    z = 0.5 * jnp.sqrt(top) * time
    return jnp.ceil(z + 12 * jnp.cbrt(z) + 40).astype(jnp.int32)


def begin(apply, operator, start, top, room):
    """The Sequence after one product.

    Args:
        apply: M z = apply(operator, z).
        operator: pytree.
        start: v, of any shape; what has several columns gives the sum over them.
        top: bound of the spectrum, which lies between 0 and it.
        room: number of moments there is room for, static and even.
    """
    here = (2 / top) * apply(operator, start) - start
    moments = jnp.zeros(room).at[:2].set(jnp.stack([jnp.vdot(start, start), jnp.vdot(start, here)]))
    return Sequence(start, here, moments, jnp.int32(1))


def extend(apply, operator, sequence, top, count):
    """The Sequence with so many moments or a few more, as far as there is room for them.

    By two products at a time, so that fields need not change places: a sixth faster.
    """
    there = sequence.products
    wanted = jnp.asarray((count + 1) // 2, jnp.int32) - there
    most = (len(sequence.moments) // 2 - there) // 2
    pairs = jnp.clip((wanted + 1) // 2, 0, most)

    def one(s):
        after = (4 / top) * apply(operator, s.here) - 2 * s.here - s.before
        even = 2 * jnp.vdot(s.here, s.here) - s.moments[0]
        odd = 2 * jnp.vdot(after, s.here) - s.moments[1]
        put = jax.lax.dynamic_update_slice
        moments = put(s.moments, jnp.stack([even, odd]), (2 * s.products,))
        return Sequence(s.here, after, moments, s.products + 1)

    return jax.lax.fori_loop(0, pairs, lambda _, s: one(one(s)), sequence)


def cosines(moments, count, z):
    """sum_k c_k mu_k at each z = sqrt(top) t.

    Args:
        moments: (room,).
        count: how many of them to sum, ``moments_needed`` for the largest z or more.
        z: (t,).
    """
    add = lambda k, c, total: total + moments[k] * c
    return _with_coefficients(z, count, add, jnp.zeros_like(z))


def of_cosines(weights, count, z, room):
    """The transpose of ``cosines``: sum over z of c_k times a weight of each, (room,)."""
    put = lambda k, c, total: total.at[k].set(jnp.sum(c * weights))
    return _with_coefficients(z, count, put, jnp.zeros(room))


def _with_coefficients(z, count, visit, carry):
    """Goes through c_k(z) from k = count - 1 down to 0: carry = visit(k, c_k, carry).

    By Miller's backward recurrence, once for the norm 1 = J_0 + 2 sum J_2k and once for the values.
    """
    z = jnp.maximum(z, 1e-8)  # J_0 is one there within rounding

    def descend(k, state):
        above, here, scaled = state
        between = (4 * (k + 1) / z) * here - above
        lower = ((4 * k + 2) / z) * between - here
        grown = jnp.abs(lower) > GROWN
        scale = jnp.where(grown, 1 / GROWN, 1.0)
        return between * scale, lower * scale, scaled + grown, scale

    first = jnp.zeros_like(z), jnp.ones_like(z), jnp.zeros(z.shape, jnp.int32)
    weight = lambda k: jnp.where(k == 0, 1.0, 2.0)

    def norm(step, state):
        k = count - 1 - step
        *bessel, scale = descend(k, state[:3])
        return *bessel, state[3] * scale + weight(k) * bessel[1]

    *_, scalings, total = jax.lax.fori_loop(0, count, norm, (*first, 0.0 * z))

    def values(step, state):
        k = count - 1 - step
        *bessel, _ = descend(k, state[:3])
        later = scalings - bessel[2]  # values that are scaled down twice more vanish
        scale = jnp.where(later == 0, 1.0, jnp.where(later == 1, 1 / GROWN, 0.0))
        true = bessel[1] / total * scale
        sign = jnp.where(k % 2 == 0, 1.0, -1.0)
        return *bessel, visit(k, sign * weight(k) * true, state[3])

    return jax.lax.fori_loop(0, count, values, (*first, carry))[3]


def pull_back(apply, operator, sequence, start, top, cotangent) -> tuple[list, Array]:
    """Cotangents of operator and start from those of the moments.

    The recurrence is run backwards beside its transpose, so that nothing need be kept:

        s_k = dL/dt_k + 2 A s_(k+1) - s_(k+2),     dL/dA = s_1 t_0^T + sum_k 2 s_(k+1) t_k^T.

    Args:
        sequence: of ``extend``, at its end.
        cotangent: (room,), zero beyond the moments that are there.

    Returns:
        Cotangents of the floating leaves of the operator, a list, and of the start.
    """
    products = sequence.products
    square = (2 * cotangent[::2]).at[0].set(cotangent[0] - jnp.sum(cotangent[2::2]))
    cross = (2 * cotangent[1::2]).at[0].set(cotangent[1] - jnp.sum(cotangent[3::2]))
    twice = lambda z: (4 / top) * apply(operator, z) - 2 * z

    def one(step, state):
        k = products - 1 - step  # of t_k, from the last but one down to 1
        ahead, here, s_ahead, s_here, total = state  # t_(k+1), t_k, s_(k+2), s_(k+1)
        total = _add(total, _with(apply, operator, here, (4 / top) * s_here))
        behind = twice(here) - ahead
        direct = 2 * square[k] * here + cross[k] * ahead + cross[k - 1] * behind
        return here, behind, s_here, direct + twice(s_here) - s_ahead, total

    last = cross[products - 1] * sequence.before
    zero = [jnp.zeros_like(a) for a in jax.tree.leaves(operator) if is_floating(a)]
    state = (sequence.here, sequence.before, jnp.zeros_like(start), last, zero)
    ahead, _, s_ahead, s_here, total = jax.lax.fori_loop(0, products - 1, one, state)
    total = _add(total, _with(apply, operator, start, (2 / top) * s_here))
    direct = 2 * square[0] * start + cross[0] * ahead
    return total, direct + 0.5 * twice(s_here) - s_ahead


def _with(apply, operator, z, cotangent):
    """Cotangent of an operator of which only the product with z matters, floating leaves."""
    pulled = jax.vjp(lambda operator: apply(operator, z), operator)[1](cotangent)[0]
    return [a for a in jax.tree.leaves(pulled) if is_floating(a)]


def _add(total, more):
    return [a + b for a, b in zip(total, more, strict=True)]


def is_floating(a):
    """Whether a leaf has derivatives; cotangents of others have no numbers."""
    return jnp.issubdtype(a.dtype, jnp.floating)
