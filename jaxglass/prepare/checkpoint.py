"""A run's state on disk: the leaves of a pytree and a description of the run, replaced in one step."""

import hashlib
import json
import os
import zipfile

import jax
import numpy as np


def fingerprint(tree):
    """A digest of a pytree's numbers and structure, which tells one model from another."""
    leaves, structure = jax.tree.flatten(tree)
    digest = hashlib.sha256(str(structure).encode())
    for leaf in leaves:
        digest.update(_plain(jax.numpy.asarray(leaf)).tobytes())
    return digest.hexdigest()


def write(path, run, state):
    """Writes the state; a kill leaves the old file or the new one."""
    leaves = [_plain(leaf) for leaf in jax.tree.leaves(state)]
    part = f"{path}.part"
    with open(part, "wb") as file:
        np.savez(file, run=json.dumps(run, sort_keys=True), **{f"leaf{k}": leaf for k, leaf in enumerate(leaves)})
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def read(path, run, like):
    """The state in the file, shaped like ``like``; ValueError if the file belongs to another run."""
    try:
        with np.load(path) as file:
            found = str(file["run"])
            leaves = [file[f"leaf{k}"] for k in range(len(jax.tree.leaves(like)))]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"checkpoint {path} cannot be read ({error}); remove it to start anew") from error
    if found != json.dumps(run, sort_keys=True):
        raise ValueError(f"checkpoint {path} belongs to another run; remove it or name another file. It says: {found[:200]}")
    models, tree = jax.tree.flatten(like)
    return jax.tree.unflatten(tree, [_like(m, leaf) for m, leaf in zip(models, leaves, strict=True)])


def _plain(leaf):
    return np.asarray(jax.random.key_data(leaf)) if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key) else np.asarray(leaf)


def _like(model, leaf):
    if jax.dtypes.issubdtype(model.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(model))
    return jax.numpy.asarray(leaf, model.dtype)
