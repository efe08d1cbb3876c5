"""Seeds of the search for soft modes, and where a mode sits."""

import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def low(ipl):
    harmonic = jg.lowest_modes(ipl.expansion, 3)
    return harmonic, jg.require(jg.quartic_mode(ipl.expansion, harmonic.vector[0]))


def test_seeds(ipl, low):
    e = ipl.expansion
    response = jg.modes.dipole_seeds(e, jnp.array([7]))[0]
    d = jg.hvp(e, response)
    touched = np.flatnonzero(np.abs(np.asarray(d)).max(1) > 1e-8 * float(jnp.abs(d).max()))
    assert sorted(touched) == sorted([int(e.bonds.i[7]), int(e.bonds.j[7])])
    shear = jg.modes.nonaffine_seeds(e)
    exact = jg.elasticity(e).nonaffine
    simple = exact[0, 1] + exact[1, 0]
    overlap = jnp.abs(jnp.einsum("knd,nd->k", shear, simple / jnp.linalg.norm(simple)))
    assert float(overlap.max()) == pytest.approx(1, abs=1e-9)
    rest = jg.modes.core_difference(low[0].vector[0], low[1].vector)
    assert abs(float(jnp.sum(rest * low[1].vector))) < 1e-12


def test_core_position_knows_the_boundary(ipl, low):
    z = low[1].vector
    shifted = ipl.glass.replace(position=(ipl.glass.position + 0.5 * ipl.length) % ipl.length)
    moved = jg.modes.core_position(shifted, z) - jg.modes.core_position(ipl.glass, z)
    np.testing.assert_allclose(np.asarray(moved) % ipl.length, 0.5 * ipl.length, atol=1e-9)
