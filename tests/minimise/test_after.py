"""A quench that goes on from its neighbour: the same minimum, fewer steps, whole lists."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.minimise.lists import list_bonds, used_share
from jaxglass.neighbours import search
from jaxglass.neighbours.moving import skin_of
from jaxglass.system.box import minimum_image

STEP = 1e-3


def assert_same_place(a, b, atol):
    """Equal positions but for a common translation: capped moves let the centre of mass drift."""
    r = np.asarray(minimum_image(a.box, a.position - b.position))
    np.testing.assert_allclose(r - r.mean(axis=0), 0, atol=atol)


def sheared(glass, strain):
    return jg.deformed(glass, jnp.eye(glass.dim).at[0, 1].set(strain))


@pytest.fixture(scope="module")
def begun():
    model = jg.models.get("ipl2d")
    return model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 100), keep_list=True)


def test_the_same_minimum_in_fewer_steps(begun):
    model, first = begun
    plain = jg.quench(model, sheared(first.glass, STEP))
    after = jg.quench(model, sheared(first.glass, STEP), after=first)
    assert int(plain.status) == 0 and int(after.status) == 0
    assert_same_place(after.glass, plain.glass, 1e-11)
    assert np.abs(plain.glass.position - sheared(first.glass, STEP).position).max() > 1e-4
    assert 5 * int(after.steps) < int(plain.steps)
    np.testing.assert_array_equal(after.listing.position, first.listing.position)
    assert plain.listing is None


def test_without_a_list_newton_is_tried_at_once_all_the_same(begun):
    model, first = begun
    bare = jg.quench(model, sheared(first.glass, STEP), after=first.replace(listing=None))
    listed = jg.quench(model, sheared(first.glass, STEP), after=first)
    assert int(bare.steps) == int(listed.steps)
    np.testing.assert_allclose(bare.glass.position, listed.glass.position, atol=1e-12)


@pytest.mark.long
def test_a_far_start_falls_back_on_the_whole_descent(begun):
    model, first = begun
    far = jg.random_glass(jax.random.key(1), "ipl2d", 100)
    plain, after = jg.quench(model, far), jg.quench(model, far, after=first)
    assert int(after.status) == 0 and int(after.steps) > 100
    assert_same_place(after.glass, plain.glass, 1e-9)


def test_other_particles_or_ranges_get_a_list_of_their_own(begun):
    """Two particles exchanged, or particles grown: the old list would miss bonds."""
    model, first = begun
    exchanged = first.glass.replace(species=first.glass.species[::-1])
    grown = model.replace(sigma=1.01 * model.sigma)
    for m, glass in ((model, exchanged), (grown, first.glass)):
        q = jg.quench(m, glass, after=first)
        assert int(q.status) == 0
        assert float(jnp.abs(jg.force(m, q.glass)).max()) < 1e-10


def test_a_strain_in_steps_under_jit_vmap_and_scan(begun):
    """Twenty steps of two samples in one program end where single quenches end."""
    model, _ = begun
    starts = jg.stack([jg.random_glass(jax.random.key(k), "ipl2d", 100) for k in (0, 5)])

    def path(start):
        first = jg.quench(model, start, keep_list=True)
        first = first.replace(glass=sheared(first.glass, 0.0))

        def step(q, _):
            q = jg.quench(model, sheared(q.glass, STEP / 10), after=q)
            return q, (q.status, q.steps)

        return jax.lax.scan(step, first, None, length=20)

    last, (status, steps) = jax.jit(jax.vmap(path))(starts)
    assert np.all(status == 0) and np.max(steps) < 12
    for k in range(2):
        q = jg.quench(model, jax.tree.map(lambda a, k=k: a[k], starts))
        for _ in range(20):
            q = jg.quench(model, sheared(q.glass, STEP / 10))
        assert_same_place(jax.tree.map(lambda a, k=k: a[k], last.glass), q.glass, 1e-9)


def test_the_derivative_is_that_of_the_minimum(begun):
    model, first = begun

    def energy(exponent, **options):
        m = model.replace(parameters={"exponent": exponent})
        return jg.energy(m, jg.quench(m, sheared(first.glass, STEP), **options).glass)

    plain, after = jax.grad(energy)(10.0), jax.grad(lambda n: energy(n, after=first))(10.0)
    assert float(after) == pytest.approx(float(plain), rel=1e-9) and abs(float(plain)) > 1


def pairs(model, glass, sizes):
    bonds = search.find_bonds(model, glass, sizes)[0]
    return set(zip(*(np.asarray(k)[np.asarray(bonds.valid)].tolist() for k in (bonds.i, bonds.j))))


@pytest.mark.parametrize("flip", [0, 1])
def test_a_list_that_passes_holds_every_pair_in_range(begun, flip):
    """Random motion and shear, with cell vectors added to each other or not."""
    model, first = begun
    skin = skin_of(model, first.glass.dim)
    sizes = search.plan(model, first.glass, skin=skin)
    listing = list_bonds(model, first.glass, sizes)
    listed = pairs(model, first.glass, sizes)
    bare = search.plan(model, first.glass)
    shares, missed = [], []
    for k in range(24):
        size = 0.02 * (k + 1) * skin
        motion = size * jax.random.normal(jax.random.key(k), first.glass.position.shape)
        moved = sheared(first.glass, 0.003 * k)
        cell = moved.box.cell.at[:, 1].add(flip * moved.box.cell[:, 0])
        moved = moved.replace(
            position=moved.position + motion, box=moved.box.replace(cell=cell, orthogonal=False)
        )
        shares.append(float(used_share(listing, model, moved, skin)))
        missed.append(len(pairs(model, moved, bare) - listed))
    shares, missed = np.array(shares), np.array(missed)
    assert shares[0] < 1 and np.all(missed[shares <= 1] == 0)
    assert missed[-1] > 0 and np.all(np.isfinite(shares))


def test_a_list_says_nothing_about_another_box(begun):
    model, first = begun
    skin = skin_of(model, first.glass.dim)
    wide = first.glass.replace(box=first.glass.box.replace(cell=2 * first.glass.box.cell))
    assert float(used_share(first.listing, model, first.glass, skin)) < 1
    assert np.isinf(used_share(first.listing, model, wide, skin))
    overflown = first.listing.replace(status=jnp.int32(jg.Status.BOND_OVERFLOW))
    assert np.isinf(used_share(overflown, model, first.glass, skin))


def test_only_a_quench_can_be_gone_on_from(begun):
    model, first = begun
    with pytest.raises(TypeError, match="after must be a Quenched, from quench, found Glass"):
        jg.quench(model, first.glass, after=first.glass)


def test_a_result_with_a_list_is_saved_and_loaded(begun, tmp_path):
    model, first = begun
    path = str(tmp_path / "q.h5")
    jg.save(path, first.glass, model=model, results={"quench": first})
    back = jg.load(path).results["quench"]
    again = jg.quench(model, sheared(first.glass, STEP), after=back)
    assert int(again.steps) == int(jg.quench(model, sheared(first.glass, STEP), after=first).steps)
