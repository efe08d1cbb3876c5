"""Trajectories of other programs come back as they were, unwrapped."""

import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def walk(small):
    """Seven frames of a glass whose particles cross the box, and the same wrapped."""
    _, glass, _ = small
    steps = 0.5 + 0.2 * np.random.default_rng(0).normal(size=(6, 64, 2))
    x = np.concatenate([np.zeros((1, 64, 2)), np.cumsum(steps, axis=0)])
    x = np.asarray(glass.box.wrap(glass.position)) + 2 * x
    return glass, x, np.asarray(glass.box.wrap(x))


def displacements(x):
    return np.asarray(x) - np.asarray(x)[0]


def written_xyz(path, glass, frames, time=True):
    text = ""
    for k, x in enumerate(frames):
        jg.io.write_xyz(path, glass.replace(position=x))
        lines = path.read_text().split("\n")
        lines[1] += f" Time={0.25 * k}" if time else ""
        text += "\n".join(lines)
    path.write_text(text)


@pytest.mark.parametrize("wrapped", [True, False])
def test_extended_xyz(walk, tmp_path, wrapped):
    glass, x, inside = walk
    path = tmp_path / "run.xyz"
    written_xyz(path, glass, inside if wrapped else x)
    run = jg.io.read_frames(path, dim=2)
    np.testing.assert_allclose(displacements(run.position), displacements(x), atol=1e-9)
    np.testing.assert_allclose(run.time, 0.25 * np.arange(7))
    np.testing.assert_array_equal(run.glass.species, glass.species)
    written_xyz(path, glass, inside, time=False)
    assert jg.io.read_frames(path, dim=2, dt=0.5).time[2] == 1.0
    still = jg.io.read_frames(path, dim=2, unwrap=False)
    np.testing.assert_allclose(still.position, inside, atol=1e-9)


def dump(glass, frames, columns, row):
    (lx, ly) = np.diagonal(np.asarray(glass.box.cell))
    text = ""
    for k, x in enumerate(frames):
        text += f"ITEM: TIMESTEP\n{100 * k}\nITEM: NUMBER OF ATOMS\n64\n"
        text += f"ITEM: BOX BOUNDS pp pp pp\n0 {float(lx)!r}\n0 {float(ly)!r}\n-0.5 0.5\n"
        text += f"ITEM: ATOMS id type {columns}\n"
        order = np.random.default_rng(k).permutation(64)  # as LAMMPS writes them
        for j in order:
            text += f"{j + 1} {int(glass.species[j]) + 1} {row(k, x[j], (lx, ly))}\n"
    return text


def test_lammps_dumps_wrapped_unwrapped_and_with_image_flags(walk, tmp_path):
    glass, x, inside = walk
    path = tmp_path / "run.lammpstrj"
    plain = lambda k, x, edges: f"{x[0]!r} {x[1]!r} 0"
    flags = lambda k, x, edges: " ".join(
        f"{float(v % edge)!r} {int(v // edge)}" for v, edge in zip(x, edges, strict=True)
    )
    for columns, frames, row in (
        ("x y z", inside, plain),
        ("xu yu zu", x, plain),
        ("x ix y iy", x, flags),
    ):
        path.write_text(dump(glass, frames.astype(object), columns, row).replace("np.float64", ""))
        path.write_text(path.read_text().replace("(", "").replace(")", ""))
        run = jg.io.read_frames(path, dim=2, dt=0.005)
        np.testing.assert_allclose(displacements(run.position), displacements(x), atol=1e-9)
        assert float(run.time[2]) == pytest.approx(1.0)


def test_gsd(walk, tmp_path):
    hoomd = pytest.importorskip("gsd.hoomd")
    glass, x, inside = walk
    edges = np.diagonal(np.asarray(glass.box.cell))
    path = tmp_path / "run.gsd"
    with hoomd.open(str(path), "w") as file:
        for k in range(7):
            frame = hoomd.Frame()
            frame.configuration.step = 10 * k
            frame.configuration.box = [*edges, 0, 0, 0, 0]
            frame.configuration.dimensions = 2
            frame.particles.N = 64
            frame.particles.types = ["A", "B"]
            frame.particles.typeid = np.asarray(glass.species)
            place = np.zeros((64, 3))
            place[:, :2] = inside[k] - edges / 2
            frame.particles.position = place
            file.append(frame)
    run = jg.io.read_frames(path, dim=2, dt=0.1)
    np.testing.assert_allclose(displacements(run.position), displacements(x), atol=1e-5)
    np.testing.assert_allclose(run.position[0], inside[0], atol=1e-5)  # single precision
    assert float(run.time[3]) == pytest.approx(3.0)


def test_what_is_no_trajectory_is_refused(walk, tmp_path):
    glass, x, inside = walk
    path = tmp_path / "run.xyz"
    written_xyz(path, glass, inside)
    text = path.read_text()
    for broken, match in (
        (text.replace("Time=0.5", "Time=soon"), "expected a finite number as the time"),
        (text[: len(text) // 2], "line"),
        ("hello\n", "this is not extended XYZ"),
    ):
        path.write_text(broken)
        with pytest.raises(ValueError, match=match):
            jg.io.read_frames(path, dim=2)
    written_xyz(path, glass, inside[:1])
    other = tmp_path / "other.xyz"
    written_xyz(other, glass.replace(box=jg.box(2 * np.diagonal(glass.box.cell))), inside[:1])
    path.write_text(path.read_text() + other.read_text())
    with pytest.raises(ValueError, match="must be of one box throughout: that of frame 1"):
        jg.io.read_frames(path, dim=2)
    written_xyz(path, glass, inside[:1])
    written_xyz(other, glass.replace(species=glass.species[::-1] * 0), inside[:1])
    path.write_text(path.read_text() + other.read_text())
    with pytest.raises(ValueError, match="same particles throughout: frame 1"):
        jg.io.read_frames(path, dim=2)
    with pytest.raises(ValueError, match="format must be given"):
        jg.io.read_frames(tmp_path / "run.txt")
    with pytest.raises(ValueError, match="format must be one of"):
        jg.io.read_frames(path, format="pdb")
