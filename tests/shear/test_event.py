"""First events: exact folds, their derivatives, and what ends without one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import DATA, made

import jaxglass as jg


@pytest.fixture(scope="module", params=("ipl2d_400", "poly2d_400", "lj2d_400"))
def known(request):
    """A reference glass, its first event by the slow reference, and by the package."""
    case = made(request.param)
    ref = np.load(DATA / f"fold_{request.param}.npz")
    return case, ref, jg.first_event(case.model, case.glass)


def test_equals_the_reference(known):
    _, ref, event = known
    assert int(event.status) == 0
    assert abs(float(event.strain - ref["strain"])) < 1e-12
    assert int(event.particle) == int(ref["core"])
    assert abs(np.sum(np.asarray(event.mode) * ref["mode"])) == pytest.approx(1, abs=1e-10)


def test_the_fold_equations_hold(known):
    case, _, event = known
    e = jg.expand(case.model, event.glass)
    turned = jg.hvp(e, event.mode)
    assert float(jnp.max(jnp.abs(jg.force(case.model, event.glass)))) < 1e-10
    assert float(jnp.max(jnp.abs(turned - turned.mean(0)))) < 1e-9
    assert float(event.stress) == pytest.approx(float(jg.stress(e)[0, 1]), abs=1e-12)
    assert float(event.max_force) < 1e-10 and abs(float(event.curvature)) < 1e-10


def test_just_before_there_is_a_minimum_and_just_behind_none_near(known):
    """The lowest eigenvalue goes with the root of the way left; behind the fold it leaves."""
    case, _, event = known

    def beside(way):
        gradient = jnp.eye(2).at[0, 1].set(-way)
        return jg.quench(case.model, jg.deformed(event.glass, gradient))

    ways = (1e-6, 4e-6)
    lowest = [
        jg.lowest_modes(jg.expand(case.model, beside(w).glass), 1).frequency[0] ** 2 for w in ways
    ]
    assert float(lowest[1] / lowest[0]) == pytest.approx(2, abs=0.05)
    gone = jg.plasticity.nonaffine_displacement(event.glass, beside(-1e-6).glass)
    assert float(jnp.max(jnp.abs(gone))) > 0.02


def test_the_other_sense_is_the_mirror_image(tiny):
    model, glass = tiny
    mirrored = glass.replace(position=glass.position * jnp.array([-1.0, 1.0]))
    there = jg.first_event(model, glass, max_strain=-0.2)
    mirror = jg.first_event(model, mirrored, max_strain=0.2)
    assert float(there.strain) == pytest.approx(-float(mirror.strain), abs=1e-11)
    assert float(there.stress) == pytest.approx(-float(mirror.stress), abs=1e-9)
    assert int(there.particle) == int(mirror.particle)


@pytest.mark.long
def test_other_planes_and_directions(tiny):
    """Shear of y along x is that of a turned glass; dilation ends in a fold too, or says it does
    not.
    """
    model, glass = tiny
    turned = glass.replace(position=glass.position[:, ::-1])
    here = jg.first_event(model, glass, plane=(1, 0))
    assert float(here.strain) == pytest.approx(
        float(jg.first_event(model, turned).strain), abs=1e-11
    )
    direction = jnp.array([[0.0, 1.0], [0.0, 0.0]])
    same = jg.first_event(model, glass, direction=direction)
    assert float(same.strain) == pytest.approx(
        float(jg.first_event(model, glass).strain), abs=1e-12
    )
    pure = jnp.array([[0.5, 0.0], [0.0, -0.5]])
    event = jg.first_event(model, glass, direction=pure, max_strain=0.5)
    assert int(event.status) == 0
    e = jg.expand(model, event.glass)
    value = jnp.sum(event.mode * jg.hvp(e, event.mode))
    assert abs(float(value)) < 1e-9
    cell = (jnp.eye(2) + event.strain * pure) @ glass.box.cell
    np.testing.assert_allclose(event.glass.box.cell, cell, atol=1e-12)
    spacious = jg.first_event(model, glass, direction=jnp.eye(2), max_strain=0.01)
    assert int(spacious.status) == jg.Status.NO_EVENT


@pytest.mark.long
def test_three_dimensions():
    case = made("kalj_500")
    event = jg.first_event(case.model, case.glass, plane=(0, 2))
    assert int(event.status) == 0
    e = jg.expand(case.model, event.glass)
    assert abs(float(jnp.sum(event.mode * jg.hvp(e, event.mode)))) < 1e-9
    assert float(event.glass.box.cell[0, 2] / case.length) == pytest.approx(float(event.strain))


def test_none_below_the_limit(tiny):
    model, glass = tiny
    found = float(jg.first_event(model, glass).strain)
    event = jg.first_event(model, glass, max_strain=0.9 * found)
    assert int(event.status) == jg.Status.NO_EVENT and np.isnan(event.strain)
    tilt = event.glass.box.cell[0, 1] / event.glass.box.cell[1, 1]
    assert float(tilt) == pytest.approx(0.9 * found, abs=1e-14)
    assert float(jnp.max(jnp.abs(jg.force(model, event.glass)))) < 1e-9
    with pytest.raises(RuntimeError, match="no plastic event was met below max_strain"):
        jg.require(event)


def test_what_is_no_minimum_says_so(tiny):
    model, glass = tiny
    shaken = glass.replace(
        position=glass.position + 0.1 * jnp.sin(jnp.arange(128.0)).reshape(64, 2)
    )
    assert int(jg.first_event(model, shaken).status) & jg.Status.NOT_A_MINIMUM


@pytest.mark.long
def test_samples_under_vmap_equal_single_ones(tiny):
    model, glass = tiny
    other = jg.require(jg.quench(model, jg.random_glass(jax.random.key(6), "ipl2d", 64))).glass
    both = jax.vmap(lambda g: jg.first_event(model, g))(jg.stack([glass, other]))
    for k, one in enumerate((glass, other)):
        alone = jax.jit(jg.first_event)(model, one)
        assert float(both.strain[k]) == pytest.approx(float(alone.strain), abs=1e-13)
        assert int(both.particle[k]) == int(alone.particle)


@pytest.fixture(scope="module")
def derivatives(tiny):
    """Strain, stress, and squares of the mode as functions of relative changes of the numbers of
    the model and of the box; their forward derivatives.
    """
    model, glass = tiny
    leaves, tree = jax.tree.flatten(model)

    def results(s):
        changed = jax.tree.unflatten(tree, [leaf * (1 + s[k]) for k, leaf in enumerate(leaves)])
        bigger = jg.deformed(glass, (1 + s[-1]) * jnp.eye(2))
        minimum = jg.quench(changed, bigger, force_tol=1e-12).glass
        event = jg.first_event(changed, minimum)
        return jnp.stack([event.strain, event.stress, jnp.sum(event.mode[:9] ** 2)])

    count = len(leaves) + 1
    both = jax.jit(
        lambda s: jax.vmap(lambda v: jax.jvp(results, (s,), (v,)), out_axes=(None, -1))(
            jnp.eye(count)
        )
    )
    return results, both, count


def test_derivatives_equal_differences_of_whole_runs(derivatives):
    results, both, count = derivatives
    _, forward = both(jnp.zeros(count))
    h = 1e-6
    for k in range(count):
        ahead, behind = (both(sign * h * jnp.eye(count)[k])[0] for sign in (1, -1))
        slope = (ahead - behind) / (2 * h)
        size = np.abs(forward).max(axis=1)
        np.testing.assert_allclose(forward[:, k] / size, slope / size, rtol=1e-5, atol=1e-5)


def test_reverse_derivatives_equal_forward_ones(derivatives):
    results, both, count = derivatives
    _, forward = both(jnp.zeros(count))
    weight = jnp.array([1.0, 0.3, 2.0])
    reverse = jax.grad(lambda s: weight @ results(s))(jnp.zeros(count))
    np.testing.assert_allclose(reverse, weight @ forward, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("bad", [0, 0.0, float("nan"), float("inf")])
def test_bad_strains_are_refused(tiny, bad):
    with pytest.raises(ValueError, match="max_strain must be a number other than 0"):
        jg.first_event(*tiny, max_strain=bad)


def test_bad_planes_are_refused(tiny):
    with pytest.raises(ValueError, match="plane must name two different axes below 2"):
        jg.first_event(*tiny, plane=(0, 2))
    with pytest.raises(ValueError, match="direction must be a plane"):
        jg.first_event(*tiny, direction=jnp.eye(3))
