"""Bond lists against all pairs, and every bit they can set."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import cKDTree

import jaxglass as jg
from jaxglass.neighbours import jaxmd, search
from jaxglass.system.box import minimum_image


def all_pairs(glass, radius):
    x = np.asarray(glass.position)
    i, j = np.triu_indices(len(x), 1)
    r = np.asarray(minimum_image(glass.box, jnp.asarray(x[j] - x[i])))
    near = np.sum(r * r, axis=1) < radius**2
    return set(zip(i[near].tolist(), j[near].tolist(), strict=True))


def listed(glass, radius):
    plan = jaxmd.plan_list(glass.count, glass.box, radius, 2.0)
    i, j, overflow = jax.jit(lambda g: jaxmd.list_pairs(plan, g))(glass)
    pairs = [(int(a), int(b)) for a, b in zip(i, j, strict=True) if a < glass.count]
    assert not overflow and len(pairs) == len(set(pairs)) and all(a < b for a, b in pairs)
    return plan, set(pairs)


@pytest.mark.parametrize(
    "n,d,cells",
    [(900, 2, True), (1500, 3, True), (200, 2, False), (150, 3, False), (300, 4, False)],
)
def test_pairs_equal_all_pairs(n, d, cells):
    x = np.random.default_rng(n).random((n, d))
    length = n ** (1 / d)
    glass = jg.glass(x * length, length)
    plan, pairs = listed(glass, 1.9)
    assert bool(plan.cells) == cells
    assert pairs == all_pairs(glass, 1.9)


def test_pairs_in_a_sheared_box():
    x = np.random.default_rng(1).random((900, 2)) * 30
    glass = jg.glass(x, 30.0)
    sheared = jg.deformed(glass, jnp.array([[1.0, 0.3], [0.0, 1.0]]))
    plan, pairs = listed(sheared, 1.9)
    assert plan.cells and pairs == all_pairs(sheared, 1.9)


@pytest.mark.parametrize("plane", [None, (0, 1), (1, 0)])
def test_a_strip_has_a_grid_with_its_own_number_of_cells_a_direction(plane):
    """Sheared to a tilt of half an edge, where faces are closest."""
    edges, n = np.array([120.0, 8.0]), 960
    glass = jg.glass(np.random.default_rng(3).random((n, 2)) * edges, edges)
    if plane is not None:
        p, q = plane
        glass = jg.deformed(glass, jnp.eye(2).at[plane].set(0.4999 * edges[p] / edges[q]))
    plan, pairs = listed(glass, 1.7)
    assert plan.cells == ((69, 4) if plane is None else (9, 4))
    assert plan.capacity < 2.0 * 1.3 * n * np.pi * 1.7**2 / 2 + 1000  # the room of all boxes
    assert pairs == all_pairs(glass, 1.7)


def test_pairs_of_a_large_glass_equal_a_tree_search():
    x = np.random.default_rng(2).random((20_000, 2)) * 141
    glass = jg.glass(x, 141.0)
    _, pairs = listed(glass, 1.7)
    assert pairs == cKDTree(np.asarray(glass.position), boxsize=141.0).query_pairs(1.7)


def bits(status):
    return int(status)


def test_overflow_is_flagged_inside_jit_and_mended_outside(ipl):
    small = jax.jit(lambda g: jg.expand(ipl.model, g, capacity=100))(ipl.glass)
    assert bits(small.status) & jg.Status.BOND_OVERFLOW
    assert bits(jg.expand(ipl.model, ipl.glass).status) == 0
    plan = search.plan(ipl.model, ipl.glass)
    tight = plan._replace(listing=plan.listing._replace(capacity=50))
    assert bits(search.find_bonds(ipl.model, ipl.glass, tight)[1]) & jg.Status.NEIGHBOUR_OVERFLOW
    tries = []

    def attempt(room):
        tries.append(room)
        return search.find_bonds(ipl.model, ipl.glass, plan)[0].__class__ and type(
            "R", (), {"status": 4 if room < 4 else 0}
        )

    assert search.with_room(attempt, ipl.glass).status == 0 and tries == [1.0, 2.0, 4.0]


def test_sizes_beyond_the_models_bound_are_flagged(ipl):
    grown = jax.jit(
        lambda s: jg.expand(ipl.model.replace(sigma=s * ipl.model.sigma), ipl.glass).status
    )(1.2)
    assert bits(grown) & jg.Status.BEYOND_REACH
    with pytest.raises(ValueError, match="beyond its bound"):
        jg.expand(ipl.model.replace(sigma=1.2 * ipl.model.sigma), ipl.glass)


def test_a_narrow_box_is_refused_and_flagged(ipl):
    x = np.asarray(ipl.glass.position[:8]) * 0.1
    with pytest.raises(ValueError, match="box must be at least two cutoffs wide"):
        jg.expand(ipl.model, jg.glass(x, 1.5))
    status = jax.jit(
        lambda x: jg.expand(ipl.model, jg.glass(x, 2.5, species=jnp.ones(8, int))).status
    )(jnp.asarray(x))
    assert bits(status) & jg.Status.BOX_TOO_SMALL


def test_a_box_that_shrank_is_flagged(ipl):
    squeeze = lambda s: jg.expand(ipl.model, jg.deformed(ipl.glass, s * jnp.eye(2)))
    assert bits(jax.jit(squeeze)(0.8).status) & jg.Status.BOX_CHANGED


def test_unknown_species_are_refused_and_flagged(ipl):
    strange = ipl.glass.replace(species=ipl.glass.species + 1)
    with pytest.raises(ValueError, match="species must be below 2"):
        jg.energy(ipl.model, strange)
    assert (
        bits(jax.jit(lambda g: jg.expand(ipl.model, g).status)(strange)) & jg.Status.UNKNOWN_SPECIES
    )


def test_diameters_and_species_are_not_interchangeable(ipl, poly):
    with pytest.raises(ValueError, match="must have species"):
        jg.expand(ipl.model, poly.glass)
    with pytest.raises(ValueError, match="must have diameters"):
        jg.energy(poly.model, ipl.glass)


def test_rattlers_are_flagged():
    x = np.array([[1.0, 1.0], [2.0, 1.0], [6.0, 6.0]])
    assert bits(jg.expand(jg.models.get("ipl2d"), jg.glass(x, 12.0)).status) == jg.Status.RATTLERS
