"""Files: round trips, foreign and broken files, and what a kill leaves behind."""

import dataclasses
import warnings
from pathlib import Path

import h5py
import jax
import numpy as np
import pytest

import jaxglass as jg
from jaxglass.core.struct import STRUCTS, Struct, static

DATA = Path(__file__).parent / "data"
KEY = jax.random.key(0)


def same(a, b):
    return jax.tree.structure(a) == jax.tree.structure(b) and all(
        map(np.array_equal, jax.tree.leaves(a), jax.tree.leaves(b))
    )


def test_a_glass_comes_back_bit_for_bit(case, tmp_path):
    path = tmp_path / "g.h5"
    protocol = jg.protocols.annealed(case.name.split("_")[0])
    jg.save(
        path,
        case.glass,
        model=case.model,
        results={"expansion": case.expansion},
        protocol=protocol,
        key=jax.random.key(3),
        notes="x",
    )
    stored = jg.load(path)
    assert same(stored.glass, case.glass) and same(stored.model, case.model)
    assert same(stored.results["expansion"], case.expansion)
    assert stored.provenance["protocol"]["stages"][1]["time"] == protocol.stages[1].time
    assert stored.provenance["versions"]["jax"] == jax.__version__
    assert stored.provenance["key"] == [0, 3]


def test_an_ensemble_comes_back(eight, tmp_path):
    _, quenched, _ = eight
    path = tmp_path / "e.h5"
    jg.save(path, quenched.glass, results={"quench": quenched, "numbers": {"a": np.arange(3)}})
    stored = jg.load(path)
    assert same(stored.glass, quenched.glass)
    assert same(stored.results["quench"], quenched)
    np.testing.assert_array_equal(stored.results["numbers"]["a"], np.arange(3))


def test_particles_follow_h5md(ipl, tmp_path):
    jg.save(tmp_path / "g.h5", ipl.glass)
    with h5py.File(tmp_path / "g.h5") as file:
        assert list(file["h5md"].attrs["version"]) == [1, 1]
        np.testing.assert_array_equal(file["particles/all/position/value"], ipl.glass.position)
        np.testing.assert_allclose(file["particles/all/box/edges"], np.eye(2) * ipl.length)


def own(x, p):
    return p["height"] * x**-8


def users(height=2.0, shape=own, name="own", **options):
    options = {"sigma": [[1.0, 1.1], [1.1, 1.2]], "cutoff": 1.4, **options}
    return jg.models.pair(shape, {"height": height}, name=name, **options)


def test_a_users_own_model_is_missed_with_a_word_and_filled_where_it_is_given(ipl, tmp_path):
    path = tmp_path / "g.h5"
    jg.save(path, ipl.glass, model=users(2.5, epsilon=3.0))
    with pytest.warns(UserWarning, match=f"{path} holds the model 'own' with a function of the"):
        stored = jg.load(path)
    kept = stored.provenance["model"]
    assert stored.model is None and kept["name"] == "own"
    assert kept["numbers"]["height"] == 2.5 and kept["numbers"]["epsilon"] == [[3.0, 3.0]] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(jg.load(path, model=users(1.0)).model, users(2.5, epsilon=3.0))
    with pytest.warns(
        UserWarning, match="model is not as .*g.h5 has it: shape.shape.function is '.*test_files"
    ):
        other = jg.load(path, model=users(1.0, shape=lambda x, p: p["height"] * x**-9)).model
    assert float(other.parameters["height"]) == 2.5


