"""Ways down: steepest descent as a motion, conjugate gradients."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.minimise.flow import STABLE, chebyshev

RATES = jnp.array([0.3, 1.0, 10.0, 1e3])


def force_of(x):
    """Decays at rates far apart, the slow ones nonlinear."""
    return -RATES * x - jnp.array([0.5, 0.5, 0.5, 0.0]) * x**2


@functools.partial(jax.jit, static_argnames=("count", "rate"))
def motion(count, rate=1e3):
    """The motion from (1, 1, 1, 1) over unit time in so many steps."""
    step = jnp.array([1 / count])
    stages = jnp.ceil(jnp.sqrt(1 + step[0] * rate / STABLE)).astype(jnp.int32)
    go = lambda _, x: chebyshev(force_of, x, force_of(x), step, stages)[0]
    return jax.lax.fori_loop(0, count, go, jnp.ones((1, 1, 4))).ravel()


def test_the_motion_is_followed_to_second_order():
    errors = [np.abs(motion(count) - motion(2048))[:3] for count in (64, 128)]
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.15)


def test_steps_up_to_the_limit_are_stable_and_longer_ones_are_not():
    assert np.all(np.abs(motion(64)) < 1)
    assert not np.all(np.abs(motion(64, rate=500)) < 1)


@pytest.fixture(scope="module")
def world():
    """A glass of 64 particles, and the same shaken."""
    model = jg.models.get("ipl2d")
    glass = jg.require(jg.quench(model, jg.random_glass(jax.random.key(1), "ipl2d", 64))).glass
    shake = 0.15 * jax.random.normal(jax.random.key(2), glass.position.shape)
    return model, glass, glass.replace(position=glass.position + shake)


@pytest.mark.parametrize("method", ("flow", "conjugate"))
def test_a_shaken_glass_falls_back(world, method):
    model, glass, shaken = world
    found = jg.require(jg.quench(model, shaken, method=method))
    moved = jg.plasticity.nonaffine_displacement(glass, found.glass)
    assert float(jnp.max(jnp.abs(moved))) < 1e-9
    assert float(found.max_force) < 1e-10


def test_the_motion_ends_where_short_straight_steps_end(world):
    """Euler's steps of a fifth of the fastest rate, from a start between minima."""
    model, glass, _ = world
    shake = 0.35 * jax.random.normal(jax.random.key(3), glass.position.shape)
    start = jg.quench(
        model, glass.replace(position=glass.position + shake), force_tol=0.3
    ).glass  # its worst overlaps gone
    energy = lambda x: jg.energy(model, start.replace(position=x.reshape(-1, 2)))
    hessian = jax.hessian(energy)(start.position.ravel())
    fastest = float(jnp.max(jnp.linalg.eigvalsh(hessian)))
    step = lambda _, x: x + 0.2 / fastest * jg.force(model, start.replace(position=x))
    end = jax.lax.fori_loop(0, 20_000, step, start.position)
    straight = jg.require(jg.quench(model, start.replace(position=end))).glass
    found = jg.require(jg.quench(model, start, method="flow")).glass
    moved = jg.plasticity.nonaffine_displacement(straight, found)
    assert float(jnp.max(jnp.abs(moved))) < 1e-8


@pytest.mark.parametrize("method", ("flow", "conjugate"))
def test_samples_under_vmap_equal_single_ones(world, method):
    model, glass, shaken = world
    run = lambda g: jg.quench(model, g, method=method).glass.position
    both = jax.jit(jax.vmap(run))(jg.stack([glass, shaken]))
    np.testing.assert_allclose(both[1], run(shaken), atol=1e-9)


def test_an_unknown_method_gets_a_sentence(world):
    with pytest.raises(ValueError, match="method must be one of 'fire', 'flow', 'conjugate'"):
        jg.quench(*world[:2], method="newton")
