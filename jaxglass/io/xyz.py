"""Extended XYZ: one or many frames, cell in the comment line, species or diameters as columns."""

import re

import numpy as np

from ..core.checks import integer
from ..system.glass import glass as make

PROPERTY = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')


def write_xyz(path, glass, *, fields=None):
    """Writes a glass as extended XYZ; planar positions get a third column of zeros, and a column ``type`` keeps species.

    Args:
        path: file name.
        glass: Glass in two or three dimensions.
        fields: dict of further per-particle columns, name -> (n,) or (n, k).

    Example:
        >>> import jax, tempfile, os; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> path = os.path.join(tempfile.mkdtemp(), "a.xyz")
        >>> jg.io.write_xyz(path, jg.glass([[0.0, 0.0], [1.0, 0.0]], 8.0))
        >>> jg.io.read_xyz(path, dim=2).count
        2
    """
    n, d = glass.position.shape
    if d > 3:
        raise ValueError(f"glass must have two or three dimensions for extended XYZ, found {d}")
    cell = np.eye(3)
    cell[:d, :d] = np.asarray(glass.box.cell)
    position = np.zeros((n, 3))
    position[:, :d] = glass.position
    columns, names = [position], ["pos:R:3"]
    if glass.diameter is not None:
        columns.append(np.asarray(glass.diameter)[:, None])
        names.append("diameter:R:1")
    else:
        names.append("type:I:1")
        columns.append(np.asarray(glass.species)[:, None])
    for name, values in (fields or {}).items():
        values = np.asarray(values, float)
        if values.ndim not in (1, 2) or values.shape[0] != n:
            raise ValueError(
                f"fields[{name!r}] must have one row per particle, ({n},) or ({n}, k), found {values.shape}"
            )
        columns.append(values.reshape(n, -1))
        names.append(f"{name}:R:{columns[-1].shape[1]}")
    species = np.zeros(n, int) if glass.species is None else np.asarray(glass.species)
    lattice = " ".join(repr(float(v)) for v in cell.T.ravel())
    periodic = " ".join("T" if k < d else "F" for k in range(3))
    with open(path, "w") as file:
        file.write(
            f'{n}\nLattice="{lattice}" Properties=species:S:1:{":".join(names)} pbc="{periodic}"\n'
        )
        for kind, row in zip(species, np.hstack(columns), strict=True):
            file.write(f"{_letter(kind)} {' '.join(map(_number, row))}\n")


def read_xyz(path, *, dim=3, frame=0):
    """Reads one frame of an extended XYZ file as a Glass.

    Args:
        path: file name.
        dim: number of dimensions, 2 takes the first two columns.
        frame: which frame, from 0.

    Species are those of a column ``type`` of integers, otherwise numbered in alphabetical order of their names. A column
    ``diameter`` (or ``radius``) gives diameters.
    """
    integer("frame", frame, at_least=0)
    with open(path) as file:
        lines = file.read().splitlines()
    at = 0
    for _ in range(frame):
        at += _count(path, lines, at) + 2
    n = _count(path, lines, at)
    rows = [line.split() for line in lines[at + 2 : at + 2 + n]]
    if len(rows) < n:
        raise ValueError(
            f"{path} is truncated: frame {frame} promises {n} particles and holds {len(rows)}"
        )
    header = {m[0].lower(): m[1] or m[2] for m in PROPERTY.findall(lines[at + 1])}
    if "lattice" not in header:
        raise ValueError(f"{path} has no Lattice in its comment line, so the box is unknown")
    periodic = header.get("pbc", "").split()
    if len(periodic) == 3 and any(flag.upper()[0] != "T" for flag in periodic[:dim]):
        raise ValueError(
            f'{path} is periodic in pbc="{header["pbc"]}" only; dim={dim} needs that many periodic directions'
        )
    lattice = header["lattice"].split()
    if len(lattice) != 9:
        raise ValueError(
            f"{path} must give nine numbers as its Lattice, three cell vectors, found {len(lattice)}"
        )
    cell = np.array(lattice, float).reshape(3, 3).T[:dim, :dim]
    columns = _columns(path, header.get("properties", "species:S:1:pos:R:3"), rows)
    if "pos" not in columns:
        raise ValueError(f"{path} has no column pos in its Properties")
    kind = {}
    if "diameter" in columns or "radius" in columns:
        kind["diameter"] = (
            columns["diameter"][:, 0].astype(float)
            if "diameter" in columns
            else 2 * columns["radius"][:, 0].astype(float)
        )
    elif "type" in columns:
        types = columns["type"][:, 0].astype(float)
        if np.any(types % 1):
            raise ValueError(
                f"{path} has types that are not integers, found {types[types % 1 != 0][0]}"
            )
        kind["species"] = types.astype(int)
    elif "species" in columns:
        kind["species"] = np.unique(columns["species"][:, 0], return_inverse=True)[1]
    return make(columns["pos"].astype(float)[:, :dim], cell, **kind)


def _number(value):
    return (
        repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )


def _letter(kind):
    return chr(ord("A") + int(kind)) if kind < 26 else f"X{int(kind)}"


def _count(path, lines, at):
    try:
        return int(lines[at])
    except (IndexError, ValueError) as error:
        raise ValueError(
            f"{path} is not extended XYZ or has too few frames: line {at + 1} should be a number of particles"
        ) from error


def _columns(path, properties, rows):
    words = properties.split(":")
    if len(words) % 3:
        raise ValueError(
            f"{path} has Properties that are not triples name:type:count, found {properties}"
        )
    columns, start = {}, 0
    for name, width in zip(words[::3], map(int, words[2::3]), strict=True):
        try:
            columns[name.lower()] = np.array([row[start : start + width] for row in rows]).reshape(
                len(rows), width
            )
        except ValueError as error:
            raise ValueError(
                f"{path} has rows that are too short for its Properties {properties}"
            ) from error
        start += width
    return columns
