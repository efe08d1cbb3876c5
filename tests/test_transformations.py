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
    "merge_modes": lambda m, g, e: jg.merge_modes(jg.pseudo_harmonic_mode(e, jg.dipole_seeds(e, jnp.arange(4)))),
    "lowest_modes": lambda m, g, e: jg.lowest_modes(e, 4, method="direct").frequency,
}
DIFFERENTIABLE = sorted(set(TABLE) - {"quench", "merge_modes"})


def close(a, b, tol=1e-7):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x, float), np.asarray(y, float)
        np.testing.assert_allclose(x, y, rtol=0, atol=tol * (1e-300 + np.abs(y).max()))


def everything(model, glass, e):
    """All rows of the table, in one program: compiling it once is what most of this file's time goes to."""
    return {name: function(model, glass, e) for name, function in TABLE.items()}


def sample(eight, k):
    return jax.tree.map(lambda a: a[k], (eight[1].glass, eight[2]))


@pytest.fixture(scope="module")
def compiled(ipl, eight):
    """The compiled program, and its results for three of the eight glasses."""
    program = jax.jit(everything)
    return program, {k: program(ipl.model, *sample(eight, k)) for k in (0, 3, 7)}


def test_jit_equals_eager(compiled, ipl, eight):
    for name, function in TABLE.items():
        close(compiled[1][0][name], function(ipl.model, *sample(eight, 0)))


def test_a_second_call_does_not_compile_and_keeps_float64(compiled):
    assert compiled[0]._cache_size() == 1
    leaves = jax.tree.leaves(compiled[1][3])
    assert all(leaf.dtype == jnp.float64 for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating))


def test_vmap_equals_one_by_one(compiled, ipl, eight):
    together = jax.jit(jax.vmap(everything, (None, 0, 0)))(ipl.model, eight[1].glass, eight[2])
    for k, alone in compiled[1].items():
        for name in TABLE:
            close(jax.tree.map(lambda a, k=k: a[k], together[name]), alone[name])


@pytest.fixture(scope="module")
def slopes(ipl, eight):
    """One scalar a row as a function of the lengths of the model, at a frozen configuration."""
    glass = sample(eight, 0)[0]

    def scalars(s):
        model = ipl.model.replace(sigma=ipl.model.sigma * (1 + s))
        e = jg.expand(model, glass, capacity=1600)
        mixed = lambda leaf: jnp.sum(jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape) * leaf)
        rows = {name: TABLE[name](model, glass, e) for name in DIFFERENTIABLE}
        return jnp.stack([sum(mixed(leaf) for leaf in jax.tree.leaves(row)) for row in rows.values()])

    scalars = jax.jit(scalars)
    value, forward = jax.jvp(scalars, (0.0,), (1.0,))
    return scalars, value, forward


def test_forward_derivatives_in_the_model_converge(slopes):
    scalars, value, forward = slopes
    finite = lambda h: (8 * (scalars(h) - scalars(-h)) - (scalars(2 * h) - scalars(-2 * h))) / (12 * h)
    error = np.abs(finite(1e-4) - forward) / (np.abs(forward) + 1e-6 * np.abs(value))
    assert dict(zip(DIFFERENTIABLE, error, strict=True)) == dict.fromkeys(DIFFERENTIABLE, pytest.approx(0, abs=1e-5))


def test_reverse_derivatives_equal_forward_ones(slopes):
    """All rows at once, each scaled to its own size, with weights that cannot cancel."""
    scalars, value, forward = slopes
    weight = (1 + np.sqrt(np.arange(1, len(DIFFERENTIABLE) + 1))) / (np.abs(forward) + 1e-6 * np.abs(value))
    reverse = float(jax.grad(lambda s: jnp.sum(weight * scalars(s)))(0.0))
    assert reverse == pytest.approx(float(np.sum(weight * forward)), rel=1e-8)


def test_a_failing_sample_does_not_touch_the_others(ipl, eight):
    _, quenched, e = eight
    broken = quenched.glass.replace(position=quenched.glass.position.at[2].set(jnp.nan))
    q = jax.vmap(lambda g: jg.quench(ipl.model, g, max_steps=500))(broken)
    assert int(q.status[2]) & jg.Status.NOT_FINITE
    assert all(int(q.status[k]) == 0 for k in (0, 1, 3, 4, 5, 6, 7))
    with pytest.raises(RuntimeError, match="1 of 8 samples failed, first sample 2"):
        jg.require(q)
