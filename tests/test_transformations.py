"""One table of all functions: jit equals eager, vmap equals one by one, no second compilation,
float64, derivatives.

In two and three dimensions. Derivatives are taken through the quench, with respect to every number
of the model, the size of the box and an imposed shear.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg

STEP = 2e-5  # larger ones carry a bond of these glasses across the cutoff
BROKEN = 5  # of the eight samples, one that is not a minimum
CALM = 1  # one that no small strain brings near an instability, where differences converge late


def field(e):
    return jax.random.normal(jax.random.key(9), e.position.shape)


def local(e):
    return field(e) * jnp.exp(-0.05 * jnp.arange(e.position.shape[0]))[:, None]


def quantities(mode):
    return mode.stiffness, mode.asymmetry**2, mode.quartic, mode.vector**2


def few(e, factor):
    return jg.lowest_modes(e, 4, method="direct", factor=factor)


def elastic(c):
    return c.total, c.sound_speeds


SHEAR = jnp.eye(3).at[0, 1].set(0.1)


def softest(energies):
    """A smooth maximum of the local thermal energies of all bonds."""
    return jax.nn.logsumexp(4 * energies) / 4


# Every function that can be mapped, of model, glass, expansion and the factor of its Hessian.
TABLE = {
    "energy": lambda m, g, e, f: jg.energy(m, g),
    "force": lambda m, g, e, f: jg.force(m, g.replace(position=g.position + 0.02 * field(e))),
    "quench": lambda m, g, e, f: jg.quench(m, g).max_force < 1e-10,
    "expand": lambda m, g, e, f: jg.expand(m, g, capacity=e.bonds.capacity).derivative,
    "deformed": lambda m, g, e, f: jg.energy(m, jg.deformed(g, SHEAR[: g.dim, : g.dim])),
    "hvp": lambda m, g, e, f: jg.hvp(e, field(e)),
    "third": lambda m, g, e, f: jg.third(e, field(e), field(e)),
    "fourth": lambda m, g, e, f: jg.fourth(e, field(e)),
    "coefficients": lambda m, g, e, f: jg.coefficients(e, field(e)),
    "stress": lambda m, g, e, f: jg.stress(e),
    "mixed_strain": lambda m, g, e, f: jg.response.mixed_strain(e, (0, 1)),
    "strain_curvature": lambda m, g, e, f: jg.response.strain_curvature(e, (0, 1)),
    "factorise": lambda m, g, e, f: jg.factorise(e).probe,
    "solve": lambda m, g, e, f: jg.solve(e, field(e)).x,
    "solve_direct": lambda m, g, e, f: jg.solve(e, field(e), factor=f).x,
    "log_determinant": lambda m, g, e, f: jg.log_determinant(e),
    "thermal_displacement": lambda m, g, e, f: jg.thermal_displacement(e, factor=f),
    "local_thermal_energy": lambda m, g, e, f: jg.local_thermal_energy(e).value,
    "sum_of_squares": lambda m, g, e, f: jnp.sum(jg.local_thermal_energy(e, factor=f).value ** 2),
    "soft_maximum": lambda m, g, e, f: softest(jg.local_thermal_energy(e, factor=f).value),
    "softness_field": lambda m, g, e, f: jg.softness_field(e, e.energy, bins=7, threshold=0.0),
    "thermal_average": lambda m, g, e, f: jg.thermal_average(
        e, lambda x: jnp.sum(jnp.cos(x[:3] - x[3:6])), factor=f
    ),
    "thermal_bond_average": lambda m, g, e, f: jg.thermal.thermal_bond_average(
        e, jnp.linalg.norm, factor=f
    ),
    "heat_capacity": lambda m, g, e, f: jg.indicators.heat_capacity(e, factor=f),
    "vibrality": lambda m, g, e, f: jg.indicators.vibrality(e, factor=f),
    "nonaffinity": lambda m, g, e, f: jg.indicators.nonaffinity(e, modes=few(e, f)),
    "mode_map": lambda m, g, e, f: jg.indicators.mode_map(few(e, f)),
    "particle_sum": lambda m, g, e, f: jg.particle_sum(e, e.energy),
    "particle_mean": lambda m, g, e, f: jg.particle_mean(e, e.energy),
    "dipole_stiffness": lambda m, g, e, f: jg.dipole_stiffness(e, factor=f),
    "dipole_response": lambda m, g, e, f: jg.response.dipole_response(e, 3, factor=f).x,
    "shear_modulus": lambda m, g, e, f: jg.shear_modulus(e).total,
    "elasticity": lambda m, g, e, f: elastic(jg.elasticity(e, factor=f)),
    "quartic_mode": lambda m, g, e, f: quantities(jg.quartic_mode(e, local(e), factor=f)),
    "cubic_mode": lambda m, g, e, f: jg.cubic_mode(e, local(e), factor=f).stiffness,
    "pseudo_harmonic_mode": lambda m, g, e, f: quantities(
        jg.pseudo_harmonic_mode(e, local(e), factor=f)
    ),
    "merge_modes": lambda m, g, e, f: jg.modes.merge_modes(
        jg.pseudo_harmonic_mode(e, jg.modes.dipole_seeds(e, jnp.arange(4), factor=f), factor=f)
    ),
    "nonaffine_seeds": lambda m, g, e, f: jg.modes.nonaffine_seeds(e, factor=f) ** 2,
    "random_seeds": lambda m, g, e, f: jg.modes.random_seeds(jax.random.key(0), e, 2),
    "participation_ratio": lambda m, g, e, f: jg.modes.participation_ratio(field(e)),
    "core_position": lambda m, g, e, f: jg.modes.core_position(g, local(e)),
    "core_difference": lambda m, g, e, f: jg.modes.core_difference(field(e), local(e)),
    "lowest_modes": lambda m, g, e, f: few(e, f).frequency,
    "tiled": lambda m, g, e, f: jg.prepare.tiled(g, 2).position,
    "push_apart": lambda m, g, e, f: jg.prepare.push_apart(m, g).position,
    "diameters": lambda m, g, e, f: jg.models.diameters(m, g),
    "status": lambda m, g, e, f: jg.local_thermal_energy(e, factor=f).status,
}
# What a row cannot show: functions that run on the host, build the inputs of rows, or take
# functions and files; and those that have tests of their own under jit and vmap, named here.
ELSEWHERE = {
    "box", "glass", "stack", "random_glass", "make_glass", "make_glasses", "map_ensemble",
    "from_hessian", "to_scipy", "soft_spots", "softness_peaks", "require", "describe", "save",
    "load", "models.entry", "models.get", "models.inverse_power", "models.names", "models.pair",
    "models.particles", "models.smoothing_coefficients", "thermal.fitting_bins",
    "thermal.thermal_estimate", "modes.soft_mode", "modes.spectrum", "modes.dipole_seeds",
    "prepare.run_dynamics", "prepare.start_dynamics", "response.debye_frequency",
    "response.phonon_frequencies", "swap_monte_carlo", "prepare.record",
    "prepare.parallel_tempering", "prepare.linear_times", "prepare.logarithmic_times",
    "prepare.blocks_of_times", "prepare.compress", "prepare.hard_start", "prepare.packing_fraction",
    "prepare.relax_sizes", "first_event", "shear", "d2min", "residual_plastic_strength",
    "rank_score", "correlation_score", "thermal.nearest_peak", "plasticity.local_map",
    "plasticity.nonaffine_displacement", "plasticity.coarse_grained", "plasticity.band_profile",
    "plasticity.follow_modes", "plasticity.modes_of_events", "plasticity.first_event",
    "plasticity.shear", "plasticity.d2min", "plasticity.residual_plastic_strength",
    "plasticity.avalanches", "plasticity.dissipation", "plasticity.reversals",
    "hessian_from_covariance", "measured_hessian", "models.three_body", "models.stillinger_weber",
    "models.embedded_atom", "models.read_eam", "prepare.position_series", "prepare.compressibility",
    "nearest_pairs", "prepare.without_rattlers", "indicators.bond_order",
    "indicators.contact_number", "indicators.density", "indicators.excess_entropy",
    "indicators.free_volume", "indicators.potential_energy", "indicators.steric_order",
    "indicators.voronoi_anisotropy", "indicators.voronoi_divergence", "indicators.local_modulus",
    "indicators.thermal_expansion", "indicators.nonaffine_velocity",
    "indicators.nonaffinity_missing", "indicators.soft_modes", "indicators.nonlinear_modes",
    "indicators.predicted_yield", "indicators.spearman_matrix", "indicators.table",
    "indicators.voronoi_cells", "indicators.grid_modes", "indicators.structure_functions",
    "indicators.local_extremes", "indicators.event_samples", "indicators.learn_softness",
    "indicators.softness", "indicators.saddle_strain", "saddles", "plasticity.saddles",
    "plasticity.barrier_starts", "plasticity.random_starts", "plasticity.trigger_strain",
    "internal_stress", "wave_attenuation", "disorder_parameter", "response.damped",
    "response.damping", "response.dynamical_structure_factor", "response.equivalent_waves",
    "response.ioffe_regel_frequency", "response.mean_attenuation",
    "liquid.diffusion_coefficient", "liquid.ensemble_stiffness", "liquid.extremes",
    "liquid.in_blocks", "liquid.inherent_trajectory", "liquid.intermediate_scattering",
    "liquid.jump_rate", "liquid.mean_square_displacement", "liquid.mesoelastic_fit",
    "liquid.neighbour_relative", "liquid.non_gaussian_parameter", "liquid.over_directions",
    "liquid.over_samples", "liquid.overlap", "liquid.propensity", "liquid.radial_distribution",
    "liquid.ranks_by_species", "liquid.reduced_units", "liquid.relaxation_time",
    "liquid.spearman_by_species", "liquid.structure_factor_peak", "liquid.wave_vectors_near",
}  # fmt: skip
HOST = ("analysis.", "ensemble.", "io.", "plot.", "protocols.")
# Derivatives are taken of these; the rest has none, or is a sum of what is here.
UNSMOOTH = {
    "quench", "force", "factorise", "deformed", "softness_field", "heat_capacity", "nonaffinity",
    "mode_map", "particle_sum", "particle_mean", "dipole_response", "cubic_mode", "merge_modes",
    "nonaffine_seeds", "random_seeds", "participation_ratio", "core_position", "core_difference",
    "push_apart", "tiled", "diameters", "status",
}  # fmt: skip
DIFFERENTIABLE = sorted(set(TABLE) - UNSMOOTH)


def close(a, b, tol=1e-7):
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x, float), np.asarray(y, float)
        np.testing.assert_allclose(x, y, rtol=0, atol=tol * (1e-300 + np.abs(y).max()))


def everything(model, glass, e):
    """All rows of the table in one program: compiling it takes most of this file's time."""
    factor = jg.factorise(e)
    return {name: function(model, glass, e, factor) for name, function in TABLE.items()}


