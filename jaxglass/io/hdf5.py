"""HDF5 files of glasses, ensembles and results, with their provenance.

Layout (format 1):

    /                          attributes format = "jaxglass", format_version, created
    /h5md                      attributes version, creator: particle data follow the H5MD layout
    /particles/all/position/value      (n, d), or (samples, n, d) for an ensemble
    /particles/all/box/edges           cell vectors as rows, as H5MD has them: (d, d) or (samples, d, d)
    /particles/all/species/value or diameter/value
    /results/NAME              one group a result: a dataset a field, a subgroup a nested struct or dict
    /provenance                attributes: versions of the packages, model, protocol, key, notes, as JSON
    /model                     the model's parameters, a dataset a leaf

A file is written under another name, synced, and renamed, so that a kill leaves the old file or the new one.
"""

import dataclasses
import datetime
import importlib.metadata
import json
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from ..host.files import whole_file
from ..host.identity import numbers
from ..models import shapes
from ..models.pair import PairModel
from ..system.box import box_of_cell
from ..system.glass import Glass

VERSION = 1


class Stored(NamedTuple):
    """What a file holds.

    Attributes:
        glass: Glass, with a leading sample axis for an ensemble; None if the file has no particles.
        model: PairModel, or None; a model with a user's own shape is None and its parameters are in provenance.
        results: dict of results: structs of this package as they were, others as dicts.
        provenance: dict.
    """

    glass: Array
    model: Array
    results: dict
    provenance: dict


def save(path, glass=None, *, model=None, results=None, protocol=None, key=None, notes=None):
    """Writes a glass or a stacked ensemble, results and their provenance to HDF5.

    Args:
        path: file name; an existing file is replaced in one step.
        glass: Glass, stacked or not, or None.
        model: PairModel that the glass belongs to.
        results: dict of name -> result: arrays, structs of this package, dicts of them.
        protocol: Protocol that made it.
        key: JAX random key it was made from.
        notes: text.

    Example:
        >>> import jax, tempfile, os; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> path = os.path.join(tempfile.mkdtemp(), "glass.h5")
        >>> jg.save(path, jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0), model=jg.models.get("ipl2d"))
        >>> jg.load(path).glass.count
        2
    """
    import h5py

    if glass is not None and not isinstance(glass, Glass):
        raise TypeError(
            f"glass must be a Glass, found {type(glass).__name__}; pass results as results={{name: result}}"
        )
    with whole_file(path) as part, h5py.File(part, "w") as file:
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


