"""Costs: their slope is the gradient of their logarithm, and their polynomials are the forms along
a line.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.modes.cost import form_along, stationarity, value
from jaxglass.modes.cost_cubic import CUBIC
from jaxglass.modes.cost_pseudo import PSEUDO
from jaxglass.modes.cost_quartic import QUARTIC

COSTS = {"quartic": QUARTIC, "cubic": CUBIC, "pseudo": PSEUDO}


@pytest.mark.parametrize("name", COSTS)
def test_slope_is_the_gradient_of_the_logarithm_of_the_cost(ipl, name):
    cost, e = COSTS[name], ipl.expansion
    z, w = jax.random.normal(jax.random.key(0), (2, *e.position.shape))

    def log_cost(t):
        a, s, _ = stationarity(cost, e, z + t * w)
        return jnp.log(value(cost, a, s))

    slope = 2 * cost.p * float(jnp.sum(stationarity(cost, e, z)[2] * w))
    difference = lambda h: float(log_cost(h) - log_cost(-h)) / (2 * h)
    assert abs(np.log2(abs(difference(2e-2) - slope) / abs(difference(1e-2) - slope)) - 2) < 0.1


@pytest.mark.parametrize("name", COSTS)
def test_forms_along_a_line_are_polynomials(ipl, name):
    """And the drive of columns is that of each."""
    cost, e = COSTS[name], ipl.expansion
    z, w = jax.random.normal(jax.random.key(0), (2, *e.position.shape))
    polynomial = form_along(cost, e, z[:, :, None], w[:, :, None])
    for t in (0.0, 0.7, -1.3):
        direct = stationarity(cost, e, z + t * w)[1]
        along = float(sum(c[0] * t**k for k, c in enumerate(polynomial)))
        assert along == pytest.approx(float(direct), rel=1e-10)
    both = cost.drive(e, jnp.stack([z, w], axis=-1))
    np.testing.assert_allclose(both[..., 1], cost.drive(e, w), rtol=1e-9, atol=1e-9)


def test_a_cost_of_the_users_own_is_minimised(small):
    """A cost is a value: the quartic one under another name finds the same mode, with no line of
    the package changed.
    """
    _, _, e = small
    start = jg.lowest_modes(e, 1).vector[0]
    mine = QUARTIC._replace(name="my own")
    np.testing.assert_allclose(
        jg.require(jg.modes.soft_mode(mine, e, start)).vector,
        jg.quartic_mode(e, start).vector,
        atol=1e-7,
    )
