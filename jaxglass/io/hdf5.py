"""HDF5 files of glasses, ensembles and results, with their provenance and a digest of every byte.

What is where (format 2):

    the first 512 bytes   kind of file and sha256 of all that follows (host/files.py); HDF5 leaves
                          them to others, and any of its readers opens the file
    /                     attributes format = "jaxglass", format_version, created
    /h5md                 attributes version, creator: particle data follow H5MD
    /particles/all/position/value      (n, d), or (samples, n, d) for an ensemble
    /particles/all/box/edges           cell vectors as rows, as H5MD has them, (d, d) or
                                       (samples, d, d)
    /particles/all/species/value       or diameter/value
    /results/NAME         one group a result: a dataset a field, a subgroup a nested struct or dict;
                          static fields are attributes, described in JSON (host/identity.py)
    /provenance           attributes in JSON: releases of packages, model, protocol, key, notes
    /model                the model's parameters, a dataset a leaf

Every dataset but scalars has HDF5's own checksum (fletcher32) too, for other readers. The digest
is compared before HDF5 looks at the file, as a damaged one can make it fail anyhow or never end.
Format 1, without digests and checksums, is still read. A file is written under another name,
synced, and renamed, so that a kill leaves the old file or the new one.
"""

import dataclasses
import datetime
import importlib
import json
import os
import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import float64
from ..core.struct import find_struct
from ..host.archive import versions
from ..host.files import SEAL, check_seal, is_sealed, seal, whole_file
from ..host.identity import describe, difference, name_of, numbers
from ..system.box import box_of_cell
from ..system.glass import Glass

VERSION = 2
KIND = "jaxglass HDF5 file, sealed; HDF5 begins at byte 512"
SIGNATURE = b"\x89HDF\r\n\x1a\n"  # the first bytes of HDF5
MOST_IN_WORDS = 1000  # numbers of an array in the provenance; HDF5 grants an attribute 64 kB


class Stored(NamedTuple):
    """What a file holds.

    Attributes:
        glass: Glass, with a leading sample axis for an ensemble; None if the file has no particles.
        model: the model as it was; None, with a warning, if its shape is a function of the user's
            own and was not given to ``load``. Its parameters are in provenance["model"] all the
            same.
        results: dict of results: structs as they were, others as dicts, also structs whose fields
            are other ones now and those with a function of the user's own.
        provenance: dict.
    """

    glass: Glass | None
    model: Any
    results: dict
    provenance: dict


def save(
    path: str | os.PathLike[str],
    glass: Glass | None = None,
    *,
    model: Any = None,
    results: dict[str, Any] | None = None,
    protocol: Any = None,
    key: Array | None = None,
    notes: str | None = None,
) -> None:
    """Writes a glass or a stacked ensemble, results and their provenance to HDF5.

    Args:
        path: file name; an existing file is replaced in one step.
        glass: Glass, stacked or not, or None.
        model: PairModel that the glass belongs to. A shape of the user's own cannot be written: its
            name, a digest of its code and the parameters are, and ``load`` asks for it.
        results: dict of name -> result: arrays, structs, dicts of them.
        protocol: Protocol that made it.
        key: JAX random key it was made from.
        notes: text.

    The file is sealed by a digest: one that another program has changed since, for example by
    adding a dataset, is refused by ``load``. Other programs read it as any HDF5 file.

    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "glass.h5")
        >>> jg.save(path, jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0), model=jg.models.get("ipl2d"))
        >>> jg.load(path).glass.count
        2
    """
    import h5py

    if glass is not None and not isinstance(glass, Glass):
        raise TypeError(
            f"glass must be a Glass, found {type(glass).__name__}; "
            "pass results as results={name: result}"
        )
    with whole_file(path) as part:
        with h5py.File(part, "w", userblock_size=SEAL) as file:
            file.attrs.update(
                format="jaxglass",
                format_version=VERSION,
                created=datetime.datetime.now().isoformat(timespec="seconds"),
            )
            if glass is not None:
                _write_particles(file, glass)
            if model is not None:
                _write(file, "model", model)
            for name, result in (results or {}).items():
                _write(file.require_group("results"), name, result)
            file.create_group("provenance").attrs.update(_provenance(model, protocol, key, notes))
        seal(part, KIND)