def load(path):
    """Reads a file that ``save`` wrote.

    Returns:
        Stored: glass, model, results, provenance.

    Raises:
        ValueError: if the file is truncated, is not one of ours, or is of a newer version; FileNotFoundError.

    Example:
        See ``save``.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(
            f"{path} is not a readable HDF5 file, it may be truncated ({error})"
        ) from error
    with file:
        if file.attrs.get("format") != "jaxglass":
            raise ValueError(
                f"{path} is an HDF5 file, but not one that jaxglass wrote: it has no attribute format = 'jaxglass'"
            )
        if int(file.attrs["format_version"]) > VERSION:
            raise ValueError(
                f"{path} has format version {int(file.attrs['format_version'])}, this jaxglass reads up to {VERSION}; upgrade jaxglass"
            )
        try:
            glass = _read_particles(file) if "particles" in file else None
            model = _read(file["model"]) if "model" in file else None
            results = (
                {name: _read(item) for name, item in file["results"].items()}
                if "results" in file
                else {}
            )
            provenance = {name: _json(value) for name, value in file["provenance"].attrs.items()}
        except (KeyError, OSError) as error:
            raise ValueError(f"{path} is damaged or incomplete ({error})") from error
    return Stored(glass, model if isinstance(model, PairModel) else None, results, provenance)


def _write_particles(file, glass):
    h5md = file.create_group("h5md")
    h5md.attrs["version"] = (1, 1)
    creator = h5md.create_group("creator")
    creator.attrs.update(name="jaxglass", version=importlib.metadata.version("jaxglass"))
    group = file.create_group("particles/all")
    group["position/value"] = np.asarray(glass.position)
    group["box/edges"] = np.swapaxes(np.asarray(glass.box.cell), -1, -2)
    group["box"].attrs.update(
        dimension=glass.dim, boundary=["periodic"] * glass.dim, orthogonal=glass.box.orthogonal
    )
    if glass.species is not None:
        group["species/value"] = np.asarray(glass.species)
    if glass.diameter is not None:
        group["diameter/value"] = np.asarray(glass.diameter)


def _read_particles(file):
    group = file["particles/all"]
    optional = lambda name: jnp.asarray(group[name]["value"][()]) if name in group else None
    cell = np.swapaxes(group["box/edges"][()], -1, -2)
    box = box_of_cell(cell, bool(group["box"].attrs["orthogonal"]))
    return Glass(
        jnp.asarray(group["position/value"][()]), box, optional("species"), optional("diameter")
    )


def _write(group, name, value):
    """A dataset for an array, a subgroup for a struct or dict, an attribute for what is neither."""
    if dataclasses.is_dataclass(value):
        inner = group.create_group(name)
        inner.attrs["struct"] = type(value).__name__
        for field in dataclasses.fields(value):
            item = getattr(value, field.name)
            if field.metadata.get("static"):
                inner.attrs[field.name] = json.dumps(_plain(item))
            else:
                _write(inner, field.name, item)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        _write(group, name, value._asdict())
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
                f"results must hold numbers, found {value.dtype} under {name!r}; text goes into notes="
            )
        group[name] = value


def _read(item):
    import h5py

    if isinstance(item, h5py.Dataset):
        return jnp.asarray(item[()])
    fields = {name: _read(inner) for name, inner in item.items()}
    attributes = {name: _json(value) for name, value in item.attrs.items() if name != "struct"}
    struct = _structs().get(item.attrs.get("struct"))
    if struct is None:
        return {**fields, **attributes}
    if struct is PairModel:
        attributes["shape"] = _shape(attributes["shape"])
        fields.setdefault("parameters", {})
        if attributes["shape"] is None:
            return {**fields, **attributes}
    tuples = {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}
    return struct(**{**fields, **tuples})


def _structs():
    """The structs of this package by name: every dataclass that JAX knows and that lives in one of its modules."""
    import sys

    found = {}
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("jaxglass."):
            found |= {
                k: v
                for k, v in vars(module).items()
                if isinstance(v, type) and dataclasses.is_dataclass(v)
            }
    return found


def _plain(value):
    """A static field as JSON: names for functions, none of them for a user's own, whatever its name."""
    if isinstance(value, shapes.OfSquare):
        return {"of_square": _plain(value.shape)}
    if not callable(value):
        return value
    name = getattr(value, "__name__", "")
    return name if getattr(shapes, name, None) is value else "a function of the user's own"


def _shape(name):
    """The built-in shape of that name, None for a user's own."""
    inner = name["of_square"] if isinstance(name, dict) else name
    function = getattr(shapes, inner, None) if inner.isidentifier() else None
    if function is None:
        return None
    return shapes.OfSquare(function) if isinstance(name, dict) else function


def _provenance(model, protocol, key, notes):
    versions = {
        name: importlib.metadata.version(name)
        for name in ("jaxglass", "jax", "jaxlib", "jax-md", "numpy", "h5py")
    }
    about = {"versions": json.dumps(versions)}
    if model is not None:
        parameters = {
            k: getattr(model, k)
            for k in ("sigma", "epsilon", "cutoff", "nonadditivity", "smoothing", "reach")
        }
        parameters = {
            k: np.asarray(v).tolist()
            for k, v in {**parameters, **model.parameters}.items()
            if v is not None
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
