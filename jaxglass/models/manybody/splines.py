"""Splines through values on an even grid, as polynomials of every interval.

"quintic": of degree 5 with four continuous derivatives, for what is differentiated four times, with
no condition at the ends ("not a knot"). "lammps": cubic pieces with slopes from differences of five
values, as LAMMPS evaluates its tables; only the slope is continuous.
"""

import math

import jax.numpy as jnp
import numpy as np

DEGREE = 5
KINDS = ("quintic", "lammps")


def pieces(values, kind):
    """Coefficients (..., intervals, k + 1) of u^0 ... u^k, u from 0 to 1 within an interval."""
    return _quintic(values) if kind == "quintic" else _as_lammps(values)


def evaluate(coefficients, row, x):
    """The spline of a row, a tuple of indices, at x in units of the grid; straight on beyond its
    end.
    """
    intervals = coefficients.shape[-2]
    at = jnp.clip(jnp.floor(x).astype(jnp.int32), 0, intervals - 1)
    c = coefficients[*row, at]
    u = jnp.clip(x - at, -jnp.inf, 1.0)
    value = slope = jnp.zeros_like(u)
    for k in range(c.shape[-1] - 1, -1, -1):
        slope = slope * u + value
        value = value * u + c[..., k]
    return value + jnp.where(x - at > 1.0, slope * (x - at - 1.0), 0.0)


def _quintic(values):
    values = np.asarray(values, float)
    flat = np.moveaxis(values.reshape(-1, values.shape[-1]), 1, 0)
    c = _coefficients(flat)
    windows = np.stack([c[k : len(c) - DEGREE + k] for k in range(DEGREE + 1)], axis=-1)
    found = np.einsum("icj,jk->cik", windows, _blending())
    return found.reshape(*values.shape[:-1], *found.shape[1:])


def _blending():
    """Row j: the polynomial in u by which coefficient i + j enters interval i."""
    rows = [np.polynomial.Polynomial([1.0])]
    for k in range(1, DEGREE + 1):
        up = lambda j, k=k: np.polynomial.Polynomial([(k - j) / k, 1 / k])
        down = lambda j, k=k: np.polynomial.Polynomial([(1 + j) / k, -1 / k])
        zero = np.polynomial.Polynomial([0.0])
        before = [zero, *rows, zero]
        rows = [up(j) * before[j] + down(j) * before[j + 1] for j in range(k + 1)]
    return np.array([np.pad(row.coef, (0, DEGREE + 1))[: DEGREE + 1] for row in rows])


def _coefficients(values):
    """Of the splines of an even grid through values (n, columns): (n + 4, columns)."""
    n = len(values)
    if n < 8:
        raise ValueError(f"a table must have at least 8 values, found {n}")
    jump = [(-1.0) ** k * math.comb(6, k) for k in range(7)]  # of the fifth derivative
    node = _blending()[:-1, 0]  # a spline at a point of the grid
    rows = [(0, jump), (1, jump), *((i, node) for i in range(n)), (n - 4, jump), (n - 3, jump)]
    zero = np.zeros((2, values.shape[1]))
    return _solved(rows, np.concatenate([zero, values, zero]))


def _solved(rows, rhs):
    """Solution of a band matrix, given by rows (first column, entries), by elimination."""
    size, band = len(rows), 7
    matrix = np.zeros((size, 2 * band + 1))  # entry (i, j) at j - i + band
    for i, (first, entries) in enumerate(rows):
        matrix[i, first - i + band : first - i + band + len(entries)] = entries
    x = rhs.copy()
    for i in range(size):
        for k in range(i + 1, min(size, i + band)):
            ratio = matrix[k, i - k + band] / matrix[i, band]
            if ratio:
                matrix[k, i - k + band : i - k + 2 * band] -= ratio * matrix[i, band : 2 * band]
                x[k] -= ratio * x[i]
    for i in range(size - 1, -1, -1):
        last = min(size, i + band)
        x[i] = (x[i] - matrix[i, band + 1 : band + last - i] @ x[i + 1 : last]) / matrix[i, band]
    return x


def _as_lammps(values):
    v = np.asarray(values, float)
    slope = np.empty_like(v)
    slope[..., 2:-2] = ((v[..., :-4] - v[..., 4:]) + 8 * (v[..., 3:-1] - v[..., 1:-3])) / 12
    slope[..., 0], slope[..., -1] = v[..., 1] - v[..., 0], v[..., -1] - v[..., -2]
    slope[..., 1] = 0.5 * (v[..., 2] - v[..., 0])
    slope[..., -2] = 0.5 * (v[..., -1] - v[..., -3])
    rise, here, there = np.diff(v), slope[..., :-1], slope[..., 1:]
    cubic = v[..., :-1], here, 3 * rise - 2 * here - there, here + there - 2 * rise
    return np.stack(cubic, axis=-1)