def load(path: str | os.PathLike[str], *, model: Any = None) -> Stored:
    """Reads a file that ``save`` wrote.

    Args:
        path: file name.
        model: a model with the shape of the user's own that the file's model had. The numbers of
            the file are filled into it; its name and the names and shapes of its parameters must
            be the file's, and a warning says so if its shape is another function or has changed.

    Returns:
        Stored: glass, model, results, provenance.

    Raises:
        ValueError: if a byte of the file has changed, if it is not one of ours or of a newer
            version, or if ``model`` does not fit. TypeError: in JAX's 32-bit mode.
            FileNotFoundError.

    Example:
        >>> import tempfile, os
        >>> def soft(x, p): return p["height"] * x**-8
        >>> mine = lambda height: jg.models.pair(soft, {"height": height}, sigma=1.0, cutoff=1.5)
        >>> path = os.path.join(tempfile.mkdtemp(), "glass.h5")
        >>> jg.save(path, jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0), model=mine(2.0))
        >>> float(jg.load(path, model=mine(1.0)).model.parameters["height"])
        2.0
    """
    float64(f"the numbers of {path}", 0.0)
    with _opened(path) as file:
        try:
            glass = _read_particles(file) if "particles" in file else None
            found = _read(file["model"]) if "model" in file else None
            results = {name: _read(item) for name, item in file.get("results", {}).items()}
            provenance = {name: _json(value) for name, value in file["provenance"].attrs.items()}
        except Exception as error:  # whatever HDF5 makes of a damaged file of format 1
            raise ValueError(f"{path} is damaged or incomplete ({error})") from error
    return Stored(glass, _model(path, found, model), results, provenance)


def _opened(path):
    """The file, open, once its bytes, its origin and its version are what they should be."""
    import h5py

    with open(path, "rb") as raw:
        begins_as_hdf5 = raw.read(len(SIGNATURE)) == SIGNATURE
    if is_sealed(path, KIND):
        check_seal(path, KIND)
    elif not begins_as_hdf5:
        raise ValueError(f"{path} is not an HDF5 file of jaxglass, or its first bytes are damaged")
    try:
        file = h5py.File(path, "r")
        ours, version = file.attrs.get("format") == "jaxglass", file.attrs.get("format_version")
    except Exception as error:  # a damaged file of format 1
        raise ValueError(
            f"{path} is no readable HDF5 file, it may be truncated ({error})"
        ) from error
    problem = None
    if not ours:
        problem = "is an HDF5 file, but not one that jaxglass wrote: it has no format = 'jaxglass'"
    elif not isinstance(version, np.integer) or version < 1:
        problem = f"is damaged: its format_version must be a positive integer, found {version}"
    elif version > VERSION:
        problem = f"has format version {version}, this jaxglass reads up to {VERSION}; upgrade it"
    if problem:
        file.close()
        raise ValueError(f"{path} {problem}")
    return file


def _model(path, found, given):
    """The model of a file, its numbers filled into the user's where that is given."""
    if given is None:
        if isinstance(found, dict):
            warnings.warn(
                f"{path} holds the model {found.get('name')!r} with a function of the user's own, "
                "which no file can hold, so that its model is None; "
                "give it as load(path, model=...)",
                stacklevel=3,
            )
        return None if isinstance(found, dict) else found
    if not dataclasses.is_dataclass(given):
        raise TypeError(f"model must be a model, as pair makes it, found {type(given).__name__}")
    if found is None:
        raise ValueError(f"model cannot be filled: {path} holds no model")
    names = [field.name for field in dataclasses.fields(given)]
    held = found if isinstance(found, dict) else {k: getattr(found, k, None) for k in names}
    held = {name: held.get(name) for name in names}
    functions = [name for name in names if callable(getattr(given, name))]
    numbers_of = {name: held[name] for name in names if name not in functions}
    filled = dataclasses.replace(given, **numbers_of)  # type: ignore[type-var]
    wrong = difference(_kinds(filled), _kinds(given))
    if wrong:
        raise ValueError(f"model must be that of {path}: {wrong}")
    there = {name: _described(held[name]) for name in functions}
    changed = difference(there, {name: describe(getattr(given, name)) for name in functions})
    if changed:
        warnings.warn(f"model is not as {path} has it: {changed}", stacklevel=3)
    return filled


def _kinds(model):
    """Name of a model and shapes of its leaves: both must agree to fill one into another."""
    leaves = jax.tree_util.tree_flatten_with_path(model)[0]
    shapes = {jax.tree_util.keystr(at).strip("."): str(np.shape(leaf)) for at, leaf in leaves}
    return {"its name": getattr(model, "name", None), **shapes}


def _write_particles(file, glass):
    h5md = file.create_group("h5md")
    h5md.attrs["version"] = (1, 1)
    creator = h5md.create_group("creator")
    creator.attrs.update(name="jaxglass", version=versions("jaxglass")["jaxglass"])
    group = file.create_group("particles/all")
    _dataset(group, "position/value", np.asarray(glass.position))
    _dataset(group, "box/edges", np.swapaxes(np.asarray(glass.box.cell), -1, -2))
    group["box"].attrs.update(
        dimension=glass.dim, boundary=["periodic"] * glass.dim, orthogonal=glass.box.orthogonal
    )
    if glass.species is not None:
        _dataset(group, "species/value", np.asarray(glass.species))
    if glass.diameter is not None:
        _dataset(group, "diameter/value", np.asarray(glass.diameter))


def _read_particles(file):
    group = file["particles/all"]
    optional = lambda name: jnp.asarray(group[name]["value"][()]) if name in group else None
    cell = np.swapaxes(group["box/edges"][()], -1, -2)
    box = box_of_cell(cell, bool(group["box"].attrs["orthogonal"]))
    return Glass(
        jnp.asarray(group["position/value"][()]), box, optional("species"), optional("diameter")
    )


