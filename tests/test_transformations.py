"""jit equals eager, vmap equals one by one, second calls do not recompile, dtypes are kept: one table for all functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

FIELD = jax.random.normal(jax.random.key(9), (400, 2))
START = jax.random.normal(jax.random.key(4), (400, 2)) * jnp.exp(-0.05 * jnp.arange(400.0))[:, None]


def kappa(mode):
    return mode.stiffness, mode.quartic, mode.vector**2


TABLE = {
    "energy": lambda m, g, e: jg.energy(m, g),
    "force": lambda m, g, e: jg.force(m, g.replace(position=g.position + 0.02 * FIELD)),
    "quench": lambda m, g, e: jg.quench(m, g).max_force < 1e-10,
    "expand": lambda m, g, e: jg.expand(m, g, capacity=1600).derivative,
    "hvp": lambda m, g, e: jg.hvp(e, FIELD),
    "third": lambda m, g, e: jg.third(e, FIELD, FIELD),
    "fourth": lambda m, g, e: jg.fourth(e, FIELD),
    "coefficients": lambda m, g, e: jg.coefficients(e, FIELD),
    "stress": lambda m, g, e: jg.stress(e),
    "mixed_strain": lambda m, g, e: jg.mixed_strain(e, (0, 1)),
    "strain_curvature": lambda m, g, e: jg.strain_curvature(e, (0, 1)),
    "solve": lambda m, g, e: jg.solve(e, FIELD).x,
    "solve_direct": lambda m, g, e: jg.solve(e, FIELD, method="direct").x,
    "log_determinant": lambda m, g, e: jg.log_determinant(e),
    "thermal_displacement": lambda m, g, e: jg.thermal_displacement(e),
    "local_thermal_energy": lambda m, g, e: jg.local_thermal_energy(e).value,
    "thermal_average": lambda m, g, e: jg.thermal_average(e, lambda x: jnp.sum(jnp.cos(x[:3]))),
    "thermal_bond_average": lambda m, g, e: jg.thermal_bond_average(e, jnp.linalg.norm),
    "vibrality": lambda m, g, e: jg.vibrality(e),
    "dipole_stiffness": lambda m, g, e: jg.dipole_stiffness(e),
    "shear_modulus": lambda m, g, e: jg.shear_modulus(e).total,
    "elasticity": lambda m, g, e: jg.elasticity(e).sound_speeds,
    "quartic_mode": lambda m, g, e: kappa(jg.quartic_mode(e, START)),
    "pseudo_harmonic_mode": lambda m, g, e: kappa(jg.pseudo_harmonic_mode(e, START)),
    "lowest_modes": lambda m, g, e: jg.lowest_modes(e, 4, method="direct").frequency,
}
NOT_DIFFERENTIABLE = {"quench"}


def close(a, b, tol=1e-7):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x, float), np.asarray(y, float)
        np.testing.assert_allclose(x, y, rtol=0, atol=tol * (1e-300 + np.abs(y).max()))


@pytest.fixture(scope="module", params=sorted(TABLE))
def row(request):
    """A function of the table and its compiled form, shared by the tests of that row."""
    return request.param, TABLE[request.param], jax.jit(TABLE[request.param])


def sample(eight, k):
    return jax.tree.map(lambda a: a[k], (eight[1].glass, eight[2]))


def test_jit_equals_eager_and_compiles_once(row, ipl, eight):
    _, function, compiled = row
    close(compiled(ipl.model, *sample(eight, 0)), function(ipl.model, *sample(eight, 0)))
    out = compiled(ipl.model, *sample(eight, 3))
    assert compiled._cache_size() == 1
    assert all(leaf.dtype == jnp.float64 for leaf in jax.tree.leaves(out) if jnp.issubdtype(leaf.dtype, jnp.floating))


def test_vmap_equals_one_by_one(row, ipl, eight):
    _, function, compiled = row
    together = jax.jit(jax.vmap(function, (None, 0, 0)))(ipl.model, eight[1].glass, eight[2])
    for k in (0, 3, 7):
        close(jax.tree.map(lambda a, k=k: a[k], together), compiled(ipl.model, *sample(eight, k)))


def test_gradients_in_the_model_converge(row, ipl, eight):
    """Reverse and forward derivatives in the lengths of the model against central differences of fourth order."""
    name, function, _ = row
    if name in NOT_DIFFERENTIABLE:
        pytest.skip("returns a flag")
    glass = sample(eight, 0)[0]

    def scalar(s):
        model = ipl.model.replace(sigma=ipl.model.sigma * (1 + s))
        e = jg.expand(model, glass, capacity=1600)
        out = function(model, glass, e)
        return sum(jnp.sum(jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape) * leaf) for leaf in jax.tree.leaves(out))

    scalar = jax.jit(scalar)
    value, forward = jax.jvp(scalar, (0.0,), (1.0,))
    reverse = jax.grad(scalar)(0.0)
    finite = lambda h: (8 * (scalar(h) - scalar(-h)) - (scalar(2 * h) - scalar(-2 * h))) / (12 * h)
    scale = abs(forward) + 1e-6 * abs(value)
    assert abs(finite(1e-4) - forward) < 1e-5 * scale
    assert abs(reverse - forward) < 1e-8 * scale


def test_a_failing_sample_does_not_touch_the_others(ipl, eight):
    _, quenched, e = eight
    broken = quenched.glass.replace(position=quenched.glass.position.at[2].set(jnp.nan))
    q = jax.vmap(lambda g: jg.quench(ipl.model, g, max_steps=500))(broken)
    assert int(q.status[2]) & jg.Status.NOT_FINITE
    assert all(int(q.status[k]) == 0 for k in (0, 1, 3, 4, 5, 6, 7))
    with pytest.raises(RuntimeError, match="1 of 8 samples failed, first sample 2"):
        jg.require(q)
