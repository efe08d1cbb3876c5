"""Searches of many starts together equal single ones, narrowing batches included."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


def test_a_batch_equals_single_searches(ipl):
    e = ipl.expansion
    starts = jg.modes.dipole_seeds(e, jnp.array([0, 100, 200]))
    together = jg.require(jg.quartic_mode(e, starts))
    for k in range(3):
        alone = jg.quartic_mode(e, starts[k])
        np.testing.assert_allclose(together.vector[k], alone.vector, atol=1e-7)
        assert float(jg.quartic_mode(e, starts[k], method="optax").residual) < 1e-9


@pytest.mark.long
def test_a_wide_batch_that_narrows_equals_single_searches(ipl):
    """Also where some starts run out of steps, and with a factor made before."""
    e = ipl.expansion
    starts = jg.modes.dipole_seeds(e, jnp.arange(0, 1200, 30), factor=jg.factorise(e))
    for max_steps in (None, 12):
        one = lambda z, m=max_steps: jg.pseudo_harmonic_mode(e, z, max_steps=m)
        together = jg.pseudo_harmonic_mode(e, starts, max_steps=max_steps, factor=jg.factorise(e))
        alone = jax.lax.map(one, starts)
        np.testing.assert_array_equal(together.status, alone.status)
        np.testing.assert_array_equal(together.steps, alone.steps)
        np.testing.assert_allclose(together.vector, alone.vector, atol=1e-7)
    assert 0 < int(jnp.sum(together.status != 0)) < starts.shape[0]