class World:
    """Eight glasses of one kind, one of them spoilt, with their expansions; and the table's program
    for a single one.
    """

    def __init__(self, name, n):
        self.model = jg.models.get(name)
        glasses = jg.stack([jg.random_glass(jax.random.key(k), name, n) for k in range(8)])
        good = jax.vmap(lambda g: jg.quench(self.model, g))(glasses).glass
        self.glasses = good.replace(position=good.position.at[BROKEN, 0, 0].add(0.4))
        self.expansions = jax.vmap(lambda g: jg.expand(self.model, g))(self.glasses)
        self.traces = 0
        self.program = jax.jit(self.counted)

    def counted(self, *arguments):
        """The table's program; Python runs it only when JAX traces it."""
        self.traces += 1
        return everything(*arguments)

    def sample(self, k):
        return jax.tree.map(lambda a: a[k], (self.glasses, self.expansions))

    def numbers(self):
        """Every number of the model, then the size of the box and a shear, as relative changes."""
        return len(jax.tree.leaves(self.model)) + 2

    def changed(self, s):
        """Model and glass after relative changes s."""
        leaves, tree = jax.tree.flatten(self.model)
        model = jax.tree.unflatten(tree, [leaf * (1 + s[k]) for k, leaf in enumerate(leaves)])
        glass, _ = self.sample(CALM)
        d = glass.dim
        gradient = (1 + s[-2]) * jnp.eye(d) + s[-1] * jnp.eye(d)[:, :1] * jnp.eye(d)[1]
        return model, jg.deformed(glass, gradient)


