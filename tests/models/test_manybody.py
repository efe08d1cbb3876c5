"""Models beyond pairs: totals and forces against sums over everybody and against reference values,
tables of embedded atoms, and what is refused.
"""

import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from manybody import DATA, at, brute_force, brute_glass, embedded_atoms, reference, three_bodies

import jaxglass as jg
from jaxglass.models.manybody import silicon, splines
from jaxglass.models.manybody.setfl import read_setfl
from jaxglass.models.manybody.terms import Triples


@pytest.mark.parametrize("name", ("sw", "cuzr"))
def test_energies_and_forces_are_those_of_the_reference(name):
    r, model = reference(name), jg.models.get(name)
    here, moved = at(r, r["position"]), at(r, r["position"] + r["shift"])
    assert float(jg.energy(model, here)) == pytest.approx(float(r["energy"]), rel=1e-12)
    assert float(jg.energy(model, moved)) == pytest.approx(float(r["shifted_energy"]), rel=1e-12)
    off = np.abs(np.asarray(jg.force(model, moved)) - r["shifted_force"]).max()
    assert off < 1e-12 * np.abs(r["shifted_force"]).max()
    assert float(jnp.abs(jg.force(model, here)).max()) < 1e-12


def test_triples_by_a_table_are_those_by_sums():
    """Forces of Stillinger and Weber's triples need no list of them."""
    r, model = reference("sw"), jg.models.get("sw")
    moved, listed = at(r, r["position"] + r["shift"]), (Triples(silicon._triple),)
    slow = jg.force(model.replace(terms=listed), moved)
    np.testing.assert_allclose(slow, r["shifted_force"], atol=1e-12 * np.abs(slow).max())


@pytest.mark.parametrize("make", (three_bodies, embedded_atoms), ids=("triples", "embedded"))
def test_a_model_of_ones_own_is_the_sum_over_everybody(make):
    model, glass = make(), brute_glass()
    total = brute_force(model, glass)
    assert float(jg.energy(model, glass)) == pytest.approx(float(total(glass.position)), rel=1e-12)
    force = -jax.grad(total)(glass.position)
    np.testing.assert_allclose(jg.force(model, glass), force, atol=1e-11 * jnp.abs(force).max())


def test_the_energy_differentiates_in_every_parameter():
    glass = brute_glass()
    for model in (three_bodies(), embedded_atoms()):
        leaves, tree = jax.tree.flatten(model)
        energy = lambda leaves, tree=tree: jg.energy(jax.tree.unflatten(tree, leaves), glass)
        slopes = jax.grad(energy)(leaves)
        for k, leaf in enumerate(leaves):
            for index in np.ndindex(leaf.shape):
                ends = []
                for h in (1e-5, -1e-5):
                    changed = list(leaves)
                    changed[k] = leaf.at[index].add(h)
                    ends.append(float(energy(changed)))
                expected = (ends[0] - ends[1]) / 2e-5
                assert float(slopes[k][index]) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_a_tetrahedral_crystal_has_no_energy_of_triples():
    base = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]])
    cells = np.array(list(itertools.product(range(2), repeat=3)))[:, None]
    edge = 2 ** (1 / 6) * 4 / np.sqrt(3)
    x = (cells + np.concatenate([base, base + 1]) / 4).reshape(-1, 3) * edge
    glass = jg.glass(jnp.asarray(x + 0.1), 2 * edge, species=jnp.zeros(len(x), int))
    model = jg.models.get("sw")
    assert float(jg.energy(model, glass)) / len(x) == pytest.approx(-2, abs=1e-9)
    e = jg.expand(model, glass)
    assert float(jnp.abs(e.groups[0].energy).max()) < 1e-20


@pytest.mark.parametrize("element, energy, edge", [(0, -3.54, 3.615), (1, -6.36, 4.54)])
def test_crystals_of_copper_and_zirconium_have_the_published_energy(element, energy, edge):
    """Zirconium packed cubically is within its published 6.36 eV by a hundredth."""
    base = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    cells = np.array(list(itertools.product(range(4), repeat=3)))[:, None]
    x = (cells + base).reshape(-1, 3) * edge
    glass = jg.glass(jnp.asarray(x), 4 * edge, species=jnp.full(len(x), element))
    found = float(jg.energy(jg.models.get("cuzr"), glass)) / len(x)
    assert found == pytest.approx(energy, abs=0.05)


