"""Local thermal energy: how the mean energy of each bond starts to change with temperature.

    E_b = lim (<e_b>_T - e_b) / (T/2) = K_b : B_b + f_b . (X_j - X_i),    X = -M^-1 . U''' : M^-1

(article, equations 1 to 3). The harmonic part K_b : B_b sums to n d - d, equipartition; the anharmonic part needs internal
stress and can be large of either sign: it marks soft spots.
"""

import functools

import jax
import jax.numpy as jnp

from ..core.checks import integer
from ..core.status import or_nan
from ..core.struct import struct
from ..landscape.expansion import Expansion, bond_third_block, check_expansion
from ..landscape.solve import remove_translation, solve
from ..linalg.stochastic import probes as draw_probes
from ..modes.harmonic import Modes, lowest_modes
from . import inverse

METHODS = ("auto", "direct", "dense", "stochastic", "modes")
PROBE_TOL = 1e-6  # of the solves; far below the noise of the probes


@struct
class LocalThermalEnergy:
    """Local thermal energy of every bond, in units of k_B T / 2.

    Attributes:
        value: (b,), harmonic + anharmonic; zero where padded.
        harmonic: (b,), K_b : B_b.
        anharmonic: (b,), f_b . (X_j - X_i).
        displacement: (n, d), X, with zero mean.
        error: (b,), standard error of the value; zero for exact methods.
        status: bits.
    """

    value: object
    harmonic: object
    anharmonic: object
    displacement: object
    error: object
    status: object


def local_thermal_energy(e, *, method="auto", probes=128, modes=64, seed=0):
    """Local thermal energy of every bond.

    Args:
        e: Expansion with bonds, at a minimum.
        method: "direct", exact, cost O(n^2) in two dimensions and O(n^(7/3)) in three; "dense", exact, by full
            diagonalisation; "stochastic", random probes with the lowest modes taken out exactly, memory O(n), for what
            does not fit otherwise; "modes", the sum over the lowest modes only. "auto": direct while it fits in memory.
        probes: of "stochastic"; standard errors fall as one over the root of their number.
        modes: number of lowest modes that "stochastic" takes out, or all that "modes" sums.
        seed: of the probes.

    Returns:
        LocalThermalEnergy. Exact methods differentiate in the model.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> t = jg.local_thermal_energy(e)
        >>> bool(abs(t.harmonic.sum() - (64 * 2 - 2)) < 1e-8)    # equipartition
        True
    """
    check_expansion(e)
    if not isinstance(e, Expansion):
        raise ValueError(
            "local_thermal_energy needs the bonds of a pair model; energy(position) has thermal_displacement"
        )
    method, layout = inverse.choose(e, method, METHODS)
    integer("probes", probes, at_least=2)
    integer("modes", modes, at_least=1)
    found = (
        lowest_modes(e, min(modes, e.position.size - e.position.shape[1]))
        if method in ("stochastic", "modes")
        else None
    )
    return _local(e, found, method, layout, probes, seed)


def thermal_displacement(e, *, method="auto", probes=128, modes=64, seed=0):
    """X = -M^-1 . U''' : M^-1: the mean displacement of particles per T/2 as temperature rises from zero.

    Args: as for ``local_thermal_energy``; an expansion of any energy(position) is served by "dense".

    Returns:
        (n, d), zero mean; NaN where ``local_thermal_energy`` would set a status.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> jg.thermal_displacement(e).shape
        (64, 2)
    """
    check_expansion(e)
    if isinstance(e, Expansion):
        found = local_thermal_energy(e, method=method, probes=probes, modes=modes, seed=seed)
        return or_nan(found.status, found.displacement)
    inverse.choose(e, method, ("auto", "dense"))
    return _dense_displacement(e)


def bond_third_of_inverse(e, blocks):
    """U''' : M^-1 from the blocks of M^-1 on bonds, (n, d): the gradient of log det M."""
    return e.scatter(bond_third_block(e, blocks))


