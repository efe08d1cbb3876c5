"""A run's state on disk: the leaves of a pytree and a description of the run, replaced in one step."""

import json
import zipfile

import jax
import numpy as np

from ..core.arrays import is_key, numbers
from ..core.files import whole_file


def write(path, run, state):
    """Writes the state; a kill leaves the old file or the new one."""
    leaves = {f"leaf{k}": numbers(leaf) for k, leaf in enumerate(jax.tree.leaves(state))}
    with whole_file(path) as part, open(part, "wb") as file:
        np.savez(file, run=json.dumps(run, sort_keys=True), **leaves)


def read(path, run, like):
    """The state in the file, shaped like ``like``; ValueError if the file belongs to another run."""
    try:
        with np.load(path) as file:
            found = str(file["run"])
            leaves = [file[f"leaf{k}"] for k in range(len(jax.tree.leaves(like)))]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"checkpoint {path} cannot be read ({error}); remove it to start anew"
        ) from error
    if found != json.dumps(run, sort_keys=True):
        raise ValueError(
            f"checkpoint {path} belongs to another run; remove it or name another file. It says: {found[:200]}"
        )
    models, tree = jax.tree.flatten(like)
    return jax.tree.unflatten(
        tree, [_like(m, leaf) for m, leaf in zip(models, leaves, strict=True)]
    )


def _like(model, leaf):
    if is_key(model):
        return jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(model))
    return jax.numpy.asarray(leaf, model.dtype)
