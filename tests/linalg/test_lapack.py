"""LAPACK under vmap: the same numbers as one by one, and no batched call on CPUs, where such calls
can block each other.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxglass.core import samples
from jaxglass.linalg.lapack import eigh, inverse_cholesky, orthonormal

ON_CPUS = pytest.mark.skipif(not samples.one_by_one(), reason="other devices take a batch together")


@pytest.fixture(scope="module")
def matrices():
    a = jax.random.normal(jax.random.key(0), (3, 6, 6))
    return a @ a.transpose(0, 2, 1) + jnp.eye(6)


@ON_CPUS
@pytest.mark.parametrize("function", (eigh, orthonormal, inverse_cholesky))
def test_a_batch_equals_one_by_one_without_a_batched_call(function, matrices):
    batched = jax.jit(jax.vmap(function))
    for together, *alone in zip(
        *map(jax.tree.leaves, (batched(matrices), *map(function, matrices))), strict=True
    ):
        np.testing.assert_allclose(together, alone, rtol=0, atol=1e-13)
    calls = re.findall(r"@lapack_\w+\(.*", batched.lower(matrices).as_text())
    assert calls and not any("tensor<3x6x6" in call for call in calls)


@pytest.mark.parametrize("function", (eigh, orthonormal, inverse_cholesky))
def test_accelerators_take_a_batch_together(function, matrices, monkeypatch):
    monkeypatch.setattr(samples, "one_by_one", lambda: False)
    jaxpr = str(jax.make_jaxpr(jax.vmap(lambda a: function(a)))(matrices))
    assert "scan" not in jaxpr and "f64[3,6,6]" in jaxpr


@ON_CPUS
def test_the_loop_is_that_of_the_device_work_is_traced_for():
    assert samples.one_by_one()
    with jax.default_device(jax.devices("cpu")[0]):
        assert samples.one_by_one()


def test_the_inverse_factor_and_its_determinant(matrices):
    inverse, half = inverse_cholesky(matrices[0])
    np.testing.assert_allclose(inverse.T @ inverse @ matrices[0], np.eye(6), atol=1e-12)
    assert 2 * float(half) == pytest.approx(np.linalg.slogdet(matrices[0])[1])
    assert np.isnan(inverse_cholesky(-matrices[0])[1])


def test_derivatives_of_the_inverse_factor(matrices):
    change = matrices[1]
    path = lambda s: inverse_cholesky(matrices[0] + s * change)
    slope = jax.jvp(path, (0.0,), (1.0,))[1]
    for exact, ahead, behind in zip(slope, path(1e-5), path(-1e-5), strict=True):
        np.testing.assert_allclose(exact, (ahead - behind) / 2e-5, atol=1e-8)
    scalar = lambda s: sum(jnp.sum(jnp.sin(leaf)) for leaf in path(s))
    assert float(jax.grad(scalar)(0.0)) == pytest.approx(
        float(jax.jvp(scalar, (0.0,), (1.0,))[1]), rel=1e-12
    )
    second = jax.grad(jax.grad(scalar))(0.0)
    assert float(second) == pytest.approx(
        float(jax.grad(scalar)(1e-5) - jax.grad(scalar)(-1e-5)) / 2e-5, rel=1e-6
    )
