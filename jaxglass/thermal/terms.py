"""Local thermal energy of terms of any number of particles.

    E_t = e'' : B + e' . D X,      B = D M^-1 D^T,      X = -M^-1 . U''' : M^-1

with e' and e'' the derivatives of the term by its separations and D z the differences of a field
along them: the general formula (d2e/dx dx) : M^-1 + (de/dx) . X seen by a term; for pairs that
of local_energy.py. Values come in a tuple, an array for each of ``e.terms``.
"""

import jax
import jax.numpy as jnp

from ..landscape.expansion import bond_second, bond_third_block
from ..landscape.solve import remove_translation, solve
from ..linalg.stochastic import probes as draw_probes


def seen(e, known):
    """What terms see of a known M^-1: e'' : B of every term, and U''' : M^-1 (n, d)."""
    harmonic, pull = (
        [_of_pairs(e.two, known.blocks)],
        e.scatter(bond_third_block(e.two, known.blocks)),
    )
    for group in e.groups:
        value, slope = group.seen(known.between)
        harmonic.append(value)
        pull = pull + group.scatter(slope, e.count)
    return tuple(harmonic), pull


def _of_pairs(two, blocks):
    values = jnp.einsum("bxy,bxy->b", two.stiffness, blocks)
    return jnp.where(two.bonds.valid, values, 0.0)


def along(e, moved):
    """e' . D X of every term."""
    two = jnp.sum(e.two.force * e.difference(moved), axis=-1)
    others = [jnp.sum(g.pull * g.difference(moved), axis=(1, 2)) for g in e.groups]
    return (jnp.where(e.bonds.valid, two, 0.0), *others)


def of_modes(e, modes):
    """The same as ``seen`` of the share of some modes, sum over them of psi psi / omega^2."""

    def add(total, mode):
        psi, frequency = mode
        found = _pairing(e, psi, psi)
        return jax.tree.map(lambda a, b: a + b / frequency**2, total, found), None

    zero = _pairing(e, jnp.zeros(e.position.shape), jnp.zeros(e.position.shape))
    return jax.lax.scan(add, zero, (modes.vector, modes.frequency))[0]


def _pairing(e, y, z):
    """e'' : y z of every term, and U''' : y z."""
    a, b = e.difference(y), e.difference(z)
    two = jnp.where(e.bonds.valid, jnp.sum(b * bond_second(e.two, a), axis=-1), 0.0)
    values = [two]
    for g in e.groups:
        rows = jnp.where(g.held[..., None], g.second(g.difference(y)), 0.0)
        values.append(jnp.sum(rows * g.difference(z), axis=(1, 2)))
    return tuple(values), e.third(y, z)


def by_probes(e, found, key, probes, tol):
    """Harmonic and anharmonic parts, X, standard errors and status by random probes, the lowest
    modes taken out exactly.

    With signs z without their part along the modes and y = M^-1 z, y z has the mean M^-1.
    """
    shape = e.position.shape
    exact, pull = of_modes(e, found)
    solved = solve(e, pull)
    flat = found.vector.reshape(found.vector.shape[0], -1)

    def sample(carry, z):
        z = remove_translation(z)
        z = z - (flat.T @ (flat @ z.ravel())).reshape(shape)
        y = solve(e, z, tol=tol)
        harmonic, pull = _pairing(e, y.x, z)
        x = solve(e, pull, tol=tol)
        anharmonic = along(e, -x.x)
        square = jax.tree.map(lambda a, b: (a + b) ** 2, harmonic, anharmonic)
        status, *sums = carry
        new = harmonic, anharmonic, square, -x.x
        sums = jax.tree.map(jnp.add, sums, list(new))
        return (status | y.status | x.status, *sums), None

    zero = jax.tree.map(jnp.zeros_like, exact)
    start = solved.status | found.status, zero, zero, zero, jnp.zeros(shape)
    (status, *sums), _ = jax.lax.scan(sample, start, draw_probes(key, probes, shape))
    harmonic, anharmonic, square, moved = jax.tree.map(lambda a: a / probes, sums)
    spread = lambda s, h, a: jnp.sqrt(jnp.maximum(s - (h + a) ** 2, 0.0) / (probes - 1))
    error = jax.tree.map(spread, square, harmonic, anharmonic)
    known = along(e, -solved.x)
    add = lambda a, b: jax.tree.map(jnp.add, a, b)
    moved = remove_translation(moved - solved.x)
    return add(harmonic, exact), add(anharmonic, known), moved, error, status
