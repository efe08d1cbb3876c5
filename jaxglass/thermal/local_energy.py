"""Local thermal energy: how the mean energy of each bond starts to change with temperature.

    E_b = lim (<e_b>_T - e_b) / (T/2) = K_b : B_b + f_b . (X_j - X_i),    X = -M^-1 . U''' : M^-1

(article, equations 1 to 3). The harmonic part K_b : B_b sums to n d - d, equipartition; the
anharmonic part needs internal stress and can be large of either sign: it marks soft spots.
"""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from ..core.checks import integer
from ..core.random import key_or_first
from ..core.status import or_nan
from ..core.struct import Struct
from ..landscape import engine, inverse
from ..landscape.contract import need, provides
from ..landscape.engine import Factor
from ..landscape.expansion import bond_third_block
from ..landscape.solve import remove_translation, solve
from ..linalg.stochastic import probes as draw_probes
from ..modes.harmonic import Modes, lowest_modes
from . import terms

METHODS = ("auto", "direct", "dense", "stochastic", "modes")
PROBE_TOL = 1e-6  # of the solves; far below the noise of the probes
DENSE = 1000  # particles; up to so many "auto" takes the full spectrum where it cannot be direct


class LocalThermalEnergy(Struct):
    """Local thermal energy of every bond, in units of k_B T / 2.

    Of a model of many bodies values, parts and errors are tuples, an array for each of ``e.terms``.

    Attributes:
        value: (b,), harmonic + anharmonic; zero where padded.
        harmonic: (b,), K_b : B_b.
        anharmonic: (b,), f_b . (X_j - X_i).
        displacement: (n, d), X, with zero mean.
        error: (b,), standard error of the value; zero for exact methods.
        status: bits.
    """

    value: Any
    harmonic: Any
    anharmonic: Any
    displacement: Array
    error: Any
    status: Array


class _Settings(NamedTuple):
    method: str
    probes: int


def local_thermal_energy(
    e,
    *,
    method: str = "auto",
    factor: Factor | None = None,
    probes: int = 128,
    lowest: int = 64,
    key: Array | None = None,
) -> LocalThermalEnergy:
    """Local thermal energy of every bond.

    Args:
        e: Expansion with bonds, at a minimum.
        method: "direct", exact, cost O(n^1.5) in two dimensions and O(n^2) in three; "dense",
            exact, by full diagonalisation; "stochastic", random probes with the lowest modes taken
            out exactly, memory O(n), for what does not fit otherwise; "modes", the sum over the
            lowest modes only. "auto": direct while it fits in memory.
        factor: Factor of e, from ``factorise``, for "direct".
        probes: of "stochastic"; standard errors fall as one over the root of their number.
        lowest: number of lowest modes that "stochastic" takes out, or all that "modes" sums; 64
            take a few seconds at n = 10,000 and halve the noise.
        key: JAX random key of the probes; a fixed one by default.

    Returns:
        LocalThermalEnergy. Exact methods differentiate in the model.

    Example:
        >>> t = jg.local_thermal_energy(e)
        >>> bool(abs(t.harmonic.sum() - (64 * 2 - 2)) < 1e-8)    # equipartition
        True
    """
    need("local_thermal_energy", e, "groups")
    settings, factor = chosen("local_thermal_energy", e, method, METHODS, factor, probes)
    key = key_or_first(key)
    found = None
    if settings.method in ("stochastic", "modes"):
        found = lowest_ones(e, lowest)
    return _local(e, found, factor, key, settings)


def thermal_displacement(
    e,
    *,
    method: str = "auto",
    factor: Factor | None = None,
    probes: int = 128,
    lowest: int = 64,
    key: Array | None = None,
) -> Array:
    """X = -M^-1 . U''' : M^-1: mean displacement per T/2 as temperature rises from zero.

    Arguments as for ``local_thermal_energy``; an expansion of any energy(position) is served by
    "dense".

    Returns:
        (n, d), zero mean; NaN where ``local_thermal_energy`` would set a status.

    Example:
        >>> jg.thermal_displacement(e).shape
        (64, 2)
    """
    need("thermal_displacement", e, "higher")
    if provides(e, "groups"):
        found = local_thermal_energy(
            e, method=method, factor=factor, probes=probes, lowest=lowest, key=key
        )
        return or_nan(found.status, found.displacement)
    chosen("thermal_displacement", e, method, ("auto", "dense"), factor, probes)
    return _dense_displacement(e)


def chosen(function, e, method, options, factor, probes):
    """The settings of an average and its factor.

    "auto" is direct; where that cannot serve, random probes for pairs and the full spectrum for
    other energies.
    """
    few = not provides(e, "groups") or (e.groups and e.count <= DENSE)
    otherwise = "dense" if few else "stochastic"
    method, factor = engine.choose(function, e, method, options, factor, otherwise)
    return _Settings(method, integer("probes", probes, at_least=2)), factor


def lowest_ones(e, lowest):
    """The modes that random probes leave out, or all there are."""
    n, d = e.position.shape
    return lowest_modes(e, min(integer("lowest", lowest, at_least=1), n * d - d))


def bond_third_of_inverse(e, blocks):
    """U''' : M^-1 from the blocks of M^-1 on bonds, (n, d): the gradient of log det M."""
    return e.scatter(bond_third_block(e, blocks))


