"""Archives: what is written comes back, belongs to one run, and shows every changed byte."""

import json

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxglass.host import archive

TREE = {
    "key": jax.random.key(3),
    "flags": jnp.array([True, False]),
    "number": jnp.int32(-4),
    "z": jnp.array([1 + 2j]),
    "none": jnp.zeros((0, 2)),
    "half": jnp.ones(3, ml_dtypes.bfloat16),
    "table": jnp.arange(6.0).reshape(2, 3).T,
}
RUN = {"n": 64, "times": [0.5, None], "model": {"name": "ipl2d"}}


@pytest.fixture
def path(tmp_path):
    archive.write(tmp_path / "a.ckpt", RUN, TREE)
    return tmp_path / "a.ckpt"


def test_a_tree_comes_back_bit_for_bit(path):
    found = archive.read(path, RUN, jax.tree.map(lambda a: a, TREE))
    assert jax.tree.structure(found) == jax.tree.structure(TREE)
    assert jax.random.key_data(found.pop("key")).tolist() == [0, 3]
    for name, leaf in found.items():
        assert leaf.dtype == TREE[name].dtype and isinstance(leaf, jax.Array)
        np.testing.assert_array_equal(leaf, TREE[name])
    shapes = jax.eval_shape(lambda: {k: v for k, v in TREE.items() if k != "key"})
    archive.write(path, RUN, {k: v for k, v in TREE.items() if k != "key"})
    assert isinstance(archive.read(path, RUN, shapes)["table"], np.ndarray)


def test_it_says_in_words_what_it_belongs_to(path):
    kind, seal, about = path.read_bytes().split(b"\n")[:3]
    assert kind == b"jaxglass archive, format 1" and seal.startswith(b"sha256 of all bytes from")
    about = json.loads(path.read_bytes()[512:].split(b"\n")[0])
    assert about["identity"] == RUN and about["made_with"]["jax"] == jax.__version__


def test_another_run_is_told_by_the_first_entry_that_differs(path):
    with pytest.raises(ValueError, match="belongs to another run: n is 64 there, 128 here"):
        archive.read(path, {**RUN, "n": 128}, TREE)
    with pytest.raises(ValueError, match=r"times\.1 is None there, 1\.0 here"):
        archive.read(path, {**RUN, "times": (0.5, 1.0)}, TREE)
    with pytest.raises(ValueError, match="belongs to another run: arrays"):
        archive.read(path, RUN, {**TREE, "number": jnp.zeros(2)})


def test_other_releases_do_not_make_it_foreign(path, monkeypatch):
    monkeypatch.setattr(archive, "versions", lambda *names: dict.fromkeys(names, "99"))
    archive.write(path, RUN, TREE)
    monkeypatch.undo()
    assert int(archive.read(path, RUN, TREE)["number"]) == -4


@pytest.mark.parametrize("width", [1, 64])
def test_changed_bytes_are_always_seen(path, width):
    whole = path.read_bytes()
    random = np.random.default_rng(width)
    for _ in range(100):
        at = random.integers(len(whole) - width + 1)
        broken = bytearray(whole)
        broken[at : at + width] = (
            bytes(width) if width > 1 else [broken[at] ^ 1 << random.integers(8)]
        )
        if broken == whole:
            continue
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=f"checkpoint cannot be read: {path} is .*damaged"):
            archive.read(path, RUN, TREE, what="checkpoint")


def test_cut_and_foreign_files_get_a_sentence(path):
    whole = path.read_bytes()
    for broken in (b"", b"nonsense", whole[:300], whole[:-1], whole + b"x"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=f"{path} is .*damaged"):
            archive.read(path, RUN, TREE)
