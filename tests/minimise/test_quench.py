"""Inherent structures: from every start, for every model, with a derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.mark.parametrize("name", jg.models.names())
def test_random_starts_reach_machine_precision(name):
    n = {"kalj": 300, "ipl4d": 300}.get(name, 256)
    q = jg.quench(jg.models.get(name), jg.random_glass(jax.random.key(3), name, n))
    assert int(q.status) == 0
    assert float(q.max_force) <= 1e-10
    assert float(jnp.abs(jg.force(jg.models.get(name), q.glass)).max()) <= 1e-10


def test_a_perturbed_minimum_is_found_again(some):
    x = some.glass.position + 1e-3 * jax.random.normal(jax.random.key(0), some.glass.position.shape)
    q = jg.quench(some.model, jg.glass(x, some.length, **some.kind))
    assert abs(float(jg.energy(some.model, q.glass)) / float(some.ref["energy"]) - 1) < 1e-11


def test_the_minimum_is_a_minimum(ipl):
    e = jg.expand(
        ipl.model, jg.quench(ipl.model, jg.random_glass(jax.random.key(5), "ipl2d", 256)).glass
    )
    hessian = jax.vmap(lambda z: jg.hvp(e, z.reshape(256, 2)).ravel())(jnp.eye(512))
    w = np.linalg.eigvalsh(hessian)
    assert np.abs(w[:2]).max() < 1e-10 and w[2] > 1e-3


def test_nearly_coincident_particles_are_pushed_apart(ipl):
    x = np.asarray(ipl.glass.position).copy()
    x[1] = x[0] + 1e-7
    q = jg.quench(ipl.model, jg.glass(x, ipl.length, **ipl.kind))
    assert int(q.status) == 0 and float(q.max_force) <= 1e-10


def test_a_limit_of_steps_is_reported(ipl):
    q = jg.quench(ipl.model, jg.random_glass(jax.random.key(3), "ipl2d", 256), max_steps=20)
    assert int(q.status) & jg.Status.NOT_CONVERGED
    assert float(q.max_force) > 1e-10


def test_derivative_of_the_minimum_with_respect_to_the_model(ipl):
    """Positions follow the exponent as central differences say, forward; a pulled-back field agrees
    with it, reverse.
    """
    field = ipl.direction

    def moved(n):
        model = ipl.model.replace(parameters={"exponent": n})
        return jnp.sum(field * jg.quench(model, ipl.glass, force_tol=1e-11).glass.position)

    forward = float(jax.jvp(moved, (10.0,), (1.0,))[1])
    error = lambda h: abs(float(moved(10 + h) - moved(10 - h)) / (2 * h) - forward)
    assert abs(forward) > 1e-3
    assert error(1e-2) < 1e-3 * abs(forward)
    assert abs(np.log2(error(4e-2) / error(2e-2)) - 2) < 0.2
    assert float(jax.grad(moved)(10.0)) == pytest.approx(forward, rel=1e-7)


def test_derivative_with_respect_to_the_start_is_zero(ipl):
    energy = lambda x: jg.energy(
        ipl.model, jg.quench(ipl.model, ipl.glass.replace(position=x)).glass
    )
    assert float(jnp.abs(jax.grad(energy)(ipl.glass.position)).max()) == 0.0


def test_second_call_does_not_recompile(ipl, eight):
    from jaxglass.minimise.quench import _quench

    glasses, _, _ = eight
    jg.quench(ipl.model, glasses[0])
    before = _quench._cache_size()
    jg.quench(ipl.model, glasses[1])
    assert _quench._cache_size() == before


def test_bad_tolerance_gets_a_sentence(ipl):
    with pytest.raises(ValueError, match="force_tol must be a positive number, found -1"):
        jg.quench(ipl.model, ipl.glass, force_tol=-1)
    with pytest.raises(ValueError, match="max_steps must be an integer"):
        jg.quench(ipl.model, ipl.glass, max_steps=0.5)
