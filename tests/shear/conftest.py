"""What the tests of deformation share."""

import jax
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def tiny():
    """A glass of 64 particles that yields early, and its model."""
    model = jg.models.get("ipl2d")
    return model, jg.require(
        jg.quench(model, jg.random_glass(jax.random.key(4), "ipl2d", 64))
    ).glass
