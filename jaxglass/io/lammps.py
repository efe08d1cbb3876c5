"""LAMMPS text files: data files (atom styles atomic and sphere) and dump files.

LAMMPS types 1, 2, ... become species 0, 1, ...; a diameter column gives diameters. Tilt factors xy xz yz are read.
"""

import re

import numpy as np

from ..core.checks import choice, integer
from ..system.glass import glass as make

LENGTHS = re.compile(r"^\s*(\S+)\s+(\S+)\s+([xyz])lo\s+[xyz]hi", re.M)
TILT = re.compile(r"^\s*(\S+)\s+(\S+)\s+(\S+)\s+xy\s+xz\s+yz", re.M)
STYLES = {
    "atomic": ("id", "type", "x", "y", "z"),
    "sphere": ("id", "type", "diameter", "density", "x", "y", "z"),
}


def read_lammps_data(path, *, dim=3, style="atomic"):
    """A Glass from a LAMMPS data file.

    Args:
        path: file name.
        dim: 2 drops z.
        style: atom style, "atomic" or "sphere".
    """
    choice("style", style, tuple(STYLES))
    with open(path) as file:
        text = file.read()
    bounds = {axis: (float(low), float(high)) for low, high, axis in LENGTHS.findall(text)}
    count = re.search(r"^\s*(\d+)\s+atoms", text, re.M)
    hint = re.search(r"^\s*Atoms\s*#\s*(\w+)", text, re.M)
    if hint and hint[1] != style:
        raise ValueError(f"style must be that of the file, {hint[1]!r} in {path}, found {style!r}")
    section = re.search(r"^\s*Atoms[^\n]*\n\s*\n((?:[ \t]*[-\d][^\n]*(?:\n|$))+)", text, re.M)
    if len(bounds) < dim or count is None or section is None:
        raise ValueError(
            f"{path} is not a LAMMPS data file: it needs a number of atoms, xlo xhi and so on, and a section Atoms"
        )
    rows = [line.split("#")[0].split() for line in section[1].splitlines()]
    if len(rows) != int(count[1]):
        raise ValueError(f"{path} is truncated: it promises {count[1]} atoms and holds {len(rows)}")
    width = len(STYLES[style])
    if odd := next((row for row in rows if len(row) not in (width, width + 3)), None):
        raise ValueError(
            f"{path} has {len(odd)} columns in its section Atoms, expected {width} of style {style!r} "
            f"({' '.join(STYLES[style])}), or three image flags more"
        )
    tilt = TILT.search(text)
    low, cell = _cell(
        [bounds.get(axis, (0.0, 1.0)) for axis in "xyz"],
        [float(v) for v in tilt.groups()] if tilt else (0, 0, 0),
    )
    return _glass(path, STYLES[style], rows, low, cell, dim)


def read_lammps_dump(path, *, dim=3, frame=0):
    """A Glass from one frame of a LAMMPS text dump with columns id, type and x y z (or scaled xs ys zs, unwrapped xu yu zu).

    Args:
        path: file name.
        dim: 2 drops z.
        frame: which frame, from 0; -1 for the last.
    """
    if frame != -1:
        integer("frame", frame, at_least=0)
    with open(path) as file:
        frames = file.read().split("ITEM: TIMESTEP")[1:]
    if not frames:
        raise ValueError(f"{path} is not a LAMMPS dump: it has no line ITEM: TIMESTEP")
    if frame >= len(frames):
        raise ValueError(
            f"frame must be below {len(frames)}, the number of frames in {path}, found {frame}"
        )
    lines = frames[frame].splitlines()
    items = {
        line.split(":", 1)[1].strip(): k for k, line in enumerate(lines) if line.startswith("ITEM:")
    }
    box = next((k for k in items if k.startswith("BOX BOUNDS")), None)
    atoms = next((k for k in items if k.startswith("ATOMS")), None)
    if box is None or atoms is None or "NUMBER OF ATOMS" not in items:
        raise ValueError(f"{path} is truncated: frame {frame} lacks its box or its atoms")
    n = int(lines[items["NUMBER OF ATOMS"] + 1])
    rows = [line.split() for line in lines[items[atoms] + 1 : items[atoms] + 1 + n]]
    if len(rows) < n:
        raise ValueError(
            f"{path} is truncated: frame {frame} promises {n} atoms and holds {len(rows)}"
        )
    if any(len(row) < len(atoms.split()) - 1 for row in rows):
        raise ValueError(
            f"{path} is damaged: frame {frame} has rows shorter than its columns {atoms}"
        )
    values = np.array([line.split() for line in lines[items[box] + 1 : items[box] + 4]], float)
    if values.shape[1] not in (2, 3) or "abc" in box:
        raise ValueError(
            f"{path} has the box style {box!r}, expected bounds xlo xhi with or without one tilt a line"
        )
    if any(ends != "pp" for ends in re.findall(r"\b[pfsm]{2}\b", box)[:dim]):
        raise ValueError(
            f"{path} has a box that is not periodic ({box!r}); every direction must be pp"
        )
    tilt = values[:, 2] if values.shape[1] == 3 else np.zeros(3)
    bounds = values[:, :2].copy()
    xy, xz, yz = tilt
    bounds[0] -= (
        min(0, xy, xz, xy + xz),
        max(0, xy, xz, xy + xz),
    )  # a dump prints the bounding box of the cell
    bounds[1] -= min(0, yz), max(0, yz)
    low, cell = _cell(bounds, tilt)
    return _glass(path, atoms.split()[1:], rows, low, cell, dim)


def _cell(bounds, tilt):
    bounds = np.asarray(bounds)
    cell = np.diag(bounds[:, 1] - bounds[:, 0])
    cell[0, 1], cell[0, 2], cell[1, 2] = tilt
    return bounds[:, 0], cell


def _glass(path, names, rows, low, cell, dim):
    column = {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}
    if "id" in column:
        order = np.argsort(column["id"].astype(int))
        column = {name: values[order] for name, values in column.items()}
    for suffix in ("", "u", "s"):
        if all(axis + suffix in column for axis in "xyz"[:dim]):
            place = np.stack([column[axis + suffix].astype(float) for axis in "xyz"[:dim]], axis=1)
            position = place @ cell[:dim, :dim].T if suffix == "s" else place - low[:dim]
            break
    else:
        raise ValueError(
            f"{path} has no positions: columns {' '.join(names)}, expected x y z, xu yu zu or xs ys zs"
        )
    if "radius" in column:
        column["diameter"] = 2 * column["radius"].astype(float)
    if "diameter" in column:
        return make(position, cell[:dim, :dim], diameter=column["diameter"].astype(float))
    if "type" not in column:
        raise ValueError(f"{path} has no column type, found {' '.join(names)}")
    return make(position, cell[:dim, :dim], species=column["type"].astype(int) - 1)
