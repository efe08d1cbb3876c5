"""Hessians from fluctuations: exact samples of a known crystal."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

SIDE, TEMPERATURE = 5, 1.7


@pytest.fixture(scope="module")
def crystal():
    """Positions and the Hessian of springs on a square lattice with diagonals."""
    at = np.stack(np.divmod(np.arange(SIDE**2), SIDE), axis=1).astype(float)
    n = len(at)
    h = np.zeros((n, 2, n, 2))
    for step in ((1, 0), (0, 1), (1, 1), (1, -1)):
        u = np.array(step) / np.linalg.norm(step)
        other = ((at + step) % SIDE) @ [SIDE, 1]
        for i, j in zip(range(n), other.astype(int), strict=True):
            for p, q, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
                h[p, :, q] += sign * 300 * np.outer(u, u)
    return at, h.reshape(2 * n, 2 * n)


def samples(crystal, frames, seed=0):
    at, h = crystal
    w, v = np.linalg.eigh(h)
    kicks = np.random.default_rng(seed).normal(size=(frames, len(w) - 2))
    return at + (kicks * np.sqrt(TEMPERATURE / w[2:]) @ v[:, 2:].T).reshape(frames, *at.shape)


def test_the_crystal_is_recovered_within_its_statistics(crystal):
    """Eigenvalues of H^-1/2 found H^-1/2 lie within the bounds of Marchenko and Pastur, with mean
    one.
    """
    frames = 6000
    found = jg.require(jg.measured_hessian(samples(crystal, frames), SIDE, TEMPERATURE))
    w, v = np.linalg.eigh(crystal[1])
    w, v = w[2:], v[:, 2:]
    ratio = np.linalg.eigvalsh(v.T @ np.asarray(found.matrix) @ v / np.sqrt(np.outer(w, w)))
    q = np.sqrt(len(w) / frames)
    assert 0.97 * (1 + q) ** -2 < ratio[0] and ratio[-1] < 1.03 * (1 - q) ** -2
    assert ratio.mean() == pytest.approx(1, abs=3 * q / np.sqrt(frames))


def test_errors_are_the_scatter_between_series(crystal):
    every = [
        jg.measured_hessian(samples(crystal, 2000, seed), SIDE, TEMPERATURE) for seed in range(12)
    ]
    scatter = np.std([np.asarray(m.frequency) for m in every], axis=0, ddof=1)
    error = np.sqrt(np.mean([np.asarray(m.error) ** 2 for m in every], axis=0))
    assert 0.7 < np.median(error / scatter) < 1.5


def test_drift_and_wrapping_do_not_show(crystal):
    series = samples(crystal, 300)
    drift = np.cumsum(0.3 * np.random.default_rng(1).normal(size=(300, 1, 2)), axis=0)
    here = jg.hessian_from_covariance(series, float(SIDE))
    there = jg.hessian_from_covariance(np.mod(series + drift, SIDE), jnp.full(2, float(SIDE)))
    np.testing.assert_allclose(there, here, atol=1e-8 * float(jnp.abs(here).max()))
    np.testing.assert_allclose(here, here.T, atol=0)


def test_it_serves_modes_of_given_pairs(crystal):
    found = jg.hessian_from_covariance(samples(crystal, 3000), SIDE, TEMPERATURE)
    r = crystal[0][None] - crystal[0][:, None]
    r = np.linalg.norm(r - SIDE * np.round(r / SIDE), axis=-1)
    e = jg.from_hessian(found, 2, pairs=np.argwhere(np.triu((r > 0) & (r < 1.2))))
    mode = jg.require(jg.lowest_modes(e, 1))
    soft = jg.require(jg.pseudo_harmonic_mode(e, mode.vector[0]))
    assert float(soft.stiffness) >= float(mode.frequency[0]) ** 2


def test_under_jit_vmap_and_grad(crystal):
    both = jnp.stack([samples(crystal, 120, seed) for seed in (0, 1)])
    found = jax.jit(jax.vmap(lambda s: jg.hessian_from_covariance(s, 5.0)))(both)
    np.testing.assert_allclose(found[1], jg.hessian_from_covariance(both[1], 5.0), rtol=1e-9)
    trace = lambda t: jnp.trace(jg.hessian_from_covariance(both[0], 5.0, t))
    assert float(jax.grad(trace)(2.0)) == pytest.approx(float(trace(1.0)), rel=1e-10)


def test_few_frames_are_said_or_refused(crystal):
    few = jg.measured_hessian(samples(crystal, 120), SIDE)
    assert int(few.status) == jg.Status.TOO_SHORT and bool(jnp.isnan(few.error).all())
    with pytest.raises(ValueError, match="more frames than the 50 coordinates, found 50"):
        jg.hessian_from_covariance(samples(crystal, 50), SIDE)
    with pytest.raises(ValueError, match=r"series must have shape \(frames, n, d\)"):
        jg.hessian_from_covariance(jnp.zeros((100, 3)), SIDE)
    with pytest.raises(ValueError, match="box_edge must be a number or"):
        jg.hessian_from_covariance(samples(crystal, 60), jnp.ones(3))
    with pytest.raises(ValueError, match="temperature must be a positive number"):
        jg.hessian_from_covariance(samples(crystal, 60), SIDE, 0.0)
    frozen = np.repeat(crystal[0][None], 200, axis=0)
    assert int(jg.measured_hessian(frozen, SIDE).status) & jg.Status.NOT_A_MINIMUM