def third_of_inverse(e, columns):
    """The same for an energy without bonds: the sum over orthonormal z of U''' : z (M^-1 z)."""
    shape, size = e.position.shape, e.position.size
    pairs = jnp.eye(size), columns(jnp.arange(size)).reshape(size, size).T
    contracted = lambda zy: e.third(zy[0].reshape(shape), zy[1].reshape(shape))
    return jnp.sum(jax.lax.map(contracted, pairs), axis=0)


@functools.partial(jax.jit, static_argnames="settings")
def _local(e, found, factor, key, settings):
    if e.groups:
        return _of_terms(e, found, factor, key, settings)
    if settings.method == "stochastic":
        return _stochastic(e, found, key, settings.probes)
    by_modes = settings.method == "modes"
    known = inverse.of_modes(e, found) if by_modes else inverse.exact(e, factor)
    moved, status = displacement(e, known)
    harmonic, anharmonic = _parts(e, known.blocks, moved)
    value = harmonic + anharmonic
    return LocalThermalEnergy(value, harmonic, anharmonic, moved, jnp.zeros_like(value), status)


def _of_terms(e, found, factor, key, settings):
    if settings.method == "stochastic":
        parts = terms.by_probes(e, found, key, settings.probes, PROBE_TOL)
        harmonic, anharmonic, moved, error, status = parts
    else:
        by_modes = settings.method == "modes"
        known = inverse.of_modes(e, found) if by_modes else inverse.exact(e, factor)
        harmonic, pull = terms.of_modes(e, found) if by_modes else terms.seen(e, known)
        x, status = known.apply(pull)
        moved = -remove_translation(x)
        anharmonic = terms.along(e, moved)
        error = jax.tree.map(jnp.zeros_like, harmonic)
        status = status | known.status
    value = jax.tree.map(jnp.add, harmonic, anharmonic)
    return LocalThermalEnergy(value, harmonic, anharmonic, moved, error, e.status | status)


def displacement(e, known):
    """X from what is known of M^-1, and the status of both."""
    if not provides(e, "higher"):
        return jnp.full_like(e.position, jnp.nan), e.status | known.status
    if known.blocks is None:
        pull = third_of_inverse(e, known.columns)
    elif e.groups:
        pull = terms.seen(e, known)[1]
    else:
        pull = bond_third_of_inverse(e, known.blocks)
    x, status = known.apply(pull)
    return -remove_translation(x), e.status | known.status | status


def _parts(e, blocks, moved):
    """K_b : B_b and f_b . (X_j - X_i)."""
    harmonic = jnp.einsum("bxy,bxy->b", e.stiffness, blocks)
    anharmonic = jnp.sum(e.force * e.difference(moved), axis=-1)
    return jnp.where(e.bonds.valid, harmonic, 0.0), jnp.where(e.bonds.valid, anharmonic, 0.0)


def _stochastic(e, found: Modes, key, probes):
    """Blocks from signs z without their part along the known modes, and y = M^-1 z.

    The symmetric part of y_b z_b has the mean B_b.
    """
    shape = e.position.shape
    exact_blocks = inverse.blocks_of_modes(e, found)
    solved, solved_status = _solved(e, exact_blocks)
    exact = _parts(e, exact_blocks, -solved)
    flat = found.vector.reshape(found.vector.shape[0], -1)

    def sample(carry, z):
        z = remove_translation(z)
        z = z - (flat.T @ (flat @ z.ravel())).reshape(shape)
        y = solve(e, z, tol=PROBE_TOL)
        a, b = e.difference(y.x), e.difference(z)
        outer = a[:, :, None] * b[:, None, :]
        blocks = 0.5 * (outer + jnp.swapaxes(outer, 1, 2))
        blocks = jnp.where(e.bonds.valid[:, None, None], blocks, 0.0)
        x, x_status = _solved(e, blocks, tol=PROBE_TOL)
        harmonic, anharmonic = _parts(e, blocks, -x)
        status, *sums = carry
        new = (harmonic, anharmonic, (harmonic + anharmonic) ** 2, -x)
        return (status | y.status | x_status, *(s + a for s, a in zip(sums, new))), None

    zero = jnp.zeros_like(exact[0])
    start = (solved_status | found.status, zero, zero, zero, jnp.zeros(shape))
    (status, *sums), _ = jax.lax.scan(sample, start, draw_probes(key, probes, shape))
    harmonic, anharmonic, square, moved = (a / probes for a in sums)
    variance = jnp.maximum(square - (harmonic + anharmonic) ** 2, 0.0)
    error = jnp.sqrt(variance / (probes - 1))
    harmonic, anharmonic = harmonic + exact[0], anharmonic + exact[1]
    moved = remove_translation(moved - solved)
    value = harmonic + anharmonic
    return LocalThermalEnergy(value, harmonic, anharmonic, moved, error, e.status | status)


def _solved(e, blocks, tol=1e-10):
    """M^-1 . U''' : M^-1 from blocks, and status; NaN where there are no third derivatives."""
    if not provides(e, "higher"):
        return jnp.full_like(e.position, jnp.nan), jnp.int32(0)
    x = solve(e, bond_third_of_inverse(e, blocks), tol=tol)
    return x.x, x.status


@jax.jit
def _dense_displacement(e):
    moved, status = displacement(e, inverse.dense(e))
    return or_nan(status, moved)
