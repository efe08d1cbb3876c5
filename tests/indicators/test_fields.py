"""Maps from linear response and from nonlinear modes: reference values, sums, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import DATA, made

import jaxglass as jg

NAMES = ("poly2d_400", pytest.param("lj2d_400", marks=pytest.mark.long))
relative = lambda a, b: float(np.abs(np.asarray(a) - b).max() / np.abs(b).max())


@pytest.fixture(scope="module", params=NAMES)
def known(request):
    """A reference glass and its indicators."""
    return made(request.param), dict(np.load(DATA / "indicators" / f"{request.param}.npz"))


def test_fields_are_those_of_the_reference(known):
    case, ref = known
    e, i = case.expansion, jg.indicators
    assert relative(i.soft_modes(e), ref["soft_modes"]) < 1e-9
    assert relative(i.soft_modes(e, count=30), ref["soft_modes_30"]) < 1e-9
    assert relative(i.nonaffine_velocity(e), ref["nonaffine_velocity"]) < 1e-9
    assert relative(i.local_modulus(e), ref["local_modulus"]) < 1e-9
    turned = i.local_modulus(e, plane=(1, 0), radius=4.0)
    assert relative(turned, ref["local_modulus_10_4"]) < 1e-9
    assert relative(i.thermal_expansion(e), ref["thermal_expansion"]) < 1e-9
    assert relative(i.thermal_expansion(e, radius=4.0), ref["thermal_expansion_4"]) < 1e-9


def test_nonlinear_modes_hold_the_soft_ones_of_the_reference(known):
    """Searches that set out alike may end in another stiff mode; all must find the soft ones."""
    case, ref = known
    kind = str(ref["nonlinear_kind"])
    found = np.asarray(jg.indicators.nonlinear_modes(case.expansion, kind=kind))
    soft = ref["nonlinear_modes_soft"]
    assert np.max(soft - found) < 1e-4 * soft.max()
    assert jg.analysis.spearman(found, ref["nonlinear_modes"]) > 0.85


def test_modes_left_out_are_accounted_for(ipl):
    e = ipl.expansion
    few = jg.lowest_modes(e, 100)
    part = float(jg.indicators.nonaffinity(e, modes=few).sum())
    missing = float(jg.indicators.nonaffinity_missing(e, few))
    whole = float(jg.shear_modulus(e).relaxation)
    assert 0 < missing < 1 and part / whole == pytest.approx(1 - missing, rel=1e-9)


@pytest.mark.long
def test_three_dimensions_have_a_modulus_and_an_expansion():
    """Of a crystal all particles have the same, close to that of the whole."""
    model = jg.models.get("ipl3d")
    side = 6
    cube = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    offsets = ([0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5])
    at = np.concatenate([cube + np.array(o) for o in offsets]) * 1.6
    glass = jg.glass(at, side * 1.6, species=np.zeros(len(at), int))
    e = jg.expand(model, glass)
    local = jg.indicators.local_modulus(e, radius=2.4)
    np.testing.assert_allclose(local, local[0], rtol=1e-9)
    assert float(local[0]) == pytest.approx(float(jg.shear_modulus(e).total), rel=0.1)
    assert float(jnp.abs(jg.indicators.thermal_expansion(e, radius=2.4)).max()) < 1e-8


def test_fields_under_jit_vmap_and_grad(small):
    """jit and vmap give the same, and derivatives in the model are those of differences."""
    model, glass, e = small
    noisy = glass.replace(position=glass.position + 0.01)

    def fields(model, glass):
        e = jg.expand(model, glass)
        i = jg.indicators
        return jnp.stack(
            [
                i.local_modulus(e, radius=2.0),
                i.thermal_expansion(e, radius=2.0),
                i.nonaffine_velocity(e),
                i.soft_modes(e, count=20),
            ]
        )

    alone = fields(model, glass)
    both = jax.jit(jax.vmap(lambda g: fields(model, g)))(jg.stack([glass, noisy]))
    for k in range(2):
        np.testing.assert_allclose(both[k], alone, rtol=1e-6, atol=1e-8 * np.abs(alone).max())

    def total(s):
        change = jax.tree.map(lambda a: a * (1 + s), model.parameters)
        shifted = model.replace(parameters=change)
        return jnp.sum(fields(shifted, jg.quench(shifted, glass).glass)[:3] ** 2)

    h = 1e-4
    slope = (total(h) - total(-h)) / (2 * h)
    assert float(jax.jit(jax.grad(total))(0.0)) == pytest.approx(float(slope), rel=1e-4)


def test_bad_input_gets_a_sentence(small):
    _, _, e = small
    i = jg.indicators
    with pytest.raises(ValueError, match="box must be at least .* wide for coarse graining"):
        i.local_modulus(e, radius=100.0)
    with pytest.raises(ValueError, match="radius must be a positive number"):
        i.thermal_expansion(e, radius=-1.0)
    with pytest.raises(ValueError, match="kind must be one of 'quartic'"):
        i.nonlinear_modes(e, kind="quintic")
    with pytest.raises(ValueError, match="plane must name two different axes"):
        i.local_modulus(e, plane=(0, 0))
    with pytest.raises(ValueError, match="modes must be at least 30, found 3"):
        i.soft_modes(e, count=30, modes=jg.lowest_modes(e, 3))


def test_the_table_holds_what_single_calls_give(known):
    case, ref = known
    found = jg.indicators.table(case.model, case.glass)
    signs = jg.indicators.softness_signs
    on_demand = {"softness", "saddle_strain", "residual_plastic_strength"}
    assert set(found) == set(signs) - on_demand and set(signs.values()) == {1, -1}
    assert all(np.shape(v) == (400,) and np.isfinite(v).all() for v in found.values())
    for name in ("density", "vibrality", "nonaffinity", "local_modulus", "heat_capacity"):
        assert relative(found[name], ref[name]) < 1e-8
    matrix = jg.indicators.spearman_matrix(found)
    assert matrix.shape == (len(found),) * 2 and np.allclose(np.diag(matrix), 1)
    k, m = (list(found).index(name) for name in ("soft_modes", "vibrality"))
    alike = jg.analysis.spearman(found["soft_modes"], found["vibrality"])
    assert matrix[k, m] == matrix[m, k] == pytest.approx(alike, rel=1e-12)


def test_the_table_takes_names_and_a_plane(small):
    model, glass, _ = small
    names = ("contact_number", "nonaffine_velocity")
    found = jg.indicators.table(model, glass, plane=(1, 0), only=names)
    assert tuple(found) == names
    with pytest.raises(ValueError, match="only must name indicators of density, .*'hardness'"):
        jg.indicators.table(model, glass, only=("hardness",))
    with pytest.raises(ValueError, match="plane must name two different axes"):
        jg.indicators.table(model, glass, plane=(0, 0))