def test_a_model_that_is_not_the_files_is_refused(ipl, tmp_path):
    path = tmp_path / "g.h5"
    jg.save(path, ipl.glass, model=users())
    for wrong, sentence in (
        (users(name="other"), "its name is 'own' there, 'other' here"),
        (users(sigma=1.0), r"sigma is '\(2, 2\)' there, '\(1, 1\)' here"),
        (jg.models.pair(own, {"depth": 1.0}, sigma=1.0, cutoff=1.4), "parameters"),
    ):
        with pytest.raises(ValueError, match=f"model must be that of {path}: .*{sentence}"):
            jg.load(path, model=wrong)
    with pytest.raises(TypeError, match="model must be a model, as pair makes it, found function"):
        jg.load(path, model=own)
    jg.save(path, ipl.glass)
    with pytest.raises(ValueError, match="g.h5 holds no model"):
        jg.load(path, model=users())


def hertz(x, p):
    return x**-6


def test_a_users_own_model_is_not_taken_for_a_built_in_one_of_its_name(ipl, tmp_path):
    model = jg.models.pair(hertz, {}, sigma=[[1.0, 1.1], [1.1, 1.2]], cutoff=1.4)
    jg.save(tmp_path / "g.h5", ipl.glass, model=model)
    with pytest.warns(UserWarning, match="holds the model 'hertz'"):
        assert jg.load(tmp_path / "g.h5").model is None


class Box(Struct):
    """A second struct of this name."""

    cell: object
    label: str = static("mine")


def test_structs_of_one_name_do_not_shadow_each_other(ipl, tmp_path):
    both = {"theirs": ipl.glass.box, "mine": Box(np.arange(3.0), "another")}
    jg.save(tmp_path / "g.h5", results=both)
    found = jg.load(tmp_path / "g.h5").results
    assert same(found["theirs"], ipl.glass.box) and same(found["mine"], both["mine"])


def test_structs_that_are_not_what_they_were_come_back_as_dicts(tmp_path, monkeypatch):
    jg.save(tmp_path / "g.h5", results={"mine": Box(np.arange(3.0), "another")})
    monkeypatch.setitem(STRUCTS, f"{__name__}:Box", type(jg.random_glass(KEY, "ipl2d", 16)))
    assert jg.load(tmp_path / "g.h5").results["mine"]["label"] == "another"
    monkeypatch.delitem(STRUCTS, f"{__name__}:Box")
    assert jg.load(tmp_path / "g.h5").results["mine"]["cell"].tolist() == [0, 1, 2]


def test_files_of_format_1_still_load():
    stored = jg.load(DATA / "version_1.h5")
    known = jg.models.get("lj2d")
    assert stored.model.reach == pytest.approx(known.reach, rel=1e-15)
    assert same(stored.model.replace(reach=known.reach), known)
    assert stored.glass.species.tolist() == [0, 1, 0, 1]
    np.testing.assert_array_equal(stored.glass.box.cell, [[8.0, 1.0], [0.0, 9.0]])
    # A box had fewer fields then: it comes back as a dict.
    np.testing.assert_array_equal(stored.results["box"]["cell"], stored.glass.box.cell)
    assert stored.provenance["key"] == [0, 3]
    path = DATA / "version_1_own.h5"
    with pytest.warns(UserWarning, match="holds the model 'own'"):
        assert jg.load(path).model is None
    mine = jg.models.pair(own, {"a": 1.0}, sigma=[[2.0, 1.1], [1.1, 1.2]], cutoff=1.4)
    with pytest.warns(UserWarning, match='shape.function is "a function of the user\'s own" there'):
        model = jg.load(path, model=mine).model
    assert float(model.parameters["a"]) == 2.0 and float(model.sigma[0, 0]) == 1.0


def test_single_precision_is_refused_with_a_sentence(ipl, tmp_path):
    jg.save(tmp_path / "g.h5", ipl.glass)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(TypeError, match="g.h5 must be float64, but JAX is in 32-bit mode"):
            jg.load(tmp_path / "g.h5")
    finally:
        jax.config.update("jax_enable_x64", True)


