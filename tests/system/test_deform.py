"""Deformed glasses: flips, bounds for every strain, one program for quasistatic shear."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.minimise.quench import _quench
from jaxglass.neighbours import search
from jaxglass.system.box import box_of_cell, face_distance, fractional, shear_bound
from jaxglass.system.deform import flips

STRIP = (1.0, 100.0)
CELLS = {
    "square": np.eye(2) * 7.0,
    "strip": np.diag(STRIP),
    "strip across": np.diag(STRIP[::-1]),
    "brick": np.diag([3.0, 7.0, 5.0]),
    "four": np.diag([3.0, 4.0, 5.0, 4.0]),
    "triclinic": np.array([[4.0, 0.7, -0.9], [0.3, 3.5, 1.1], [0.0, 0.2, 3.8]]),
    "turned square": 5.0 * np.array([[0.8, -0.6], [0.6, 0.8]]),
    "quarter turn": 5.0 * np.array([[0.0, -1.0], [1.0, 0.0]]),
}
TRIANGULAR = [
    "square",
    "strip",
    "strip across",
    "brick",
    "four",
]  # their bounds hold for every strain


def shear(gamma, plane=(0, 1), dim=2):
    """1 + gamma E, which moves x_p with x_q."""
    return jnp.eye(dim).at[plane].add(gamma)


def two(cell):
    """Two particles in a box."""
    d = len(cell)
    return jg.glass(np.array([np.zeros(d), np.full(d, 0.4)]) @ cell.T, cell)


def coordinates(old, new):
    """Vectors of a new cell in units of an old one: integers, if both span one lattice."""
    return np.linalg.solve(np.asarray(old), np.asarray(new))


@pytest.fixture(scope="module")
def small():
    """An inherent structure of 64 particles."""
    model = jg.models.get("ipl2d")
    return model, jg.quench(model, jg.random_glass(jax.random.key(3), "ipl2d", 64)).glass


@pytest.mark.parametrize("gamma", [0.3, 1.0, -1.0, 10.0, -9.7])
@pytest.mark.parametrize("name", CELLS)
def test_a_flipped_cell_spans_the_same_lattice_and_no_face_comes_closer(name, gamma):
    cell = CELLS[name]
    for plane in itertools.permutations(range(len(cell)), 2):
        map = shear(gamma, plane, len(cell))
        affine, flipped = map @ cell, jg.deformed(two(cell), map).box.cell
        n = coordinates(affine, flipped)
        np.testing.assert_allclose(n, np.round(n), atol=1e-9)
        assert round(np.linalg.det(n)) == 1
        assert np.all(face_distance(flipped) >= face_distance(affine) * (1 - 1e-8))


@pytest.mark.parametrize("d", [2, 3, 4])
def test_flips_bring_no_faces_closer_in_any_cell(d):
    """Upper triangular ones with large tilts, where rounding alone would, and full ones."""
    cells = np.eye(d) + np.triu(np.random.default_rng(d).normal(size=(2000, d, d)), 1)
    full = np.random.default_rng(9).normal(size=(2000, d, d))
    for before in (cells, full):
        after = before @ jax.jit(jax.vmap(flips))(before)
        near, far = (np.asarray(jax.vmap(face_distance)(c)) for c in (before, after))
        assert np.all(far >= near * (1 - 1e-8)) and np.any(far > 2 * near)


def test_a_square_cell_flips_at_a_tilt_of_half_an_edge():
    tilt = lambda gamma: float(jg.deformed(two(CELLS["square"]), shear(gamma)).box.cell[0, 1]) / 7
    for gamma, expected in ((0.49, 0.49), (0.51, -0.49), (1.0, 0.0), (10.3, 0.3), (-3.6, 0.4)):
        assert tilt(gamma) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("name", ["turned square", "quarter turn", "triclinic"])
def test_the_cell_of_a_turned_lattice_stays_as_wide_as_any(name):
    """Against all cells whose reciprocal vectors have small coefficients."""
    cell = CELLS[name]
    d = len(cell)
    k = np.array([k for k in itertools.product(range(-3, 4), repeat=d) if any(k)])
    for gamma in (0.4, 0.8, 3.1, 9.3):
        flipped = np.asarray(jg.deformed(two(cell), shear(gamma, dim=d)).box.cell)
        lengths = np.linalg.norm(k @ np.linalg.inv(flipped), axis=1)
        basis = np.zeros((0, d))
        for row in k[np.argsort(lengths)]:
            if np.linalg.matrix_rank(np.vstack([basis, row])) > len(basis):
                basis = np.vstack([basis, row])
        best = 1 / np.linalg.norm(basis @ np.linalg.inv(flipped), axis=1).max()
        assert float(jnp.min(face_distance(flipped))) > 0.85 * best


def test_unwrapped_positions_do_not_change_at_a_flip():
    glass = two(CELLS["square"])
    before, after = (jg.deformed(glass, shear(g)) for g in (0.5 - 1e-12, 0.5 + 1e-12))
    assert abs(float(before.box.cell[0, 1] - after.box.cell[0, 1])) > 6.9
    np.testing.assert_allclose(before.position, after.position, atol=1e-10)


def test_wrapped_positions_lie_in_the_flipped_cell(small):
    _, glass = small
    moved = jg.deformed(glass, shear(0.8))
    inside = moved.box.wrap(moved.position)
    assert float(jnp.abs(inside - moved.position).max()) > 1
    s = fractional(moved.box, inside)
    assert float(s.min()) >= 0 and float(s.max()) < 1
    shift = coordinates(shear(0.8) @ glass.box.cell, (inside - moved.position).T)
    np.testing.assert_allclose(shift, np.round(shift), atol=1e-10)


def test_energies_forces_and_neighbours_are_the_same_before_and_after_a_flip(ipl):
    moved = jg.deformed(ipl.glass, shear(0.6))
    affine = moved.replace(box=box_of_cell(shear(0.6) @ ipl.glass.box.cell, False))
    assert float(jnp.abs(moved.box.cell - affine.box.cell).max()) > 1
    both = [jg.expand(ipl.model, g, capacity=1600) for g in (moved, affine)]
    pairs = [
        set(zip(*np.asarray([e.bonds.i, e.bonds.j])[:, e.bonds.valid], strict=True)) for e in both
    ]
    assert pairs[0] == pairs[1] and len(pairs[0]) > 1000
    assert float(jnp.sum(both[0].energy)) == pytest.approx(
        float(jnp.sum(both[1].energy)), rel=1e-12
    )
    forces = [jg.force(ipl.model, g) for g in (moved, affine)]
    np.testing.assert_allclose(*forces, atol=1e-11 * float(jnp.abs(forces[0]).max()))


def test_derivatives_through_a_flip(small):
    """The strain at which the cell flips is a point like any other."""
    model, glass = small
    energy = lambda gamma: jg.energy(model, jg.deformed(glass, shear(gamma)))
    slope = float(jax.grad(energy)(0.5))
    stress = jg.stress(jg.expand(model, jg.deformed(glass, shear(0.5))))[0, 1]
    volume = float(glass.box.volume)
    assert slope == pytest.approx(float(stress) * volume, rel=1e-9)
    assert float(jax.jvp(jax.grad(energy), (0.5,), (1.0,))[1]) == pytest.approx(
        float(
            jg.response.strain_curvature(jg.expand(model, jg.deformed(glass, shear(0.5))), (0, 1))
        ),
        rel=1e-9,
    )

    def error(h):
        return abs(float(energy(0.5 + h) - energy(0.5 - h)) / (2 * h) - slope)

    assert abs(np.log2(error(4e-4) / error(2e-4)) - 2) < 0.1


def test_jit_vmap_and_grad_agree_with_eager(small):
    model, glass = small
    gammas = jnp.array([0.0, 0.3, 0.7, 1.6, 10.2])
    energy = lambda gamma: jg.energy(model, jg.deformed(glass, shear(gamma)))
    eager = jnp.stack([energy(g) for g in gammas])
    np.testing.assert_allclose(jax.jit(jax.vmap(energy))(gammas), eager, rtol=1e-12)
    forward = jax.vmap(jax.jacfwd(energy))(gammas)
    np.testing.assert_allclose(jax.vmap(jax.grad(energy))(gammas), forward, rtol=1e-11)


@pytest.mark.parametrize("d", [2, 3])
def test_bounds_hold_for_every_simple_shear_and_in_triangular_cells_for_any_sequence(d):
    rng = np.random.default_rng(d)
    maps = lambda planes: jax.vmap(lambda g, p: jnp.eye(d).at[p[0], p[1]].add(g))(
        rng.uniform(-3, 3, len(planes)), jnp.asarray(planes)
    )
    compact = jax.jit(jax.vmap(lambda map, cell: (map @ cell) @ flips(map @ cell)))
    edges = 10 ** rng.uniform(-1, 1, (300, d))
    cells = jax.vmap(jnp.diag)(edges)
    bound = np.array([shear_bound(e) for e in edges])
    holds = lambda cells: np.all(jax.vmap(face_distance)(cells) >= bound * (1 - 1e-9))
    any_plane = [rng.choice(d, 2, replace=False) for _ in edges]
    assert holds(compact(maps(any_plane), cells))
    for _ in range(10):
        cells = compact(maps(np.sort(any_plane, axis=1)), cells)
        assert holds(cells)


def test_the_bound_is_reached():
    """A tilt of half an edge leaves no room below the bound, up to the two per cent of rounding."""
    box = jg.deformed(two(CELLS["square"]), shear(0.5)).box
    assert 1 <= float(face_distance(box.cell)[0]) / box.width[0] < 1.021


@pytest.mark.parametrize("name", TRIANGULAR)
def test_bounds_are_the_same_traced_and_eager(name):
    glass = two(CELLS[name])
    map = shear(0.3, dim=glass.dim)
    eager = jg.deformed(glass, map)
    assert not eager.box.orthogonal and len(eager.box.width) == glass.dim
    assert jax.tree.structure(jax.jit(jg.deformed)(glass, map)) == jax.tree.structure(eager)


@pytest.mark.parametrize("name", TRIANGULAR)
def test_a_concrete_loop_over_strains_keeps_its_bounds_and_a_file_too(name, tmp_path):
    start = jg.deformed(two(CELLS[name]), jnp.eye(len(CELLS[name])))
    for plane in itertools.permutations(range(start.dim), 2):
        end = start
        for _ in range(15):
            end = jg.deformed(end, shear(0.14, plane, start.dim))
            assert end.box.width == start.box.width
            assert end.box.least_volume == start.box.least_volume
    jg.save(tmp_path / "end.h5", end)
    assert jax.tree.structure(jg.load(tmp_path / "end.h5").glass) == jax.tree.structure(end)


def test_bounds_that_are_wrong_or_loose_are_made_anew_outside_tracing():
    start = jg.deformed(two(CELLS["brick"]), jnp.eye(3))
    for factor in (0.5, 2.0):
        changed = jg.deformed(start, factor * jnp.eye(3)).box
        ratio = np.array(changed.width) / np.array(start.box.width)
        np.testing.assert_allclose(ratio, factor, rtol=0.021)
        assert changed.least_volume / start.box.least_volume == pytest.approx(factor**3, rel=0.063)
    squeezed = jnp.diag(jnp.array([0.5, 2.0, 1.0]))
    assert jg.deformed(start, squeezed).box.width[0] < 0.6 * start.box.width[0]
    assert jax.jit(jg.deformed)(start, squeezed).box.width == start.box.width


def test_a_concrete_box_keeps_bounds_that_hold_and_are_not_loose():
    turned = jg.deformed(two(CELLS["turned square"]), jnp.eye(2))
    assert jg.deformed(turned, shear(0.02)).box.width == turned.box.width
    roomy = jg.deformed(two(CELLS["brick"]), jnp.eye(3), room=0.1)
    assert jg.deformed(roomy, 0.95 * jnp.eye(3)).box.width == roomy.box.width


def test_room_lowers_the_bounds():
    plain, roomy = (jg.deformed(two(CELLS["brick"]), jnp.eye(3), room=r).box for r in (0.0, 0.2))
    np.testing.assert_allclose(roomy.width, 0.8 * np.array(plain.width), rtol=1e-12)
    assert roomy.least_volume == pytest.approx(0.8**3 * plain.least_volume, rel=1e-12)


def test_a_squeeze_beyond_the_room_is_flagged_and_within_it_is_not(ipl):
    squeeze = jnp.diag(jnp.array([0.8, 1.22]))
    status = jax.jit(lambda g, map: jg.expand(ipl.model, jg.deformed(g, map)).status)
    tight, roomy = (jg.deformed(ipl.glass, jnp.eye(2), room=room) for room in (0.0, 0.2))
    assert search.plan(ipl.model, tight).listing.cells
    assert int(status(tight, squeeze)) == jg.Status.BOX_CHANGED
    assert int(status(roomy, squeeze)) == 0


def test_shear_asks_for_no_more_room_in_a_strip():
    """The volume, not the product of face distances, tells how many pairs there are."""
    glass = two(CELLS["strip across"] * 5)
    sheared = jg.deformed(glass, shear(3.0))
    assert np.prod(sheared.box.width) < 0.1 * float(glass.box.volume)
    assert sheared.box.least_volume > 0.96 * float(glass.box.volume)


def test_stacked_boxes_share_bounds_that_hold_for_all():
    """An orthogonal box beside a deformed one gets bounds for every shear too."""
    square, brick = two(np.diag([4.0, 5.0])), two(np.diag([5.0, 4.0]))
    both = jg.stack([square, brick]).box
    assert both.orthogonal and max(both.width) <= 4.0 and both.least_volume <= 20.0
    mixed = jg.stack([square, jg.deformed(brick, shear(0.2))]).box
    alone = [jg.deformed(g, jnp.eye(2)).box for g in (square, brick)]
    assert not mixed.orthogonal
    assert mixed.width == tuple(map(min, *(b.width for b in alone)))
    assert mixed.least_volume == min(b.least_volume for b in alone)


@pytest.mark.parametrize(
    "sentence,kind,call",
    [
        ("gradient must have shape", ValueError, lambda g: jg.deformed(g, jnp.eye(3))),
        (
            "gradient must have a positive determinant",
            ValueError,
            lambda g: jg.deformed(g, -jnp.eye(2) + 2 * jnp.diag(jnp.array([1.0, 0.0]))),
        ),
        ("gradient must be finite", ValueError, lambda g: jg.deformed(g, jnp.nan * jnp.eye(2))),
        (
            "room must be a number from 0",
            ValueError,
            lambda g: jg.deformed(g, jnp.eye(2), room=1.0),
        ),
        ("glass must be a Glass", TypeError, lambda g: jg.deformed(g.box, jnp.eye(2))),
        (
            "use jax.vmap for a stack",
            ValueError,
            lambda g: jg.deformed(jg.stack([g, g]), jnp.eye(2)),
        ),
    ],
)
def test_bad_input_gets_a_sentence(sentence, kind, call):
    with pytest.raises(kind, match=sentence):
        call(two(CELLS["square"]))


STEPS, STEP = 60, 0.02


@pytest.fixture(scope="module")
def quasistatic(small):
    """60 steps of 0.02 to a strain of 1.2 as one program, and how often a step was traced."""
    model, glass = small
    traces = []

    def step(glass, _):
        traces.append(1)
        q = jg.quench(model, jg.deformed(glass, shear(STEP)))
        return q.glass, (jg.energy(model, q.glass), q.status)

    start = jg.deformed(glass, jnp.eye(2))
    end, (energies, status) = jax.jit(lambda g: jax.lax.scan(step, g, length=STEPS))(start)
    return start, end, energies, status, len(traces)


def test_shear_to_more_than_one_is_one_program(small, quasistatic):
    model, _ = small
    start, end, energies, status, traces = quasistatic
    assert traces == 1 and not np.any(status)
    assert jax.tree.structure(end) == jax.tree.structure(start)
    assert np.ptp(energies) > 0.1
    tilt = float(end.box.cell[0, 1] / end.box.cell[0, 0])
    assert tilt == pytest.approx(STEPS * STEP - 1, abs=1e-12)
    anew = jg.glass(end.position, end.box.cell, species=end.species)
    for made in (anew, end):
        assert float(jnp.abs(jg.force(model, made)).max()) < 1e-10
    np.testing.assert_allclose(jg.force(model, anew), jg.force(model, end), atol=1e-11)


def test_an_eager_loop_gives_the_same_energies_and_compiles_once(small, quasistatic):
    model, _ = small
    glass, _, energies, _, _ = quasistatic
    before, found = _quench._cache_size(), []
    for _ in range(STEPS):
        glass = jg.quench(model, jg.deformed(glass, shear(STEP))).glass
        found.append(float(jg.energy(model, glass)))
    assert _quench._cache_size() == before + 1
    np.testing.assert_allclose(found, energies, rtol=1e-9)
