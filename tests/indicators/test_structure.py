"""Indicators of structure: cells, neighbours, entropy, energies."""

import functools
import math

import jax
import jax.numpy as jnp
import manybody
import numpy as np
import pytest
from scipy.spatial import ConvexHull, Voronoi
from shared import DATA, made

import jaxglass as jg

PLANAR = {
    "density": 1e-12, "free_volume": 1e-12, "voronoi_anisotropy": 1e-11,
    "voronoi_divergence": 1e-11, "contact_number": 0.0, "excess_entropy": 2e-8,
    "bond_order": 1e-12, "steric_order": 1e-12, "potential_energy": 1e-12,
}  # fmt: skip


def everything(model, glass, names=tuple(PLANAR)):
    return {name: getattr(jg.indicators, name)(model, glass) for name in names}


def close(a, b, tol=1e-10):
    for name, value in b.items():
        size = np.abs(value).max()
        np.testing.assert_allclose(a[name], value, rtol=0, atol=tol * size, err_msg=name)


def shaken(glass, size, key=0):
    noise = size * jax.random.normal(jax.random.key(key), glass.position.shape)
    return glass.replace(position=glass.box.wrap(glass.position + noise))


def random_glass(seed, n, dim=2):
    """Particles anywhere, of two sizes."""
    rng, length = np.random.default_rng(seed), (n / 0.86) ** (1 / dim)
    kind = rng.integers(0, 2, n)
    return jg.glass(rng.uniform(0, length, (n, dim)), length, species=kind)


def triangular(rows=8, spacing=1.1):
    """A perfect crystal of one size."""
    i, j = np.meshgrid(np.arange(rows), np.arange(rows), indexing="ij")
    x = np.stack([i + 0.5 * (j % 2), math.sqrt(0.75) * j], axis=-1).reshape(-1, 2)
    return jg.glass(spacing * x, spacing * rows * np.array([1, math.sqrt(0.75)]))


@pytest.mark.parametrize("name", ["lj2d_400", "poly2d_400"])
def test_values_of_the_reference(name):
    case, ref = made(name), np.load(DATA / "indicators" / f"{name}.npz")
    found = everything(case.model, case.glass)
    for key, bound in PLANAR.items():
        size = np.abs(ref[key]).max()
        np.testing.assert_allclose(found[key], ref[key], rtol=0, atol=bound * size, err_msg=key)
    five = jg.indicators.bond_order(case.model, case.glass, order=5)
    np.testing.assert_allclose(five, ref["bond_order_5"], atol=1e-12)


def test_the_same_lattice_by_another_cell(small):
    model, glass, _ = small
    cell = glass.box.cell @ jnp.array([[1.0, 1.0], [0.0, 1.0]])
    sheared = jg.glass(glass.position, cell, species=glass.species)
    close(everything(model, sheared), everything(model, glass))


def test_under_jit_and_vmap(small):
    model, glass, _ = small
    sheared = jg.deformed(glass, jnp.array([[1.0, 0.2], [0.0, 1.0]]))
    glasses = [sheared, shaken(sheared, 0.03)]
    alone = [everything(model, g) for g in glasses]
    close(jax.jit(everything)(model, glasses[0]), alone[0])
    together = jax.vmap(lambda g: everything(model, g))(jg.stack(glasses))
    for k, values in enumerate(alone):
        close({name: v[k] for name, v in together.items()}, values)
        assert all(v.dtype == jnp.float64 for v in values.values())


@pytest.mark.long
def test_where_nothing_is_known_of_the_box(small):
    model, glass, _ = small
    length = float(glass.box.cell[0, 0])

    def at(size, species):
        return jg.glass(size * glass.position, size * length, species=species)

    traced = jax.jit(lambda size, species: everything(model, at(size, species)))
    close(traced(1.1, glass.species), everything(model, at(1.1, glass.species)))