@pytest.fixture(
    scope="module",
    params=(
        pytest.param(("ipl2d", 144), id="plane"),
        pytest.param(("ipl3d", 125), id="space", marks=pytest.mark.long),
    ),
)
def world(request):
    return World(*request.param)


@pytest.fixture(scope="module")
def alone(world):
    return {k: world.program(world.model, *world.sample(k)) for k in (0, BROKEN, 7)}


def test_every_public_function_is_in_the_table_or_tested_elsewhere():
    from test_public import public

    names = {name for name in public() if not name.startswith(HOST)}
    rows = {name for name in names if name.split(".")[-1] in TABLE}
    assert names - rows == ELSEWHERE


def test_jit_equals_eager(world, alone):
    """Tracing may change capacities and sentences, never values, in any dimension."""
    if world.glasses.dim > 2:
        pytest.skip("compiling is most of it: space has the test under vmap")
    glass, e = world.sample(0)
    factor = jg.factorise(e)
    for name, function in TABLE.items():
        close(alone[0][name], function(world.model, glass, e, factor))


def test_a_second_call_does_not_compile_and_keeps_float64(world, alone):
    assert world.traces == 1
    leaves = jax.tree.leaves(alone[0])
    assert all(
        leaf.dtype == jnp.float64 for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)
    )


def test_vmap_equals_one_by_one_and_only_the_spoilt_sample_fails(world, alone):
    counts = np.asarray(jax.vmap(lambda b: b.count)(world.expansions.bonds))
    assert len(set(counts.tolist())) > 4
    together = jax.jit(jax.vmap(everything, (None, 0, 0)))(
        world.model, world.glasses, world.expansions
    )
    for k in (0, 7):
        for name in TABLE:
            close(jax.tree.map(lambda a, k=k: a[k], together[name]), alone[k][name])
    assert np.flatnonzero(together["status"]).tolist() == [BROKEN]
    assert alone[BROKEN]["status"] == together["status"][BROKEN]


