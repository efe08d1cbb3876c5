"""Matrices on the boundaries of a level's nodes and on the fronts of their parents, in each other's
places: two gathers, each of which is the other's transpose.

Left to itself JAX turns the transpose of a gather into a scatter, which takes twenty times longer.
So the two are one primitive with a rule of its own.

    to_parents    F_n[p, q] = sum over both children c of n   S_c[up_nc(p), up_nc(q)]
    to_children   S_c[i, j] = F_n[down_c(i), down_c(j)],      n the parent of c

Indices beyond the last row mean zero. S is (2N, b d, b d), F is (N, f d, f d), up (N, 2, f) and
down (2N, b) count particles.
"""

import functools

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

_exchange = Primitive("exchange")


def to_parents(s, up, down):
    """What the boundaries (2N, b d, b d) add to the fronts (N, f d, f d)."""
    return _exchange.bind(s, up, down, rising=True, axes=())


def to_children(front, up, down):
    """Parts of the fronts (N, f d, f d) on the boundaries (2N, b d, b d)."""
    return _exchange.bind(front, up, down, rising=False, axes=())


def _rise(s, up, down):
    child = 2 * jnp.arange(up.shape[0])[:, None, None]
    s = _windows(s, s.shape[-1] // down.shape[-1])
    part = lambda k: s[child + k, up[:, k, :, None], :, up[:, k, None, :], :]
    return flat(part(0) + part(1))


def _sink(front, up, down):
    parent = jnp.arange(down.shape[0])[:, None, None] // 2
    front = _windows(front, front.shape[-1] // up.shape[-1])
    return flat(front[parent, down[:, :, None], :, down[:, None, :], :])


def _windows(s, d):
    """(N, p d, p d) -> (N, p + 1, d, p + 1, d), the last window zero."""
    n, p = s.shape[0], s.shape[1] // d
    return jnp.pad(s.reshape(n, p, d, p, d), ((0, 0), (0, 1), (0, 0), (0, 1), (0, 0)))


def flat(windows):
    """(N, p, q, d, d) -> (N, p d, q d)."""
    n, p, q, d, _ = windows.shape
    return windows.transpose(0, 1, 3, 2, 4).reshape(n, p * d, q * d)


def _apply(x, up, down, *, rising, axes):
    function = _rise if rising else _sink
    for mapped in axes:
        function = jax.vmap(function, in_axes=mapped)
    return function(x, up, down)


@functools.partial(jax.jit, static_argnames=("rising", "axes"))
def _run(x, up, down, rising, axes):
    return _apply(x, up, down, rising=rising, axes=axes)


def _shape(x, up, down, **params):
    return x.update(shape=jax.eval_shape(functools.partial(_apply, **params), x, up, down).shape)


def _transpose(cotangent, x, up, down, *, rising, axes):
    if type(cotangent) is ad.Zero:
        return None, None, None
    return _exchange.bind(cotangent, up, down, rising=not rising, axes=axes), None, None


def _batch(arguments, dims, *, rising, axes):
    """The matrices are always mapped, so that the transpose maps them too."""
    size = next(a.shape[k] for a, k in zip(arguments, dims, strict=True) if k is not None)
    front = lambda a, k: a if k is None else jnp.moveaxis(a, k, 0)
    x, up, down = map(front, arguments, dims)
    if dims[0] is None:
        x = jnp.broadcast_to(x, (size, *x.shape))
    mapped = (0, *(None if k is None else 0 for k in dims[1:]))
    return _exchange.bind(x, up, down, rising=rising, axes=(*axes, mapped)), 0


_exchange.def_impl(_run)
_exchange.def_abstract_eval(_shape)
mlir.register_lowering(_exchange, mlir.lower_fun(_apply, multiple_results=False))
ad.defjvp(_exchange, lambda t, x, *index, **params: _exchange.bind(t, *index, **params), None, None)
ad.primitive_transposes[_exchange] = _transpose
batching.primitive_batchers[_exchange] = _batch
