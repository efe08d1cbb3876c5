"""Files: round trips, foreign and broken files, and what a kill leaves behind."""

import dataclasses

import h5py
import jax
import numpy as np
import pytest

import jaxglass as jg


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
    return x**-8


def test_a_users_own_model_leaves_its_parameters(ipl, tmp_path):
    model = jg.models.pair(own, {"a": 2.0}, sigma=[[1.0, 1.1], [1.1, 1.2]], cutoff=1.4)
    jg.save(tmp_path / "g.h5", ipl.glass, model=model)
    stored = jg.load(tmp_path / "g.h5")
    kept = stored.provenance["model"]
    assert stored.model is None and kept["name"] == "own"
    assert kept["numbers"]["a"] == 2.0 and kept["numbers"]["sigma"] == [[1.0, 1.1], [1.1, 1.2]]


def hertz(x, p):
    return x**-6


def test_a_users_own_model_is_not_taken_for_a_built_in_one_of_its_name(ipl, tmp_path):
    model = jg.models.pair(hertz, {}, sigma=[[1.0, 1.1], [1.1, 1.2]], cutoff=1.4)
    jg.save(tmp_path / "g.h5", ipl.glass, model=model)
    assert jg.load(tmp_path / "g.h5").model is None


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
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="not a readable HDF5 file, it may be truncated"):
        jg.load(path)
    with h5py.File(path, "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match="not one that jaxglass wrote"):
        jg.load(path)
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        file.attrs["format_version"] = 99
    with pytest.raises(ValueError, match="format version 99, this jaxglass reads up to 1"):
        jg.load(path)
    path.write_bytes(whole)
    with h5py.File(path, "a") as file:
        del file["particles/all/position"]
    with pytest.raises(ValueError, match="damaged or incomplete"):
        jg.load(path)
    with pytest.raises(FileNotFoundError):
        jg.load(tmp_path / "none.h5")


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


CUBE = 'Lattice="9 0 0 0 9 0 0 0 9"'
BROKEN_XYZ = {
    "truncated: frame 0 promises 3 particles and holds 1": f"3\n{CUBE} Properties=species:S:1:pos:R:3\nA 1 2 3\n",
    "no Lattice": "1\ncomment\nA 1 2 3\n",
    "types that are not integers, found 1.5": f"1\n{CUBE} Properties=type:I:1:pos:R:3\n1.5 1 2 3\n",
    "nine numbers as its Lattice": '1\nLattice="9 0 0 0 9 0" Properties=type:I:1:pos:R:3\n1 1 2 3\n',
    "triples": f"1\n{CUBE} Properties=type:I:1:pos\n1 1 2 3\n",
    "not extended XYZ": "hello\n",
}


@pytest.mark.parametrize("sentence", BROKEN_XYZ)
def test_broken_xyz_gets_a_sentence(tmp_path, sentence):
    (tmp_path / "a.xyz").write_text(BROKEN_XYZ[sentence])
    with pytest.raises(ValueError, match=sentence):
        jg.io.read_xyz(tmp_path / "a.xyz")


DATA = """# a small one

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
DUMP = """ITEM: TIMESTEP
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
    path.write_text(DATA)
    glass = jg.io.read_lammps_data(path)
    np.testing.assert_allclose(glass.box.cell, [[6.0, 0.5, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]])
    np.testing.assert_array_equal(glass.species, [1, 0, 0])
    np.testing.assert_allclose(glass.position[0], [2.0, 3.0, 2.0])
    path.write_text(DATA.replace("3 atoms", "4 atoms"))
    with pytest.raises(ValueError, match="promises 4 atoms and holds 3"):
        jg.io.read_lammps_data(path)
    path.write_text(
        DATA.replace("# atomic", "").replace("2 1 1.0 1.0 1.0", "2 1 1 0.0 1.0 1.0 1.0")
    )
    with pytest.raises(
        ValueError, match="has 7 columns in its section Atoms, expected 5 of style 'atomic'"
    ):
        jg.io.read_lammps_data(path)
    path.write_text("nothing")
    with pytest.raises(ValueError, match="not a LAMMPS data file"):
        jg.io.read_lammps_data(path)


def test_lammps_dump(tmp_path):
    path = tmp_path / "d"
    path.write_text(DUMP + DUMP.replace("0.25", "0.75"))
    glass = jg.io.read_lammps_dump(path)
    np.testing.assert_allclose(glass.box.cell, [[6.0, 0.5, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]])
    np.testing.assert_allclose(glass.position[0], [0.25 * 6 + 0.25, 2.5, 0.0])
    np.testing.assert_array_equal(glass.species, [1, 0])
    assert float(jg.io.read_lammps_dump(path, frame=-1).position[0, 0]) == pytest.approx(4.75)
    with pytest.raises(ValueError, match="frame must be below 2"):
        jg.io.read_lammps_dump(path, frame=5)
    path.write_text(DUMP.replace("pp pp pp", "pp pp fs"))
    assert (
        jg.io.read_lammps_dump(path, dim=2).dim == 2
    )  # a film that is not periodic along z, which is dropped
    path.write_text(DUMP.replace("pp pp pp", "pp ff pp"))
    for dim in (2, 3):
        with pytest.raises(ValueError, match="not periodic"):
            jg.io.read_lammps_dump(path, dim=dim)
    path.write_text(DUMP[:-20])
    with pytest.raises(ValueError, match="truncated"):
        jg.io.read_lammps_dump(path)