@pytest.fixture(scope="module")
def slopes(world):
    """One scalar a row as a function of the numbers of the model and the box, at the minimum found
    for them.
    """

    def scalars(s):
        model, glass = world.changed(s)
        glass = jg.quench(model, glass, force_tol=1e-12).glass
        e = jg.expand(model, glass, capacity=world.expansions.bonds.i.shape[-1])
        factor = jg.factorise(e)
        rows = [TABLE[name](model, glass, e, factor) for name in DIFFERENTIABLE]
        return jnp.stack([sum(mixed(e, leaf) for leaf in jax.tree.leaves(row)) for row in rows])

    def both(s):
        """Values and their derivatives by one program: compiling takes far longer than running."""
        along = lambda v: jax.jvp(scalars, (s,), (v,))
        return jax.vmap(along, out_axes=(None, -1))(jnp.eye(world.numbers()))

    both = jax.jit(both)
    return scalars, both, *both(jnp.zeros(world.numbers()))


def mixed(e, leaf):
    """A scalar that cannot vanish by symmetry, and does not depend on the order of bonds."""
    if leaf.shape[:1] == e.bonds.i.shape:
        weight = jnp.where(e.bonds.valid, jnp.cos(1.3 * e.bonds.i + e.bonds.j), 0.0)
        return jnp.sum(jnp.tensordot(weight, leaf, 1))
    return jnp.sum(jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape) * leaf)


def test_forward_derivatives_converge_with_the_step(world, slopes):
    """Central differences approach the derivative with the square of the step."""
    _, both, value, forward = slopes
    directions = jnp.eye(world.numbers())
    difference = lambda h: np.stack(
        [(both(h * v)[0] - both(-h * v)[0]) / (2 * h) for v in directions], axis=1
    )
    coarse, fine = difference(2 * STEP), difference(STEP)
    size = np.abs(forward) + 1e-4 * np.abs(value)[:, None] + 1e-9
    extrapolated = np.abs((4 * fine - coarse) / 3 - forward) / size
    worst = dict(zip(DIFFERENTIABLE, extrapolated.max(axis=1), strict=True))
    assert worst == dict.fromkeys(DIFFERENTIABLE, pytest.approx(0, abs=1e-5))
    errors = np.abs(coarse - forward) / size, np.abs(fine - forward) / size
    visible = errors[1] > 30 * extrapolated + 1e-9
    assert visible.sum() > 30
    order = np.log2(errors[0][visible] / errors[1][visible])
    assert np.abs(order - 2).max() < 0.2


def test_reverse_derivatives_equal_forward_ones(world, slopes):
    """All rows at once, each scaled to its own size, with weights that cannot cancel."""
    scalars, _, value, forward = slopes
    size = np.abs(forward).max(axis=1) + 1e-6 * np.abs(value)
    weight = (1 + np.sqrt(np.arange(1, len(DIFFERENTIABLE) + 1))) / size
    reverse = np.asarray(
        jax.grad(lambda s: jnp.sum(weight * scalars(s)))(jnp.zeros(world.numbers()))
    )
    np.testing.assert_allclose(
        reverse, weight @ forward, rtol=0, atol=1e-7 * np.abs(weight @ forward).max()
    )


def test_gradients_under_vmap_equal_gradients_one_by_one(world):
    if world.glasses.dim > 2:
        pytest.skip("compiling is most of it: space has the reverse derivatives")

    def stiffness(sigma, glass):
        model = world.model.replace(sigma=sigma)
        e = jg.expand(
            model, jg.quench(model, glass).glass, capacity=world.expansions.bonds.i.shape[-1]
        )
        return jg.shear_modulus(e).total

    slope = jax.jit(jax.grad(stiffness))
    three = jax.tree.map(lambda a: a[:3], world.glasses)
    together = jax.vmap(slope, (None, 0))(world.model.sigma, three)
    for k in range(3):
        close(together[k], slope(world.model.sigma, world.sample(k)[0]))


def test_a_failing_sample_does_not_touch_the_others(world):
    broken = world.glasses.replace(position=world.glasses.position.at[2].set(jnp.nan))
    q = jax.vmap(lambda g: jg.quench(world.model, g, max_steps=5_000))(broken)
    assert int(q.status[2]) & jg.Status.NOT_FINITE
    assert all(int(q.status[k]) == 0 for k in (0, 1, 3, 4, 5, 6, 7))
    with pytest.raises(RuntimeError, match="1 of 8 samples failed, first sample 2"):
        jg.require(q)