@pytest.mark.parametrize("name", ["plane", pytest.param("ipl3d_512", marks=pytest.mark.long)])
def test_gradients_are_those_of_differences(name, small):
    model, glass, names = *small[:2], [k for k in PLANAR if k != "contact_number"]
    if name != "plane":
        model, glass, names = made(name).model, made(name).glass, ["voronoi_anisotropy"]
    z = jax.random.normal(jax.random.key(2), glass.position.shape)
    w = jax.random.normal(jax.random.key(3), (glass.count,))

    @jax.jit
    def total(s):
        moved = glass.replace(position=glass.position + s * z)
        return {k: jnp.sum(w * v) for k, v in everything(model, moved, names).items()}

    h = 1e-6
    ahead, behind = total(h), total(-h)
    slope = jax.jit(jax.jacrev(total))(0.0)
    for name in names:
        difference = (ahead[name] - behind[name]) / (2 * h)
        assert float(slope[name]) == pytest.approx(float(difference), rel=1e-5), name


def test_gradients_are_finite_in_a_crystal():
    model, glass = jg.models.get("ipl2d"), triangular()
    glass = glass.replace(species=jnp.zeros(64, int))

    def total(x):
        found = everything(model, glass.replace(position=x))
        return sum(jnp.sum(v) for v in found.values())

    assert bool(jnp.isfinite(jax.jit(jax.grad(total))(glass.position)).all())


