"""Inherent structures: from every start, for every model, with a derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

# Others have their dimension and shape.
SLOW = {"poly3d", "ipl3d", "ipl4d", "mblj", "sticky_0.70", "sticky_0.95", "cuzr"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.long if name in SLOW else ())
        for name in sorted(set(jg.models.names()) - {"hard2d"})
    ],
)
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
    """Positions follow the exponent as central differences say; the reverse derivative agrees."""
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


def starts(name, n, keys):
    return jg.stack([jg.random_glass(jax.random.key(k), name, n) for k in keys])


def quenched(model, glasses, **options):
    return jax.jit(jax.vmap(lambda g: jg.quench(model, g, **options)))(glasses)


def test_a_loose_tolerance_is_reached_from_every_start(ipl):
    """The force of a hundred starts, reported as that of the result, ends below the tolerance."""
    q = quenched(ipl.model, starts("ipl2d", 64, range(100)), force_tol=1e-2)
    assert np.unique(q.status).tolist() == [0]
    assert np.all(q.max_force <= 1e-2 * q.force_scale)
    force = jax.vmap(lambda g: jnp.abs(jg.force(ipl.model, g)).max())(q.glass)
    np.testing.assert_allclose(q.max_force, force, rtol=1e-6)
    assert np.min(force) > 1e-5


@pytest.mark.parametrize("seed", [2091, 2246])
def test_a_force_that_the_next_move_raises_again_ends_no_quench(ipl, seed):
    """Starts whose force rises above the tolerance in the move after FIRE saw it below."""
    start = jg.random_glass(jax.random.split(jax.random.key(seed))[0], "ipl2d", 400)
    assert int(jg.quench(ipl.model, start, force_tol=1e-2).status) == 0


def test_the_tolerance_is_met_by_the_reference_glasses(case):
    """Forces end below 1e-10, and their scale is the root mean square of the bond forces."""
    q = jg.quench(case.model, case.glass)
    f = jnp.linalg.norm(case.expansion.force, axis=1)
    assert int(q.status) == 0 and float(q.max_force) <= 1e-10
    assert float(q.force_scale) == pytest.approx(
        float(jnp.sqrt(jnp.sum(f**2) / jnp.sum(f > 0))), rel=1e-6
    )


@pytest.mark.parametrize(
    "length, energy", [(1e-10, 1e-20), (1.0, 1e-12), (1e3, 1.0), (1e-10, 1e12), (1e3, 1e-20)]
)
def test_every_system_of_units_gives_the_same_minimum(ipl, length, energy):
    def reduced(s, epsilon):
        sigma = s * np.array([[1.0, 1.18], [1.18, 1.4]])
        model = jg.models.inverse_power(sigma=sigma, epsilon=epsilon)
        start = jg.random_glass(jax.random.key(4), "ipl2d", 64)
        cell = s * start.box.cell
        return model, jg.quench(model, jg.glass(s * start.position, cell, species=start.species))

    _, usual = reduced(1.0, 1.0)
    model, other = reduced(length, energy)
    assert int(usual.status) == 0 and int(other.status) == 0
    np.testing.assert_allclose(other.glass.position / length, usual.glass.position, atol=1e-6)
    assert abs(int(other.steps) - int(usual.steps)) <= 0.05 * int(usual.steps)
    unit = energy / length
    assert float(other.force_scale) == pytest.approx(unit * float(usual.force_scale), rel=1e-6)
    assert float(jnp.abs(jg.force(model, other.glass)).max()) <= 1e-10 * unit


def lattice(spacing, side=8, shear=0.0, extra=()):
    """Equal particles on a lattice, square or, sheared by a half and flattened, triangular."""
    height = spacing if shear == 0 else spacing * np.sqrt(0.75)
    rows = [(spacing * (i + shear * (j % 2)), height * j) for j in range(side) for i in range(side)]
    return jg.glass(np.array([*rows, *extra]), [spacing * side, height * side])


def lowest(model, q):
    return float(jg.lowest_modes(jg.expand(model, q.glass), 3, method="dense").frequency[0])


def test_saddles_at_rest_are_left_for_a_minimum(ipl):
    """A square lattice, and a triangular one with a particle halfway between two others."""
    wedge = 1.1 * np.array([3.5, np.sqrt(3.0)])
    for saddle in (lattice(1.05), lattice(1.1, shear=0.5, extra=[wedge])):
        q = jg.quench(ipl.model, saddle)
        assert int(q.status) == 0 and lowest(ipl.model, q) > 0.1
        assert float(jg.energy(ipl.model, q.glass)) < 0.9 * float(jg.energy(ipl.model, saddle))


def test_a_crystal_at_rest_stays(ipl):
    crystal = lattice(1.1, shear=0.5)
    q = jg.quench(ipl.model, crystal)
    assert int(q.status) == 0 and lowest(ipl.model, q) > 0.1
    np.testing.assert_allclose(q.glass.position, crystal.position, atol=1e-12)


def test_a_maximum_is_no_minimum(ipl):
    """With the sign of the energy turned every direction leads down, and nothing stops the fall."""
    turned = ipl.model.replace(epsilon=-ipl.model.epsilon)
    assert int(jg.quench(turned, ipl.glass).status) == jg.Status.NOT_A_MINIMUM


def test_an_energy_that_pulls_particles_onto_each_other_is_refused():
    with pytest.raises(ValueError, match="epsilon must be positive where nothing else repels"):
        jg.models.inverse_power(epsilon=-1.0)
    core = lambda x, p: jnp.cos(6 * x)
    assert float(jg.models.pair(core, sigma=1.0, epsilon=-1.0, cutoff=2.0).epsilon[0, 0]) == -1


def test_unstressed_clusters_and_empty_space_are_minima_too():
    """Forces that all vanish have no typical one; what rounding allows ends the quench."""
    model = jg.models.get("lj2d")
    pair = jg.quench(model, jg.glass([[0.0, 0.0], [1.2, 0.1]], 20.0, species=[0, 1]))
    assert int(pair.status) == 0 and float(pair.max_force) < 1e-12
    far = jg.quench(model, jg.glass([[0.0, 0.0], [9.0, 0.1]], 20.0, species=[0, 1]))
    assert int(far.status) == jg.Status.RATTLERS and float(far.max_force) == 0


def test_coincident_particles_are_reported(ipl):
    twins = ipl.glass.replace(position=ipl.glass.position.at[1].set(ipl.glass.position[0]))
    assert not np.isfinite(jg.energy(ipl.model, twins))
    assert not np.isfinite(jg.force(ipl.model, twins)).all()
    assert np.isfinite(jg.energy(ipl.model, ipl.glass))
    assert int(jg.quench(ipl.model, twins, max_steps=1000).status) & jg.Status.NOT_FINITE


def test_particles_that_touch_nothing_are_reported():
    """Spheres at the edge of jamming; the rest of the packing has a derivative, or NaN."""
    model = jg.models.get("hertz")
    loose = jg.quench(model, jg.random_glass(jax.random.key(3), "hertz", 144, density=0.726))
    assert int(loose.status) == jg.Status.RATTLERS
    dense = jg.quench(model, jg.random_glass(jax.random.key(3), "hertz", 144))
    assert int(dense.status) == 0


def test_a_derivative_that_cannot_be_solved_for_is_nan():
    """A spring and a third, free particle: no displacement answers a force on the free one."""
    from jaxglass.minimise.quench import _displacement

    e = jg.expand(lambda x: jnp.sum((x[1] - x[0]) ** 2), jg.glass(np.eye(3, 2), 8.0))
    inside = jnp.zeros((3, 2)).at[0].set(1.0).at[1].set(-1.0)
    outside = inside.at[2, 0].set(1.0)
    np.testing.assert_allclose(_displacement(e, inside), inside / 4, atol=1e-12)
    assert np.isnan(_displacement(e, outside)).all()
    assert np.isnan(jax.grad(lambda b: _displacement(e, b)[0, 0])(outside)).all()


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


def test_starts_that_were_lost_once():
    model = jg.models.get("ipl2d")
    for k in (2091, 2246):
        start = jg.random_glass(jax.random.split(jax.random.key(k))[0], "ipl2d", 400)
        assert int(jg.quench(model, start, force_tol=1e-2).status) == 0


@pytest.mark.parametrize("length,energy", [(1e-10, 1e-20), (1e3, 1e12), (1.0, 1e-12)])
def test_every_system_of_units_gives_the_same_glass(small, length, energy):
    """From metres and joules to whatever: positions, steps, modes, averages and moduli scale."""
    model, glass, e = small
    start = jg.random_glass(jax.random.key(0), "ipl2d", 64)
    plain = jg.require(jg.quench(model, start))
    other = jg.models.inverse_power(
        sigma=length * np.asarray(model.sigma), epsilon=energy, contacts=3.5
    )
    scaled = jg.glass(start.position * length, start.box.cell * length, species=start.species)
    q = jg.require(jg.quench(other, scaled))
    np.testing.assert_allclose(q.glass.position / length, plain.glass.position, atol=1e-9)
    assert int(q.steps) == int(plain.steps)
    expansion = jg.require(jg.expand(other, q.glass))
    unit = np.sqrt(energy) / length
    modes = jg.require(jg.lowest_modes(expansion, 3, method="direct"))
    np.testing.assert_allclose(modes.frequency / unit, jg.lowest_modes(e, 3).frequency, rtol=1e-7)
    thermal = jg.require(jg.local_thermal_energy(expansion))
    assert float(thermal.harmonic.sum()) == pytest.approx(126, rel=1e-9)
    modulus = float(jg.require(jg.shear_modulus(expansion)).total) * length**2 / energy
    assert modulus == pytest.approx(float(jg.shear_modulus(e).total), rel=1e-7)
    soft = jg.require(jg.pseudo_harmonic_mode(expansion, modes.vector[0]))
    exact = jg.pseudo_harmonic_mode(e, modes.vector[0])
    assert float(soft.stiffness) / unit**2 == pytest.approx(float(exact.stiffness), rel=1e-7)