def _dataset(group, name, array):
    """A dataset with HDF5's checksum, which scalars and empty ones cannot have."""
    group.create_dataset(
        name, data=array, **({"fletcher32": True} if array.ndim * array.size else {})
    )


def _write(group, name, value):
    """A dataset for an array, a subgroup for a struct or dict, an attribute for what is neither."""
    if dataclasses.is_dataclass(value):
        inner = group.create_group(name)
        inner.attrs["struct"] = name_of(type(value))
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if field.metadata.get("static"):
                item = item.item() if isinstance(item, np.generic) else item
                inner.attrs[field.name] = json.dumps(describe(item))
            else:
                _write(inner, field.name, item)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        _write(group, name, dict(zip(value._fields, value, strict=True)))
    elif isinstance(value, dict):
        inner = group.create_group(name)
        for key, item in value.items():
            _write(inner, str(key), item)
    elif value is None:
        group.attrs[name] = "null"
    else:
        value = numbers(value)
        if value.dtype.kind not in "biufc":
            raise TypeError(
                f"results must hold numbers, found {value.dtype} under {name!r}; "
                "text goes into notes="
            )
        _dataset(group, name, value)


def _read(item):
    """What ``_write`` wrote; a dict for a struct that is not known any more or cannot be made."""
    import h5py

    if isinstance(item, h5py.Dataset):
        return jnp.asarray(item[()])
    fields = {name: _read(inner) for name, inner in item.items()}
    attributes = {name: _json(value) for name, value in item.attrs.items() if name != "struct"}
    if "shape" in attributes and item.file.attrs["format_version"] == 1:
        attributes["shape"] = _shape_of_format_1(attributes["shape"])
    struct = find_struct(item.attrs.get("struct", ""))
    try:
        values = {**fields, **{name: _static(value) for name, value in attributes.items()}}
    except _UnknownError:
        return {**fields, **attributes}
    if struct is None or set(values) != {field.name for field in dataclasses.fields(struct)}:
        return {**fields, **attributes}
    return struct(**values)


class _UnknownError(Exception):
    """A static field is, or holds, something that is not this package's."""


def _static(value):
    """A static field from its description."""
    if isinstance(value, list):
        return tuple(map(_static, value))
    if not isinstance(value, dict):
        return value
    if "function" in value:
        return _ours(value["function"])
    if "struct" in value:
        cls = find_struct(value["struct"]) or _ours(value["struct"])
        if not isinstance(cls, type):
            raise _UnknownError(value["struct"])
        return cls(**{name: _static(item) for name, item in value.items() if name != "struct"})
    return {name: _static(item) for name, item in value.items()}


def _ours(name):
    """The function or named tuple of this package with a name, nothing else that it can reach.

    One that has moved is found where it was, if it can be imported from there still.
    """
    module, _, own = name.partition(":")
    if not module.startswith("jaxglass."):
        raise _UnknownError(name)
    try:
        found = getattr(importlib.import_module(module), own)
    except (ImportError, AttributeError) as error:
        raise _UnknownError(name) from error
    home, _, here = name_of(found).partition(":")
    if here != own or not home.startswith("jaxglass."):
        raise _UnknownError(name)
    return found


def _shape_of_format_1(value):
    """The description of a shape as format 1 has it: a bare name, with or without OfSquare."""
    if isinstance(value, dict):
        inner = _shape_of_format_1(value["of_square"])
        return {"struct": "jaxglass.models.shapes:OfSquare", "shape": inner}
    return {"function": f"jaxglass.models.shapes:{value}" if value.isidentifier() else value}


def _described(value):
    """The description of a static field, which is one already where it could not be read.

    Structs of this package that have moved since stand under their present names.
    """
    if not isinstance(value, dict):
        return describe(value)
    inner = {name: _described(item) for name, item in value.items()}
    cls = find_struct(value.get("struct", ""))
    return inner if cls is None else {**inner, "struct": name_of(cls)}


def _provenance(model, protocol, key, notes):
    made_with = versions("jaxglass", "jax", "jaxlib", "jax-md", "numpy", "h5py")
    about = {"versions": json.dumps(made_with)}
    if model is not None:
        named = ("sigma", "epsilon", "cutoff", "nonadditivity", "smoothing", "reach")
        parameters = {k: getattr(model, k, None) for k in named} | getattr(model, "parameters", {})
        parameters = {
            k: np.asarray(v).tolist()
            for k, v in parameters.items()
            if v is not None and np.size(v) <= MOST_IN_WORDS
        }
        about["model"] = json.dumps({"name": model.name, "numbers": parameters})
    if protocol is not None:
        about["protocol"] = json.dumps(dataclasses.asdict(protocol))
    if key is not None:
        about["key"] = json.dumps(numbers(key).tolist())
    if notes is not None:
        about["notes"] = json.dumps(notes)
    return about


def _json(value):
    return json.loads(value) if isinstance(value, str) else np.asarray(value).tolist()
