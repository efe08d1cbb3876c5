"""LAMMPS text files: data files (atom styles atomic and sphere) and dump files.

LAMMPS types 1, 2, ... become species 0, 1, ...; a diameter column gives diameters. Tilt factors
xy xz yz are read. What is wrong with a file is said with its name, the line, and what was expected.
"""

import os
import re

import numpy as np

from ..core.checks import choice, integer
from ..system.glass import Glass
from ..system.glass import glass as make
from .text import Lines

BOUNDS = re.compile(r"\s*(\S+)\s+(\S+)\s+([xyz])lo\s+[xyz]hi")
TILT = re.compile(r"\s*(\S+)\s+(\S+)\s+(\S+)\s+xy\s+xz\s+yz")
COUNT = re.compile(r"\s*(\S+)\s+atoms\b")
SECTION = re.compile(r"\s*Atoms\b\s*(?:#\s*(\w+))?")
STYLES = {
    "atomic": ("id", "type", "x", "y", "z"),
    "sphere": ("id", "type", "diameter", "density", "x", "y", "z"),
}


def read_lammps_data(path: str | os.PathLike[str], *, dim: int = 3, style: str = "atomic") -> Glass:
    """A Glass from a LAMMPS data file.

    Args:
        path: file name.
        dim: 2 drops z.
        style: atom style, "atomic" or "sphere".

    Raises:
        ValueError: with the file, the line and what was expected there.
    """
    choice("style", style, tuple(STYLES))
    lines = Lines(path)
    count, section = _first(lines, COUNT), _first(lines, SECTION)
    bounds = {}
    for at, line in enumerate(lines.all):
        if match := BOUNDS.match(line):
            bounds[match[3]] = lines.numbers(at, match.groups()[:2], float, "a bound of the box")
    if count is None or section is None or any(axis not in bounds for axis in "xyz"[:dim]):
        raise ValueError(
            f"{path} is not a LAMMPS data file: it needs a number of atoms, xlo xhi and so on, "
            "and a section Atoms"
        )
    hint = section[1][1]
    if hint and hint != style:
        raise ValueError(f"style must be that of the file, {hint!r} in {path}, found {style!r}")
    (n,) = lines.numbers(count[0], [count[1][1]], int, "the number of atoms")
    begin, rows = _atoms(lines, section[0] + 1, n, STYLES[style])
    tilt = _first(lines, TILT)
    low, cell = _cell(
        [bounds.get(axis, (0.0, 1.0)) for axis in "xyz"],
        lines.numbers(tilt[0], tilt[1].groups(), float, "a tilt factor") if tilt else (0, 0, 0),
    )
    return _glass(lines, section[0], begin, STYLES[style], rows, low, cell, dim)


def _first(lines, pattern):
    """Index of the first line that a pattern matches, and the match."""
    found = ((at, pattern.match(line)) for at, line in enumerate(lines.all))
    return next((pair for pair in found if pair[1]), None)


def _atoms(lines, at, n, names):
    """Where the rows of the section Atoms begin, and their words without image flags."""
    while at < len(lines.all) and not lines.all[at].strip():
        at += 1
    ends = (k for k in range(at, len(lines.all)) if not lines.all[k].strip())
    end = next(ends, len(lines.all))
    if end - at != n:
        raise lines.error(
            end - 1,
            f"the section Atoms ends here: the file promises {n} atoms and holds {end - at}",
        )
    rows = [line.split("#")[0].split() for line in lines.all[at:end]]
    for k, row in enumerate(rows):
        if len(row) not in (len(names), len(names) + 3):
            raise lines.error(
                at + k,
                f"expected {len(names)} columns ({' '.join(names)}) or three image flags more, "
                f"found {len(row)}",
            )
    return at, [row[: len(names)] for row in rows]


def read_lammps_dump(path: str | os.PathLike[str], *, dim: int = 3, frame: int = 0) -> Glass:
    """A Glass from one frame of a LAMMPS text dump.

    Columns are id, type and x y z, or scaled xs ys zs, or unwrapped xu yu zu; image flags ix iy iz
    unwrap the former.

    Args:
        path: file name.
        dim: 2 drops z.
        frame: which frame, from 0; -1 for the last.

    Raises:
        ValueError: with the file, the line and what was expected there.
    """
    if frame != -1:
        integer("frame", frame, at_least=0)
    lines = Lines(path)
    frames = _frames(lines)
    if frame >= len(frames):
        raise ValueError(
            f"frame must be below {len(frames)}, the number of frames in {path}, found {frame}"
        )
    begin, end = frames[frame]
    return _dumped(lines, begin, end, dim)


