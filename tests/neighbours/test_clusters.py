"""Lists for moving particles against all pairs, and forces along them against the landscape's."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.models.pair import range_of, settled
from jaxglass.models.shapes import power
from jaxglass.neighbours import clusters, listing
from jaxglass.neighbours.assembly import assembly_of
from jaxglass.neighbours.listing import forces
from jaxglass.neighbours.moving import first_list, plan_moving
from jaxglass.system.box import minimum_image

CASES = {
    "species": ("ipl2d", 200),
    "three dimensions": ("kalj", 300),
    "diameters": ("poly2d", 150),
    "four dimensions": ("ipl4d", 320),
    "hardly any": ("hertz", 11),
}
FOUR = pytest.param("four dimensions", marks=pytest.mark.long)
EACH = [FOUR if "four" in case else case for case in CASES]


def glasses(name, n, count=1, gradient=None):
    """Random glasses, particles in and out of the cell, one denser than the other."""
    made = []
    for k in range(count):
        glass = jg.random_glass(jax.random.key(k), name, n, density=None if k == 0 else 0.7)
        if gradient is not None:
            glass = jg.deformed(glass, jnp.eye(glass.dim).at[gradient].set(0.3 + 0.1 * k))
        far = jax.random.randint(jax.random.key(k), glass.position.shape, -2, 3)
        made.append(glass.replace(position=glass.position + far @ glass.box.cell.T))
    return made


def expected(model, glass, skin):
    """All pairs within range, by comparison of every pair."""
    kind = np.asarray(glass.diameter if model.sigma is None else glass.species)
    i, j = np.triu_indices(glass.count, 1)
    x = np.asarray(glass.position)
    r = np.asarray(minimum_image(glass.box, jnp.asarray(x[j] - x[i])))
    ranges = np.asarray(range_of(jax.tree.map(np.asarray, model), kind[i], kind[j])) + skin
    near = np.sum(r * r, axis=1) < ranges**2
    return set(zip(i[near].tolist(), j[near].tolist(), strict=True))


def listed(made, room=1.0):
    """Assembly, PairList, status and skin of glasses."""
    together, model = jg.stack(made), settled(made.model)
    plan = plan_moving(made.model, made[0], room)
    all = assembly_of(model, together)
    pairs, status = jax.jit(lambda x: first_list(model, all, plan, x))(together.position)
    return all, pairs, status, plan.skin


class Made(list):
    """Glasses that know their model."""

    def __init__(self, name, *arguments, **options):
        super().__init__(glasses(name, *arguments, **options))
        self.model = jg.models.get(name)


@pytest.mark.parametrize("samples, gradient", [(1, None), (3, (0, 1))], ids=["one", "sheared"])
@pytest.mark.parametrize("case", EACH)
def test_the_list_holds_every_pair_in_range_once(case, gradient, samples):
    check_list(Made(*CASES[case], samples, gradient))


def check_list(made):
    all, pairs, status, skin = listed(made)
    assert not status
    i, j = np.asarray(pairs.i), np.asarray(pairs.j)
    used = i != j
    assert used.sum() == pairs.found and used[: int(pairs.found)].all()
    assert (i[used] // all.n == j[used] // all.n).all()
    for k, glass in enumerate(made):
        own = used & (i // all.n == k)
        ends = zip(np.minimum(i, j)[own] % all.n, np.maximum(i, j)[own] % all.n, strict=True)
        assert set(ends) == expected(made.model, glass, skin)


@pytest.mark.parametrize("samples, gradient", [(2, None), (1, (1, 0))], ids=["two", "sheared"])
@pytest.mark.parametrize("case", EACH)
def test_forces_are_those_of_the_landscape(case, gradient, samples):
    check_forces(Made(*CASES[case], samples, gradient))


def check_forces(made):
    # close pairs magnify the rounding of positions
    made[:] = [jg.prepare.push_apart(made.model, glass) for glass in made]
    all, pairs, _, _ = listed(made)
    together = jg.stack(made).position
    found = jax.jit(lambda x: forces(settled(made.model), all, pairs, x))(together)
    for k, glass in enumerate(made):
        right = np.asarray(jg.force(made.model, glass))
        np.testing.assert_allclose(found[k], right, rtol=0, atol=1e-12 * np.abs(right).max())


def test_other_devices_list_and_add_all_pairs_at_once(monkeypatch):
    """What is done there, done here. Without powers: those of GPUs are not exact, and the bits that
    tell which clusters are near come apart.
    """
    for module in (clusters, listing, power):
        monkeypatch.setattr(module, "one_by_one", lambda: False)
    made = Made("ipl2d", 120, 3, (0, 1))  # a size of its own: programs are kept by size
    check_list(made)
    check_forces(made)
    all, pairs, _, skin = listed(made)
    model, plan = settled(made.model), plan_moving(made.model, made[0])
    listing_of = jax.make_jaxpr(lambda x: first_list(model, all, plan, x)[0].i)
    assert not re.search(r"\b(pow|exp2|while|cond)\b", str(listing_of(jg.stack(made).position)))


def test_neighbouring_entries_seldom_share_a_particle():
    made = Made("kalj", 1000)
    _, pairs, _, _ = listed(made)
    i, j = (np.asarray(k)[: int(pairs.found)] for k in (pairs.i, pairs.j))
    shared = np.mean(i[1:] == i[:-1]), np.mean(j[1:] == j[:-1])
    assert max(shared) < 0.15  # row by row, nine of ten would
    padding = np.asarray(pairs.i)[int(pairs.found) :]
    assert (padding == np.asarray(pairs.j)[int(pairs.found) :]).all()
    assert np.bincount(padding, minlength=1000).max() <= 1 + len(padding) // 1000


def test_clusters_hold_every_particle_once():
    place = jax.random.uniform(jax.random.key(0), (2, 333, 3))
    plan = clusters.plan_clusters(333, (1.0, 2.0, 0.5), 1.0, 0.2, 5000)
    found = clusters.clusters_of(clusters.for_samples(plan, 2), place)
    for sample in np.asarray(found).reshape(2, -1):
        assert sorted(sample[sample < 333]) == list(range(333))


@pytest.mark.parametrize("field", ["groups", "pairs", "capacity"])
def test_too_little_room_is_flagged(field):
    made = Made("ipl2d", 200)
    model, together = settled(made.model), jg.stack(made)
    plan = plan_moving(made.model, made[0])
    tight = plan._replace(clusters=plan.clusters._replace(**{field: 20}))
    _, status = first_list(model, assembly_of(model, together), tight, together.position)
    asked = jg.Status.BOND_OVERFLOW if field == "capacity" else jg.Status.NEIGHBOUR_OVERFLOW
    assert int(status) & asked
