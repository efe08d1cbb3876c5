"""Conjugate gradients against dense solutions, and each way it can fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.linalg.cg import cg


def spd(n=40, seed=0):
    a = jax.random.normal(jax.random.key(seed), (n, n))
    return a @ a.T + 0.1 * jnp.eye(n)


def test_agrees_with_a_dense_solution():
    a, b = spd(), jax.random.normal(jax.random.key(1), (40,))
    s = cg(lambda v: a @ v, b, tol=1e-12)
    np.testing.assert_allclose(s.x, jnp.linalg.solve(a, b), rtol=1e-8)
    assert int(s.status) == 0 and float(s.residual) < 1e-10


def test_a_good_preconditioner_needs_fewer_steps():
    a, b = spd() + jnp.diag(jnp.logspace(0, 5, 40)), jnp.ones(40)
    plain, better = (
        cg(lambda v: a @ v, b),
        cg(lambda v: a @ v, b, precondition=lambda v: v / jnp.diag(a)),
    )
    assert int(better.steps) < int(plain.steps) / 2
    np.testing.assert_allclose(better.x, jnp.linalg.solve(a, b), rtol=1e-6)


def test_negative_curvature_and_limits_are_flagged():
    a = spd().at[0, 0].add(-500.0)
    assert int(cg(lambda v: a @ v, jnp.ones(40)).status) & jg.Status.NOT_A_MINIMUM
    assert int(cg(lambda v: spd() @ v, jnp.ones(40), max_steps=2).status) == jg.Status.NOT_CONVERGED
    assert int(cg(lambda v: spd() @ v, jnp.full(40, jnp.nan)).status) & jg.Status.NOT_FINITE


def test_zero_right_hand_side_needs_no_step():
    s = cg(lambda v: spd() @ v, jnp.zeros(40))
    assert int(s.steps) == 0 and int(s.status) == 0 and float(jnp.abs(s.x).max()) == 0


def test_solve_inverts_the_hessian_and_has_zero_mean(case):
    s = jg.solve(case.expansion, case.direction)
    assert int(s.status) == 0
    error = jnp.linalg.norm(jg.hvp(case.expansion, s.x) - case.direction) / jnp.linalg.norm(
        case.direction
    )
    assert float(error) < 1e-8
    assert float(jnp.abs(s.x.mean(0)).max()) < 1e-14 * float(jnp.abs(s.x).max()) * case.glass.count


def test_gradient_of_a_solution_forward_and_reverse(ipl):
    """d/dp of b.M^-1.b equals central differences for the exponent of the potential."""

    def compliance(n):
        model = ipl.model.replace(parameters={"exponent": n})
        e = jg.expand(model, ipl.glass, capacity=1600)
        return jnp.sum(ipl.direction * jg.solve(e, ipl.direction, tol=1e-12).x)

    finite = (compliance(10 + 1e-4) - compliance(10 - 1e-4)) / 2e-4
    forward = jax.jvp(compliance, (10.0,), (1.0,))[1]
    assert float(forward) == pytest.approx(float(finite), rel=1e-6)
    assert float(jax.grad(compliance)(10.0)) == pytest.approx(float(forward), rel=1e-8)


def test_wrong_right_hand_side_gets_a_sentence(ipl):
    with pytest.raises(ValueError, match="b must be a field of shape"):
        jg.solve(ipl.expansion, jnp.ones(3))
    with pytest.raises(ValueError, match="method must be one of"):
        jg.solve(ipl.expansion, ipl.direction, method="lu")