def dump_frames(path, dim):
    """Glass and time step of every frame of a dump."""
    lines = Lines(path)
    for begin, end in _frames(lines):
        (words,) = lines.rows(begin + 1, 1, 1, "time step")
        yield (
            _dumped(lines, begin, end, dim),
            lines.numbers(begin + 1, words[:1], float, "the time step")[0],
        )


def _frames(lines):
    """Where frames begin and end."""
    begins = [at for at, line in enumerate(lines.all) if line.startswith("ITEM: TIMESTEP")]
    if not begins:
        raise ValueError(f"{lines.path} is not a LAMMPS dump: it has no line ITEM: TIMESTEP")
    return list(zip(begins, [*begins[1:], len(lines.all)], strict=True))


def _dumped(lines, begin, end, dim):
    """The Glass of a frame between two lines."""
    items = {
        lines.all[at].split(":", 1)[1].strip(): at
        for at in range(begin, end)
        if lines.all[at].startswith("ITEM:")
    }
    box = next((k for k in items if k.startswith("BOX BOUNDS")), None)
    atoms = next((k for k in items if k.startswith("ATOMS")), None)
    if box is None or atoms is None or "NUMBER OF ATOMS" not in items:
        raise lines.error(
            begin,
            "the frame that begins here is truncated or damaged: it needs the items "
            "NUMBER OF ATOMS, BOX BOUNDS and ATOMS",
        )
    names, first = atoms.split()[1:], items[atoms] + 1
    (words,) = lines.rows(items["NUMBER OF ATOMS"] + 1, 1, 1, "number of atoms")
    (n,) = lines.numbers(items["NUMBER OF ATOMS"] + 1, words[:1], int, "the number of atoms")
    if n != end - first:
        raise lines.error(
            end - 1,
            f"the frame ends here, truncated or damaged: it promises {n} atoms and "
            f"holds {end - first}",
        )
    rows = lines.rows(first, n, len(names), "atoms")
    low, cell = _bounding(lines, items[box], box, dim)
    return _glass(lines, begin, first, names, rows, low, cell, dim)


def _bounding(lines, at, box, dim):
    """Lower corner and cell; a dump prints the bounding box of the cell, and its tilts."""
    if any(ends != "pp" for ends in re.findall(r"\b[pfsm]{2}\b", box)[:dim]):
        raise lines.error(
            at, f"the box is not periodic ({box!r}); every direction must be pp in this one"
        )
    rows = lines.rows(at + 1, 3, 2, "lines of bounds")
    widths = {len(row) for row in rows}
    if len(widths) != 1 or not widths <= {2, 3} or "abc" in box:
        raise lines.error(
            at,
            f"the box style is {box!r}, expected bounds xlo xhi with or without one tilt a line",
        )
    values = np.array(
        [lines.numbers(at + 1 + k, row, float, "a bound of the box") for k, row in enumerate(rows)]
    )
    xy, xz, yz = tilt = values[:, 2] if values.shape[1] == 3 else np.zeros(3)
    bounds = values[:, :2].copy()
    bounds[0] -= min(0, xy, xz, xy + xz), max(0, xy, xz, xy + xz)
    bounds[1] -= min(0, yz), max(0, yz)
    return _cell(bounds, tilt)


def _cell(bounds, tilt):
    bounds = np.asarray(bounds)
    cell = np.diag(bounds[:, 1] - bounds[:, 0])
    cell[0, 1], cell[0, 2], cell[1, 2] = tilt
    return bounds[:, 0], cell


def _glass(lines, begin, first, names, rows, low, cell, dim):
    """The Glass of rows of words that start at the line with index ``first``."""
    words = {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}
    number = lambda name, kind: lines.column(first, words[name], kind, name)
    by_id = np.argsort(number("id", int)) if "id" in words else slice(None)
    for suffix in ("", "u", "s"):
        axes = [axis + suffix for axis in "xyz"[:dim]]
        if all(axis in words for axis in axes):
            place = np.stack([number(axis, float) for axis in axes], axis=1)
            position = place @ cell[:dim, :dim].T if suffix == "s" else place - low[:dim]
            images = ["i" + axis for axis in "xyz"[:dim]]
            if suffix != "u" and all(name in words for name in images):
                turns = np.stack([number(name, int) for name in images], axis=1)
                position = position + turns @ cell[:dim, :dim].T
            break
    else:
        raise lines.error(
            first - 1, f"expected columns x y z, xu yu zu or xs ys zs, found {' '.join(names)}"
        )
    if "diameter" in words:
        kind = {"diameter": number("diameter", float)[by_id]}
    elif "radius" in words:
        kind = {"diameter": 2 * number("radius", float)[by_id]}
    elif "type" in words:
        kind = {"species": number("type", int)[by_id] - 1}
    else:
        raise lines.error(first - 1, f"expected a column type, found {' '.join(names)}")
    with lines.making(begin):
        return make(position[by_id], cell[:dim, :dim], **kind)
