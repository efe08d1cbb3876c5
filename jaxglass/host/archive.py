"""Leaves of a pytree in a file, with what they belong to in words, and a digest of every byte.

    the seal                  kind of file and sha256 (host/files.py)
    one line of JSON          identity, a description as host/identity.py gives it; made_with, the
                              releases of packages, not compared; leaves, dtypes and shapes
    the bytes of the leaves   one after another

``head -n 3`` shows the seal and the line.
"""

import importlib.metadata
import json
import math

import jax
import jax.numpy as jnp
import numpy as np

from .files import SEAL, check_seal, is_sealed, seal, whole_file
from .identity import difference, is_key, numbers

KIND = "jaxglass archive, format 1"


def versions(*names):
    """Releases of installed packages, by name."""
    return {name: importlib.metadata.version(name) for name in names}


def write(path, identity, tree):
    """Writes the leaves of a tree; a kill leaves the old file or the new one.

    Args:
        path: file name.
        identity: what the tree belongs to, of plain JSON.
        tree: pytree of arrays and random keys.
    """
    leaves = [numbers(leaf) for leaf in jax.tree.leaves(tree)]
    about = {
        "identity": identity,
        "made_with": versions("jaxglass", "jax", "jaxlib", "numpy"),
        "leaves": [_kind(leaf) for leaf in leaves],
    }
    with whole_file(path) as part:
        with open(part, "wb") as file:
            file.write(bytes(SEAL))
            file.write(json.dumps(about).encode() + b"\n")
            for leaf in leaves:
                file.write(leaf.tobytes())
        seal(part, KIND)


def read(path, identity, like, *, what="archive"):
    """The tree in an archive, its structure and kinds of arrays those of ``like``.

    Args:
        path: file name.
        identity: what it must belong to.
        like: pytree of arrays, or of their shapes and dtypes, for which NumPy arrays come back.
        what: the name of the file's role, for messages.

    Raises:
        ValueError: if it belongs to something else, with the first entry that differs, or if it is
            damaged or no archive.
    """
    about, leaves = _whole(path, what)
    likes, structure = jax.tree.flatten(like)
    kinds = [_kind(leaf) for leaf in likes]
    here = json.loads(json.dumps({"identity": identity, "arrays": kinds}))
    differs = difference(about["identity"], here["identity"]) or difference(
        about["leaves"], here["arrays"], "arrays"
    )
    if differs:
        raise ValueError(
            f"{what} belongs to another run: {differs} (there is the file {path}); "
            "remove it or name another"
        )
    return jax.tree.unflatten(structure, map(_like, likes, leaves))


def identity(path, *, what="archive"):
    """What the tree in an archive belongs to.

    Args:
        path: file name.
        what: the name of the file's role, for messages.
    """
    return _whole(path, what)[0]["identity"]


def _whole(path, what):
    try:
        return _read(path)
    except ValueError as error:
        raise ValueError(f"{what} cannot be read: {error}; remove it to start anew") from error


def _read(path):
    if not is_sealed(path, KIND):
        raise ValueError(f"{path} is not an archive of jaxglass, or its first bytes are damaged")
    check_seal(path, KIND)
    with open(path, "rb") as file:
        file.seek(SEAL)
        about = json.loads(file.readline())
        return about, [_leaf(file, jnp.dtype(name), shape) for name, shape in about["leaves"]]


def _leaf(file, dtype, shape):
    return np.frombuffer(file.read(dtype.itemsize * math.prod(shape)), dtype).reshape(shape)


def _kind(leaf):
    """Dtype and shape of a leaf as it is written."""
    plain = jax.eval_shape(jax.random.key_data, leaf) if is_key(leaf) else leaf
    return [jnp.dtype(plain.dtype).name, list(plain.shape)]


def _like(like, leaf):
    if is_key(like):
        return jax.random.wrap_key_data(jnp.asarray(leaf), impl=jax.random.key_impl(like))
    return jnp.asarray(leaf) if isinstance(like, jax.Array) else leaf
