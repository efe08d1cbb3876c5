"""Local thermal energy: identities, the oracle, estimators, gradients, and molecular dynamics."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.landscape.engine import inverse_blocks


def test_every_bond_equals_the_reference(some):
    t = jg.require(jg.local_thermal_energy(some.expansion, method="direct"))
    exact = some.ref["lte"]
    np.testing.assert_allclose(
        np.asarray(t.value)[some.order()], exact, atol=1e-9 * np.abs(exact).max()
    )
    x = some.ref["thermal_displacement"]
    np.testing.assert_allclose(t.displacement, x - x.mean(0), atol=1e-9 * np.abs(x).max())
    n, d = x.shape
    assert float(t.harmonic.sum()) == pytest.approx(n * d - d, rel=1e-10)


@pytest.mark.parametrize("name", ["ipl2d_400", "poly3d_500"])
def test_dense_equals_direct(name):
    from shared import made

    e = made(name).expansion
    direct, dense = (jg.require(jg.local_thermal_energy(e, method=m)) for m in ("direct", "dense"))
    np.testing.assert_allclose(
        dense.value, direct.value, atol=1e-9 * float(jnp.abs(direct.value).max())
    )


def test_without_internal_stress_every_bond_takes_at_most_its_share():
    """Springs at their rest lengths: f = 0, so E_b = K_b : B_b is the diagonal of a projector,
    between 0 and 1.
    """
    glass = jg.quench(
        jg.models.get("ipl2d"), jg.random_glass(jax.random.key(3), "ipl2d", 100)
    ).glass
    e = jg.expand(jg.models.get("ipl2d"), glass)
    # An energy k (r - r0)^2 / 2 with r0 = r has F_1 = 0 and F_2 = k / r^2 at every bond.
    square = jnp.sum(e.separation**2, axis=1)
    derivative = jnp.zeros_like(e.derivative).at[2].set(jnp.where(e.bonds.valid, 1 / square, 0.0))
    t = jg.require(jg.local_thermal_energy(e.replace(derivative=derivative)))
    value = np.asarray(t.value)[np.asarray(e.bonds.valid)]
    assert 0 < value.min() and value.max() < 1 + 1e-10
    assert value.sum() == pytest.approx(198, rel=1e-9)
    assert float(jnp.abs(t.anharmonic).max()) < 1e-12


def test_random_probes_agree_within_their_errors(ipl):
    exact = jg.local_thermal_energy(ipl.expansion)
    t = jg.require(
        jg.local_thermal_energy(ipl.expansion, method="stochastic", probes=48, lowest=48)
    )
    pull = np.asarray((t.value - exact.value) / jnp.where(t.error > 0, t.error, 1.0))[
        np.asarray(ipl.expansion.bonds.valid)
    ]
    assert np.mean(np.abs(pull) < 4) > 0.98
    assert 0.7 < np.std(pull) < 1.3
    assert float(jnp.median(t.error)) < 0.1 * float(jnp.abs(exact.value).max())


def test_more_modes_come_closer_and_all_are_exact(ipl):
    exact = jg.local_thermal_energy(ipl.expansion).value
    error = lambda k: float(
        jnp.linalg.norm(
            jg.local_thermal_energy(ipl.expansion, method="modes", lowest=k).value - exact
        )
        / jnp.linalg.norm(exact)
    )
    few, most, every = error(30), error(400), error(798)
    assert most < few < 1
    assert every < 1e-8


@pytest.mark.long
def test_gradient_of_the_squares_with_respect_to_the_model(ipl):
    """sum E^2 at the minimum, through the quench: reverse derivative against differences of fourth
    order.
    """

    def squares(s):
        model = ipl.model.replace(
            sigma=ipl.model.sigma * (1 + s * jnp.array([[0.0, 1.0], [1.0, 0.0]]))
        )
        e = jg.expand(model, jg.quench(model, ipl.glass).glass, capacity=1600)
        return jnp.sum(jg.local_thermal_energy(e).value ** 2)

    slope = float(jax.grad(squares)(0.0))
    value = jax.jit(squares)
    difference = lambda h: float(value(h) - value(-h)) / (2 * h)
    h = 2e-5
    finite = (4 * difference(h) - difference(2 * h)) / 3
    assert abs(slope - finite) < 1e-4 * abs(slope)


def test_not_a_minimum_is_flagged(ipl):
    shaken = ipl.glass.replace(
        position=ipl.glass.position + 0.2 * jax.random.normal(jax.random.key(1), (400, 2))
    )
    t = jg.local_thermal_energy(jg.expand(ipl.model, shaken))
    assert int(t.status) & jg.Status.NOT_A_MINIMUM
    assert bool(jnp.isfinite(t.value).all())


def test_energies_without_bonds_have_a_thermal_displacement(ipl):
    small = jg.quench(ipl.model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass
    bonded = jg.expand(ipl.model, small)
    free = jg.expand(lambda x: jg.energy(ipl.model, small.replace(position=x)), small)
    exact = jg.thermal_displacement(bonded)
    np.testing.assert_allclose(
        jg.thermal_displacement(free), exact, atol=1e-8 * float(jnp.abs(exact).max())
    )
    with pytest.raises(ValueError, match="needs the bonds"):
        jg.local_thermal_energy(free)


@pytest.mark.long
def test_molecular_dynamics_measures_it(ipl):
    """Langevin dynamics at a low temperature: the mean energy of the softest bonds over T/2, within
    five standard errors.
    """
    glass = jg.quench(ipl.model, jg.random_glass(jax.random.key(1), "ipl2d", 64)).glass
    e = jg.expand(ipl.model, glass)
    exact = np.asarray(jg.local_thermal_energy(e).value)
    temperature, blocks = 2e-3, 60
    motion = jg.prepare.start_dynamics(
        jax.random.key(1), ipl.model, glass, temperature=temperature, dt=0.01, thermostat="langevin"
    )
    motion = jg.prepare.run_dynamics(ipl.model, motion, 4000, temperature=temperature)

    @jax.jit
    def block(motion):
        def sample(motion, _):
            motion = jg.prepare.run_dynamics(ipl.model, motion, 25, temperature=temperature)
            return motion, measured(motion.position)

        return jax.lax.scan(sample, motion, length=100)

    from jaxglass.landscape.expansion import at_bonds

    measured = lambda x: at_bonds(ipl.model, glass.replace(position=x), e.bonds, 0).energy
    means = []
    for _ in range(blocks):
        motion, energies = block(motion)
        means.append(np.asarray(energies).mean(0))
    found = (np.array(means) - np.asarray(e.energy)) / (temperature / 2)
    value, error = found.mean(0), found.std(0, ddof=1) / np.sqrt(blocks)
    softest = np.argsort(-np.abs(exact))[:5]
    assert np.all(np.abs(value - exact)[softest] < 5 * error[softest])
    # All bonds together: the slope of the measured field on the exact one is 1.
    slopes = found @ exact / (exact @ exact)
    spread = slopes.std(ddof=1) / np.sqrt(blocks)
    assert abs(slopes.mean() - 1) < 5 * spread and spread < 0.3
    total, spread = found.sum(1).mean(), found.sum(1).std(ddof=1) / np.sqrt(blocks)
    assert abs(total - 126) < 5 * spread


def test_blocks_give_the_gradient_of_the_log_determinant(ipl):
    from jaxglass.thermal.local_energy import bond_third_of_inverse

    e = ipl.expansion
    z = jax.random.normal(jax.random.key(5), e.position.shape)
    slope = float(jnp.sum(z * bond_third_of_inverse(e, inverse_blocks(e, jg.factorise(e))[0])))
    along = lambda s: jg.log_determinant(
        jg.expand(ipl.model, ipl.glass.replace(position=ipl.glass.position + s * z), capacity=1600)
    )
    assert float(jax.jit(jax.grad(along))(0.0)) == pytest.approx(slope, rel=1e-8)
