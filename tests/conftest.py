"""Reference glasses as fixtures."""

import jax
import pytest
from shared import NAMES, made

import jaxglass as jg

FOUR = pytest.param("ipl4d_350", marks=pytest.mark.long)


@pytest.fixture(scope="session", params=[FOUR if "4d" in name else name for name in NAMES])
def case(request):
    """Every reference glass in turn."""
    return made(request.param)


@pytest.fixture(scope="session", params=("poly2d_400", "kalj_500", FOUR))
def some(request):
    """One glass of each dimension, with species and with diameters."""
    return made(request.param)


@pytest.fixture(scope="session")
def ipl():
    """The small planar inverse-power-law glass."""
    return made("ipl2d_400")


@pytest.fixture(scope="session")
def poly():
    """The small polydisperse glass."""
    return made("poly2d_400")


@pytest.fixture(scope="session")
def eight(ipl):
    """Eight different glasses of 400 particles, stacked, with their expansions."""
    shaken = lambda k: 0.15 * jax.random.normal(jax.random.key(k), ipl.glass.position.shape)
    glasses = [jg.glass(ipl.glass.position + shaken(k), ipl.length, **ipl.kind) for k in range(8)]
    quenched = jax.vmap(lambda g: jg.quench(ipl.model, g))(jg.stack(glasses))
    e = jax.vmap(lambda g: jg.expand(ipl.model, g, capacity=1600))(quenched.glass)
    return glasses, quenched, e
