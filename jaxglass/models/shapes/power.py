"""Inverse power laws x^-n, of t = x^2."""

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from ...core.samples import one_by_one

SQUARINGS = 5  # of 1/t: even exponents up to 62 are products


def inverse_power(t, p):
    """x^-n for any real exponent n, of t = x^2."""
    return _power(t, p["exponent"])


def twelve(t, p):
    """x^-12, of t = x^2."""
    return (1 / t) ** 6


@jax.custom_jvp
def _power(t, n):
    half = 0.5 * jnp.asarray(n)
    whole = (half == jnp.round(half)) & (half >= 0) & (half < 2**SQUARINGS)
    if one_by_one():
        return jax.lax.cond(whole, _product, _exponential, t, half)
    return jnp.where(whole, _product(t, half), _exponential(t, half))  # no look at a condition


def _product(t, half):
    """t^-k by squaring: 1 ns a number on a CPU."""
    bits, square, product = half.astype(jnp.int32), 1 / t, jnp.ones_like(t)
    for k in range(SQUARINGS):
        product = jnp.where((bits >> k) & 1 == 1, product * square, product)
        square = square * square
    return product


def _exponential(t, half):
    """As exp and log, which XLA vectorises on CPUs: 7 ns a number, a power takes 17."""
    return jnp.exp(-half * jnp.log(t))


def _slope(primals, tangents):
    (t, n), (dt, dn) = primals, tangents
    value = _power(t, n)
    relative = jnp.zeros_like(t)
    if not isinstance(dt, SymbolicZero):
        relative = relative - 0.5 * n / t * dt
    if not isinstance(dn, SymbolicZero):
        relative = relative - 0.5 * jnp.log(t) * dn
    return value, value * relative


_power.defjvp(_slope, symbolic_zeros=True)