def test_tables_are_those_of_the_reference():
    r = reference("tables")
    k = [str(f) for f in r["files"]].index("lopsided.eam.fs")
    model = jg.models.read_eam(DATA / "lopsided.eam.fs")
    glass = at(r, r["position"])
    assert float(jg.energy(model, glass)) == pytest.approx(float(r[f"energy{k}_5"]), rel=1e-11)
    off = np.abs(np.asarray(jg.force(model, glass)) - r[f"force{k}_5"]).max()
    assert off < 1e-7 * np.abs(r[f"force{k}_5"]).max()
    pieces = jg.models.read_eam(DATA / "lopsided.eam.fs", interpolation="lammps")
    assert float(jg.energy(pieces, glass)) == pytest.approx(float(r[f"energy{k}_3"]), rel=1e-8)


def test_elements_may_come_in_another_order():
    r = reference("tables")
    here, there = at(r, r["position"]), at({**r, "kind": 1 - r["kind"]}, r["position"])
    path = DATA / "lopsided.eam.fs"
    swapped = jg.models.read_eam(path, elements=("Zr", "Cu"))
    same = float(jg.energy(jg.models.read_eam(path), here))
    assert float(jg.energy(swapped, there)) == pytest.approx(same, rel=1e-13)
    assert jg.models.read_eam(path, elements=("Zr",)).species == 1


def test_splines_go_through_their_values_and_straight_on():
    from scipy.interpolate import make_interp_spline

    values = np.sin(0.3 * np.arange(60.0)) + np.random.default_rng(0).normal(size=60)
    x = np.linspace(0, 59, 500)
    smooth = make_interp_spline(np.arange(60.0), values, k=5)
    found = splines.evaluate(splines.pieces(values[None], "quintic"), (0,), x)
    np.testing.assert_allclose(found, smooth(x), atol=1e-12)
    for kind in splines.KINDS:
        of = lambda x, kind=kind: splines.evaluate(splines.pieces(values[None], kind), (0,), x)
        np.testing.assert_allclose(of(jnp.arange(60.0)), values, atol=1e-12)
        last = [float(of(jnp.float64(59.0 + h))) for h in (0.0, 1.0, 3.0)]
        slope = float(jax.grad(lambda x, of=of: of(x))(jnp.float64(59.0 - 1e-9)))
        assert last[1] - last[0] == pytest.approx(slope, rel=1e-5)
        assert last[2] - last[0] == pytest.approx(3 * slope, rel=1e-5)


def test_files_that_are_no_tables_get_a_sentence(tmp_path):
    text = (DATA / "lopsided.eam.fs").read_text()

    def refused(content, match, **options):
        path = Path(tmp_path / "x.eam.fs")
        path.write_text(content)
        with pytest.raises(ValueError, match=match):
            jg.models.read_eam(path, **options)

    refused("a\nb\nc\nno table\n", "number of elements")
    refused(text[: len(text) // 2], "ends before it")
    refused(text, "other style", style="alloy")
    refused(text.replace("-2.71915823191e-10", "nonsense"), "found 'nonsense'")
    refused(text, "elements must be one of", elements=("Au",))
    refused(text, "interpolation must be", interpolation="linear")
    assert read_setfl(DATA / "lopsided.eam.fs", "fs").masses == (63.546, 91.224)


def test_what_cannot_serve_terms_says_so():
    r, model = reference("sw"), jg.models.get("sw")
    glass = at(r, r["position"])
    with pytest.raises(TypeError, match="must be a PairModel here, found sw"):
        jg.residual_plastic_strength(model, glass)
    with pytest.raises(TypeError, match="must be a PairModel here, found sw"):
        jg.swap_monte_carlo(jax.random.key(0), model, glass, temperature=1.0, sweeps=1)
    with pytest.raises(TypeError, match="triple must be a function, found 2"):
        jg.models.three_body(lambda r, p: r, 2, cutoff=1.0)
    with pytest.raises(TypeError, match="density must be a function, found None"):
        jg.models.embedded_atom(lambda r, p: r, None, lambda x, p: x, cutoff=1.0)
    with pytest.raises(TypeError, match="shape must be a function, found 'lj'"):
        jg.models.pair("lj", sigma=1.0, cutoff=2.5)
    with pytest.raises(ValueError, match="parameters must not contain 'kind'"):
        jg.models.three_body(lambda r, p: r, lambda r, s, p: 0.0, {"kind": 1.0}, cutoff=1.0)
    with pytest.raises(ValueError, match=r"cutoff must be a number or a \(2, 2\) table"):
        jg.models.three_body(
            lambda r, p: r, lambda r, s, p: 0.0, cutoff=jnp.ones((3, 3)), species=2
        )
    narrow = jg.glass(jnp.asarray(r["position"]) / 3, float(r["length"]) / 3, species=r["kind"])
    with pytest.raises(ValueError, match="box must be at least two cutoffs wide"):
        jg.energy(model, narrow)