def third_of_inverse(e, columns):
    """The same for an energy without bonds: the sum over an orthonormal set of U''' : z (M^-1 z)."""
    shape, size = e.position.shape, e.position.size
    pairs = jnp.eye(size), columns(jnp.arange(size)).reshape(size, size).T
    return jnp.sum(
        jax.lax.map(lambda zy: e.third(zy[0].reshape(shape), zy[1].reshape(shape)), pairs), axis=0
    )


@functools.partial(jax.jit, static_argnames=("method", "layout", "probes", "seed"))
def _local(e, found, method, layout, probes, seed):
    if method == "stochastic":
        return _stochastic(e, found, probes, seed)
    known = inverse.modes(e, found) if method == "modes" else inverse.exact(e, method, layout)
    moved, status = displacement(e, known)
    harmonic, anharmonic = _parts(e, known.blocks, moved)
    value = harmonic + anharmonic
    return LocalThermalEnergy(value, harmonic, anharmonic, moved, jnp.zeros_like(value), status)


def displacement(e, known):
    """X from what is known of M^-1, and the status of both."""
    pull = (
        third_of_inverse(e, known.columns)
        if known.blocks is None
        else bond_third_of_inverse(e, known.blocks)
    )
    x, status = known.apply(pull)
    return -remove_translation(x), e.status | known.status | status


def _parts(e, blocks, moved):
    """K_b : B_b and f_b . (X_j - X_i)."""
    harmonic = jnp.einsum("bxy,bxy->b", e.stiffness, blocks)
    anharmonic = jnp.sum(e.force * e.difference(moved), axis=-1)
    return jnp.where(e.bonds.valid, harmonic, 0.0), jnp.where(e.bonds.valid, anharmonic, 0.0)


def _stochastic(e, found: Modes, probes, seed):
    """Signs z without their part along the known modes, y = M^-1 z: the symmetric part of y_b z_b has the mean B_b."""
    shape = e.position.shape
    exact_blocks = inverse.blocks_of_modes(e, found)
    solved = solve(e, bond_third_of_inverse(e, exact_blocks))
    exact = _parts(e, exact_blocks, -solved.x)
    flat = found.vector.reshape(found.vector.shape[0], -1)

    def sample(carry, z):
        z = remove_translation(z)
        z = z - (flat.T @ (flat @ z.ravel())).reshape(shape)
        y = solve(e, z, tol=PROBE_TOL)
        a, b = e.difference(y.x), e.difference(z)
        outer = a[:, :, None] * b[:, None, :]
        blocks = jnp.where(
            e.bonds.valid[:, None, None], 0.5 * (outer + jnp.swapaxes(outer, 1, 2)), 0.0
        )
        x = solve(e, bond_third_of_inverse(e, blocks), tol=PROBE_TOL)
        harmonic, anharmonic = _parts(e, blocks, -x.x)
        status, *sums = carry
        new = (harmonic, anharmonic, (harmonic + anharmonic) ** 2, -x.x)
        return (status | y.status | x.status, *(s + a for s, a in zip(sums, new))), None

    zero = jnp.zeros_like(exact[0])
    start = (solved.status | found.status, zero, zero, zero, jnp.zeros(shape))
    (status, harmonic, anharmonic, square, moved), _ = jax.lax.scan(
        sample, start, draw_probes(jax.random.key(seed), probes, shape)
    )
    harmonic, anharmonic, square, moved = (
        a / probes for a in (harmonic, anharmonic, square, moved)
    )
    variance = jnp.maximum(square - (harmonic + anharmonic) ** 2, 0.0)
    error = jnp.sqrt(variance / (probes - 1))
    harmonic, anharmonic = harmonic + exact[0], anharmonic + exact[1]
    moved = remove_translation(moved - solved.x)
    return LocalThermalEnergy(
        harmonic + anharmonic, harmonic, anharmonic, moved, error, e.status | status
    )


@jax.jit
def _dense_displacement(e):
    moved, status = displacement(e, inverse.dense(e))
    return or_nan(status, moved)