def damages(whole, count=100, width=1, seed=0):
    """Copies with a random bit changed, or some bytes set to zero."""
    random = np.random.default_rng(seed)
    while count:
        broken, at = bytearray(whole), random.integers(len(whole) - width + 1)
        mask = 1 << int(random.integers(8))
        broken[at : at + width] = bytes(width) if width > 1 else [broken[at] ^ mask]
        if bytes(broken) != whole:
            count -= 1
            yield bytes(broken)


@pytest.mark.parametrize("width", [1, 64])
def test_changed_bytes_of_hdf5_are_always_seen(poly, tmp_path, width):
    path = tmp_path / "g.h5"
    jg.save(path, poly.glass, model=poly.model, results={"e": poly.expansion}, notes="x")
    for broken in damages(path.read_bytes(), width=width):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=f"{path} is .*damaged"):
            jg.load(path)


def test_every_dataset_has_a_checksum_for_other_readers(ipl, tmp_path):
    jg.save(tmp_path / "g.h5", ipl.glass, model=ipl.model, results={"e": ipl.expansion})
    found = {}
    with h5py.File(tmp_path / "g.h5") as file:
        keep = lambda name, item: (
            found.update({name: item}) if hasattr(item, "fletcher32") else None
        )
        file.visititems(keep)
        assert len(found) > 10
        assert all(item.fletcher32 for item in found.values() if item.ndim * item.size)


def test_named_tuples_keep_their_names(ipl, tmp_path):
    jg.save(
        tmp_path / "g.h5",
        ipl.glass,
        results={"tail": jg.analysis.tail_exponent(np.arange(1.0, 50.0), 2.0)},
    )
    assert set(jg.load(tmp_path / "g.h5").results["tail"]) >= {"low", "high"}