def test_a_perfect_crystal():
    model, glass = jg.models.get("ipl2d"), triangular()
    found = everything(model, glass)
    np.testing.assert_allclose(found["bond_order"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(found["steric_order"], 0.0, atol=1e-12)
    np.testing.assert_allclose(found["density"], glass.density, rtol=1e-12)
    np.testing.assert_allclose(found["voronoi_anisotropy"], 0.0, atol=1e-12)
    np.testing.assert_allclose(found["voronoi_divergence"], 0.0, atol=1e-12)
    assert set(found["contact_number"].tolist()) == {6.0}
    three = jg.indicators.bond_order(model, glass, order=3)
    np.testing.assert_allclose(three, 0.0, atol=1e-12)


@pytest.mark.parametrize("basis", [[[0, 0, 0]], [[0, 0, 0], [0.5, 0.5, 0.5]]])
def test_crystals_in_space_whose_planes_meet_in_one_line(basis):
    corner = np.stack(np.meshgrid(*[np.arange(5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    side = 1.2 * len(basis) ** (1 / 3)
    x = side * np.concatenate([corner + b for b in np.array(basis)])
    glass = jg.glass(x, 5 * side)
    density = jg.indicators.density(jg.models.get("ipl3d"), glass)
    np.testing.assert_allclose(density, glass.density, rtol=1e-12)


def divergence_of_all_triangles(model, glass):
    """From the means of particles and how many triangles each has."""
    cells = jg.indicators.voronoi_cells

    triangles = jnp.sum(cells(model, glass).edge, axis=1)
    assert int(triangles.sum()) == 6 * glass.count
    return jnp.sum(triangles * jg.indicators.voronoi_divergence(model, glass)) / 3


def test_divergences_sum_to_zero(small):
    model, glass, _ = small
    for g in (glass, jg.deformed(glass, jnp.array([[1.0, 0.3], [0.0, 1.0]]))):
        assert abs(float(divergence_of_all_triangles(model, g))) < 1e-12
        assert float(jnp.abs(jg.indicators.voronoi_divergence(model, g)).max()) > 1e-3


LONG = [pytest.param(name, marks=pytest.mark.long) for name in ("ipl3d_512", "kalj_500")]


@pytest.mark.parametrize("name", ["poly3d_500", *LONG])
def test_cells_fill_the_box_in_space(name):
    case = made(name)
    strain = jnp.eye(3).at[0, 1].set(0.2)
    for g in (case.glass, jg.deformed(case.glass, strain)):
        volume = 1 / jg.indicators.density(case.model, g)
        assert float(volume.sum() / g.box.volume) == pytest.approx(1, abs=1e-12)
        assert float(volume.min()) > 0


@pytest.mark.long
def test_cells_of_equal_particles_are_those_of_scipy():
    glass = made("ipl3d_512").glass
    glass = glass.replace(species=jnp.zeros_like(glass.species))
    shifts = np.stack(np.meshgrid(*[(0, -1, 1)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    length = float(glass.box.cell[0, 0])
    every = (np.asarray(glass.position) + length * shifts).reshape(-1, 3)
    tessellation = Voronoi(every)
    of = lambda k: tessellation.vertices[tessellation.regions[tessellation.point_region[k]]]
    exact = np.array([ConvexHull(of(k)).volume for k in range(512)])
    density = jg.indicators.density(jg.models.get("ipl3d"), glass)
    np.testing.assert_allclose(1 / density, exact, rtol=1e-9)


def test_what_does_not_fit_is_nan_while_tracing():
    """Particles anywhere leave wide cells, and a wide cutoff takes in more than 16 neighbours."""
    model, glass = jg.models.get("ipl2d"), random_glass(0, 64)
    area = 1 / jg.indicators.density(model, glass)
    assert float(jnp.nansum(area) / glass.box.volume) == pytest.approx(1, abs=1e-12)
    assert bool(jnp.isnan(jax.jit(jg.indicators.density)(model, glass)).all())
    order = functools.partial(jg.indicators.bond_order, cutoff=2.2)
    assert bool((order(model, glass) < 1).all())
    assert bool(jnp.isnan(jax.jit(order)(model, glass)).all())


def test_a_hidden_particle_has_no_cell_and_a_lonely_one_no_order():
    model = jg.models.get("ipl2d")
    x = np.array(triangular().position)
    x = np.concatenate([x, x[:1] + 0.01])
    species = np.ones(65, int)
    species[-1] = 0
    glass = jg.glass(x, triangular().box, species=species)
    density = jg.indicators.density(model, glass)
    assert np.flatnonzero(np.isnan(density)).tolist() == [64]
    assert float(jnp.nansum(1 / density) / glass.box.volume) == pytest.approx(1, abs=1e-12)
    assert int(jnp.isnan(jg.indicators.voronoi_divergence(model, glass)).sum()) == 1
    slope = jax.grad(lambda x: jnp.nansum(jg.indicators.density(model, glass.replace(position=x))))
    assert bool(jnp.isfinite(slope(glass.position)).all())

    three = jg.glass([[1.0, 1.0], [2.0, 1.0], [6.0, 6.0]], 12.0)
    for f in (jg.indicators.bond_order, jg.indicators.steric_order):
        assert np.isnan(f(model, three)).tolist() == [False, False, True]


@pytest.mark.parametrize("name", ["sw", pytest.param("cuzr", marks=pytest.mark.long)])
def test_energies_of_many_bodies_sum_to_the_energy(name):
    r = manybody.reference(name)
    model, glass = jg.models.get(name), manybody.at(r, r["position"])
    energy = jg.indicators.potential_energy(model, glass)
    assert float(energy.sum()) == pytest.approx(float(jg.energy(model, glass)), rel=1e-12)
    assert bool((jg.indicators.contact_number(model, glass) > 0).all())
    assert bool((jg.indicators.excess_entropy(model, glass) < 0).all())


I = jg.indicators
REFUSED = {
    "bond_order is for glasses in two dimensions, found 3": lambda m, s, g: I.bond_order(m, s),
    "steric_order is for glasses in two dimensions": lambda m, s, g: I.steric_order(m, s),
    "voronoi_divergence is for glasses in two dimensions": lambda m, s, g: I.voronoi_divergence(
        m, s
    ),
    "order must be an integer of at least 1, found 0": lambda m, s, g: I.bond_order(m, g, order=0),
    "cutoff must be a positive number": lambda m, s, g: I.steric_order(m, g, cutoff=-1.0),
    "box must be at least 33.6 wide for the cutoff of bond_order": lambda m, s, g: I.bond_order(
        m, g, cutoff=12.0
    ),
    "box must be at least .* for the particles of excess_entropy": lambda m, s, g: I.excess_entropy(
        m, random_glass(0, 16)
    ),
    "box must be wide enough to tell the neighbours": lambda m, s, g: I.density(
        m, jg.glass([[1.0, 1.0], [2.0, 1.0], [6.0, 6.0]], 12.0)
    ),
    "Voronoi cells are of two or three dimensions, found 4": lambda m, s, g: I.density(
        m, random_glass(0, 300, 4)
    ),
    "use jax.vmap for a stack": lambda m, s, g: I.contact_number(m, jg.stack([g, g])),
    "model must be a PairModel here": lambda m, s, g: I.density(jg.models.get("sw"), s),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_refusals(sentence, small):
    model, glass, _ = small
    with pytest.raises((ValueError, TypeError), match=sentence):
        REFUSED[sentence](model, random_glass(1, 200, 3), glass)