def test_broken_files_get_a_sentence(ipl, tmp_path):
    path = tmp_path / "g.h5"
    jg.save(path, ipl.glass)
    whole = path.read_bytes()
    for cut in (whole[: len(whole) // 2], whole + b"x"):
        path.write_bytes(cut)
        with pytest.raises(ValueError, match=f"{path} is damaged, truncated, or was changed"):
            jg.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=f"{path} is not an HDF5 file of jaxglass"):
        jg.load(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(
        ValueError, match=f"{path} is an HDF5 file, but not one that jaxglass wrote"
    ):
        jg.load(path)
    with h5py.File(path, "a") as file:
        file.attrs.update(format="jaxglass", format_version=99)
    with pytest.raises(ValueError, match="format version 99, this jaxglass reads up to 2"):
        jg.load(path)
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        file["another"] = 1
    with pytest.raises(ValueError, match="was changed by another program"):
        jg.load(path)
    with pytest.raises(FileNotFoundError):
        jg.load(tmp_path / "none.h5")


def test_damaged_files_of_format_1_get_a_sentence(tmp_path):
    path = tmp_path / "g.h5"
    whole = (DATA / "version_1.h5").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=f"{path} is no readable HDF5 file, it may be truncated"):
        jg.load(path)
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        del file["particles/all/position"]
    with pytest.raises(ValueError, match=f"{path} is damaged or incomplete"):
        jg.load(path)


def test_a_failed_save_leaves_the_old_file(ipl, tmp_path):
    path = tmp_path / "g.h5"
    jg.save(path, ipl.glass)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        jg.save(path, ipl.glass, results={"bad": object()})
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["g.h5"]
    with pytest.raises(TypeError, match="glass must be a Glass"):
        jg.save(path, ipl.expansion)


@pytest.mark.parametrize("cell", [12.0, [[12.0, 3.0], [0.0, 11.0]]])
def test_xyz_round_trip(tmp_path, cell):
    x = np.random.default_rng(0).random((30, 2)) * 11
    for kind in ({"species": np.arange(30) % 2}, {"diameter": 1 + np.arange(30) / 30}):
        glass = jg.glass(x, cell, **kind)
        jg.io.write_xyz(tmp_path / "g.xyz", glass, fields={"z": x})
        assert same(jg.io.read_xyz(tmp_path / "g.xyz", dim=2).position, glass.position)
        assert same(jg.io.read_xyz(tmp_path / "g.xyz", dim=2).box.cell, glass.box.cell)


def test_xyz_of_a_solid(tmp_path):
    glass = jg.random_glass(jax.random.key(0), "kalj", 50)
    jg.io.write_xyz(tmp_path / "g.xyz", glass)
    assert same(dataclasses.astuple(jg.io.read_xyz(tmp_path / "g.xyz"))[0], glass.position)


def test_xyz_is_written_whole(tmp_path):
    path = tmp_path / "g.xyz"
    glass = jg.glass(np.eye(2), 9.0)
    jg.io.write_xyz(path, glass)
    before = path.read_bytes()
    with pytest.raises(UnicodeEncodeError):
        jg.io.write_xyz(path, glass, fields={"\ud800": np.ones(2)})
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["g.xyz"]


def test_frames_of_xyz(tmp_path):
    path, parts = tmp_path / "g.xyz", []
    for k in range(3):
        jg.io.write_xyz(path, jg.glass(np.arange(2.0 * k + 2).reshape(-1, 2), 20.0))
        parts.append(path.read_text())
    path.write_text("".join(parts) + "\n\n")
    read = lambda frame: jg.io.read_xyz(path, dim=2, frame=frame).count
    assert [read(frame) for frame in (0, 1, 2, -1)] == [1, 2, 3, 3]
    with pytest.raises(ValueError, match="frame must be below 3, the number of frames in"):
        read(3)
    with pytest.raises(ValueError, match="frame must be an integer of at least 0"):
        read(-2)


CUBE = 'Lattice="9 0 0 0 9 0 0 0 9"'
TYPED = "Properties=type:I:1:pos:R:3"
BROKEN_XYZ = {
    "line 3: the file is truncated: it promises 3 particles and holds 1": (
        f"3\n{CUBE} Properties=species:S:1:pos:R:3\nA 1 2 3\n"
    ),
    "line 1: the file is truncated: it promises 7 particles and ends here": "7\n",
    "line 2: there is no Lattice": "1\ncomment\nA 1 2 3\n",
    "line 3: expected an integer below 2.31 as type, found '1.5'": (
        f"1\n{CUBE} {TYPED}\n1.5 1 2 3\n"
    ),
    "line 4: expected a finite number as pos, found 'x'": f"2\n{CUBE} {TYPED}\n1 1 2 3\n1 1 x 3\n",
    "line 3: expected an integer below 2.31 as type, found '3000000000'": (
        f"1\n{CUBE} {TYPED}\n3000000000 1 2 3\n"
    ),
    "line 1: what begins here is no glass: position must": f"0\n{CUBE} {TYPED}\n",
    "line 4: expected a finite number as pos, found 'nan'": (
        f"2\n{CUBE} {TYPED}\n1 1 2 3\n1 1 nan 3\n"
    ),
    "line 4: expected 4 columns, found 3": f"2\n{CUBE} {TYPED}\n1 1 2 3\n1 1 3\n",
    "line 2: expected nine numbers as the Lattice": (
        f'1\nLattice="9 0 0 0 9 0" {TYPED}\n1 1 2 3\n'
    ),
    "line 2: expected a finite number as a number of the Lattice, found '9z'": (
        f"1\n{CUBE.replace('9', '9z', 1)} {TYPED}\n1 1 2 3\n"
    ),
    "line 2: expected Properties that are triples": (
        f"1\n{CUBE} Properties=type:I:1:pos\n1 1 2 3\n"
    ),
    "line 2: expected a column pos of 3 numbers": (
        f"1\n{CUBE} Properties=type:I:1:pos:R:2\n1 1 2 3\n"
    ),
    "line 1: this is not extended XYZ": "hello\n",
    "line 4: this is not extended XYZ": f"1\n{CUBE} {TYPED}\n1 1 2 3\nhello\n",
    "line 1: what begins here is no glass: species must not be negative": (
        f"1\n{CUBE} {TYPED}\n-1 1 2 3\n"
    ),
}


@pytest.mark.parametrize("sentence", BROKEN_XYZ)
def test_broken_xyz_gets_a_sentence(tmp_path, sentence):
    path = tmp_path / "a.xyz"
    path.write_text(BROKEN_XYZ[sentence])
    with pytest.raises(ValueError, match=f"{path}, {sentence}"):
        jg.io.read_xyz(path, frame=-1)


LAMMPS_DATA = """# a small one

3 atoms
2 atom types

0 6.0 xlo xhi
-1.0 4.0 ylo yhi
0 7.0 zlo zhi
0.5 0.0 0.0 xy xz yz

Masses

1 1.0
2 1.0

Atoms # atomic

2 1 1.0 1.0 1.0
1 2 2.0 2.0 2.0
3 1 3.0 0.0 6.5
"""
LAMMPS_DUMP = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp pp
0.0 6.5 0.5
-1.0 4.0 0.0
0.0 7.0 0.0
ITEM: ATOMS id type xs ys zs
2 1 0.5 0.5 0.5
1 2 0.25 0.5 0.0
"""


def test_lammps_data(tmp_path):
    path = tmp_path / "d"
    path.write_text(LAMMPS_DATA)
    glass = jg.io.read_lammps_data(path)
    np.testing.assert_allclose(glass.box.cell, [[6.0, 0.5, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]])
    np.testing.assert_array_equal(glass.species, [1, 0, 0])
    np.testing.assert_allclose(glass.position[0], [2.0, 3.0, 2.0])
    path.write_text(LAMMPS_DATA.replace("3 atoms", "4 atoms"))
    with pytest.raises(ValueError, match="promises 4 atoms and holds 3"):
        jg.io.read_lammps_data(path)
    path.write_text(
        LAMMPS_DATA.replace("# atomic", "").replace("2 1 1.0 1.0 1.0", "2 1 1 0.0 1.0 1.0 1.0")
    )
    with pytest.raises(ValueError, match="line 18: expected 5 columns .*, found 7"):
        jg.io.read_lammps_data(path)
    path.write_text("nothing")
    with pytest.raises(ValueError, match="not a LAMMPS data file"):
        jg.io.read_lammps_data(path)


def test_lammps_dump(tmp_path):
    path = tmp_path / "d"
    path.write_text(LAMMPS_DUMP + LAMMPS_DUMP.replace("0.25", "0.75"))
    glass = jg.io.read_lammps_dump(path)
    np.testing.assert_allclose(glass.box.cell, [[6.0, 0.5, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]])
    np.testing.assert_allclose(glass.position[0], [0.25 * 6 + 0.25, 2.5, 0.0])
    np.testing.assert_array_equal(glass.species, [1, 0])
    assert float(jg.io.read_lammps_dump(path, frame=-1).position[0, 0]) == pytest.approx(4.75)
    with pytest.raises(ValueError, match="frame must be below 2"):
        jg.io.read_lammps_dump(path, frame=5)
    path.write_text(LAMMPS_DUMP.replace("pp pp pp", "pp pp fs"))
    assert (
        jg.io.read_lammps_dump(path, dim=2).dim == 2
    )  # a film that is not periodic along z, which is dropped
    path.write_text(LAMMPS_DUMP.replace("pp pp pp", "pp ff pp"))
    for dim in (2, 3):
        with pytest.raises(ValueError, match="not periodic"):
            jg.io.read_lammps_dump(path, dim=dim)
    path.write_text(LAMMPS_DUMP[:-20])
    with pytest.raises(ValueError, match="truncated"):
        jg.io.read_lammps_dump(path)


def test_errors_of_lammps_files_name_the_line(tmp_path):
    path = tmp_path / "d"
    for text, read, sentence in (
        (LAMMPS_DATA.replace("2.0 2.0 2.0", "2.0 2.y 2.0"), jg.io.read_lammps_data,
         "line 19: expected a finite number as y, found '2.y'"),
        (LAMMPS_DATA.replace("-1.0 4.0", "-1.0 4,0"), jg.io.read_lammps_data,
         "line 7: expected a finite number as a bound of the box, found '4,0'"),
        (LAMMPS_DATA.replace("3 1 3.0", "3 1.5 3.0"), jg.io.read_lammps_data,
         "line 20: expected an integer below 2.31 as type, found '1.5'"),
        (LAMMPS_DUMP.replace("0.25", "0.2?"), jg.io.read_lammps_dump,
         "line 11: expected a finite number as xs, found '0.2"),
        (LAMMPS_DUMP.replace("6.5 0.5", "6.5 0.5.1"), jg.io.read_lammps_dump,
         "line 6: expected a finite number as a bound of the box, found '0.5.1'"),
        (LAMMPS_DUMP.replace("\n2\n", "\ntwo\n"), jg.io.read_lammps_dump,
         "line 4: expected an integer below 2.31 as the number of atoms, found 'two'"),
        (LAMMPS_DUMP.replace("0.5 0.5 0.5", "0.5 \x0c\t0.5"), jg.io.read_lammps_dump,
         "line 10: expected 5 columns, found 4"),
        (LAMMPS_DUMP.replace("xs ys zs", "x ys zs"), jg.io.read_lammps_dump,
         "line 9: expected columns x y z"),
    ):  # fmt: skip
        path.write_text(text)
        with pytest.raises(ValueError, match=f"{path}, {sentence}"):
            read(path)
    path.write_bytes(LAMMPS_DUMP.encode().replace(b"0.25", b"0.\xff5"))
    with pytest.raises(ValueError, match=f"{path}, line 11: expected text, found the byte 0xff"):
        jg.io.read_lammps_dump(path)


def text_of(kind, path):
    """A text file of 40 particles and its reader."""
    glass = jg.random_glass(KEY, "ipl3d", 40)
    if kind == "xyz":
        jg.io.write_xyz(path, glass)
        return path.read_bytes(), jg.io.read_xyz
    place = "\n".join(
        f"{k + 1} 1 {x:.6f} {y:.6f} {z:.6f}" for k, (x, y, z) in enumerate(glass.position)
    )
    edge = float(glass.box.cell[0, 0])
    if kind == "data":
        bounds = "".join(f"0 {edge} {axis}lo {axis}hi\n" for axis in "xyz")
        return (
            f"#\n\n40 atoms\n1 atom types\n\n{bounds}\nAtoms\n\n{place}\n".encode(),
            jg.io.read_lammps_data,
        )
    bounds = f"0 {edge}\n" * 3
    head = f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n40\nITEM: BOX BOUNDS pp pp pp\n{bounds}"
    return f"{head}ITEM: ATOMS id type x y z\n{place}\n".encode(), jg.io.read_lammps_dump


@pytest.mark.parametrize("kind", ["xyz", "data", "dump"])
@pytest.mark.parametrize("letters", [range(32, 127), range(256)], ids=["printable", "any"])
def test_damaged_text_loads_or_says_which_file(kind, letters, tmp_path):
    """One to four bytes of a file replaced by random ones, half of the time in its first lines."""
    path, random = tmp_path / "a.file", np.random.default_rng(7)
    whole, read = text_of(kind, path)
    path.write_bytes(whole)
    assert read(path).count == 40
    failed = 0
    for k in range(100):
        broken = bytearray(whole)
        for at in random.integers(len(whole) if k % 2 else 200, size=random.integers(1, 5)):
            broken[at] = random.choice(letters)
        path.write_bytes(broken)
        try:
            read(path)
        except ValueError as error:
            failed += 1
            assert str(path) in str(error)
    assert 30 < failed < 100
