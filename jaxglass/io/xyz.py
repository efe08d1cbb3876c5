"""Extended XYZ: one or many frames, cell in the comment line, species or diameters as columns."""

import os
import re
from typing import Any

import numpy as np

from ..core.checks import integer
from ..host.files import whole_file
from ..system.glass import Glass
from ..system.glass import glass as make
from .text import Lines

PROPERTY = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')


def write_xyz(
    path: str | os.PathLike[str], glass: Glass, *, fields: dict[str, Any] | None = None
) -> None:
    """Writes a glass as extended XYZ.

    Planar positions get a third column of zeros, and a column ``type`` keeps species. A kill
    leaves the old file or the new one.

    Args:
        path: file name.
        glass: Glass in two or three dimensions.
        fields: dict of further per-particle columns, name -> (n,) or (n, k).

    Example:
        >>> import tempfile, os
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
                f"fields[{name!r}] must have one row per particle, ({n},) or ({n}, k), "
                f"found {values.shape}"
            )
        columns.append(values.reshape(n, -1))
        names.append(f"{name}:R:{columns[-1].shape[1]}")
    species = np.zeros(n, int) if glass.species is None else np.asarray(glass.species)
    lattice = " ".join(repr(float(v)) for v in cell.T.ravel())
    periodic = " ".join("T" if k < d else "F" for k in range(3))
    with whole_file(path) as part, open(part, "w", encoding="utf-8") as file:
        file.write(
            f'{n}\nLattice="{lattice}" Properties=species:S:1:{":".join(names)} pbc="{periodic}"\n'
        )
        for kind, row in zip(species, np.hstack(columns), strict=True):
            file.write(f"{_letter(kind)} {' '.join(map(_number, row))}\n")


def read_xyz(path: str | os.PathLike[str], *, dim: int = 3, frame: int = 0) -> Glass:
    """Reads one frame of an extended XYZ file as a Glass.

    Args:
        path: file name.
        dim: number of dimensions, 2 takes the first two columns.
        frame: which frame, from 0; -1 for the last.

    Species are those of a column ``type`` of integers, otherwise numbered in alphabetical order of
    their names. A column ``diameter`` (or ``radius``) gives diameters.

    Raises:
        ValueError: with the file, the line and what was expected there.
    """
    if frame != -1:
        integer("frame", frame, at_least=0)
    lines = Lines(path)
    at, n = _frame(lines, frame)
    return _glass(lines, at, n, dim)


def xyz_frames(path, dim):
    """Glass, and time (None where the comment line has none), of every frame of a file."""
    lines = Lines(path)
    for at, n in _begins(lines, None):
        glass = _glass(lines, at, n, dim)
        found = re.search(r"(?i)\btime=([^ \"]+)", lines.all[at + 1])
        yield glass, found and lines.numbers(at + 1, [found[1]], float, "the time")[0]


def _glass(lines, at, n, dim):
    """The Glass of the frame of n particles that begins at a line."""
    if at + 1 == len(lines.all):
        raise lines.error(at, f"the file is truncated: it promises {n} particles and ends here")
    header = {m[0].lower(): m[1] or m[2] for m in PROPERTY.findall(lines.all[at + 1])}
    cell = _cell(lines, at + 1, header, dim)
    columns = _columns(lines, at, n, header.get("properties", "species:S:1:pos:R:3"))
    number = lambda name, kind: lines.column(at + 2, columns[name], kind, name)
    if "pos" not in columns or columns["pos"].shape[1] < dim:
        raise lines.error(at + 1, f"expected a column pos of {dim} numbers among the Properties")
    kind = {}
    if "diameter" in columns:
        kind["diameter"] = number("diameter", float)[:, 0]
    elif "radius" in columns:
        kind["diameter"] = 2 * number("radius", float)[:, 0]
    elif "type" in columns:
        kind["species"] = number("type", int)[:, 0]
    elif "species" in columns:
        kind["species"] = np.unique(columns["species"][:, 0], return_inverse=True)[1]
    with lines.making(at):
        return make(number("pos", float)[:, :dim], cell, **kind)


def _number(value):
    return (
        repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))
    )


def _letter(kind):
    return chr(ord("A") + int(kind)) if kind < 26 else f"X{int(kind)}"


def _frame(lines, frame):
    """Where a frame begins and how many particles it has."""
    begins = _begins(lines, None if frame == -1 else frame + 1)
    if frame >= len(begins):
        raise ValueError(
            f"frame must be below {len(begins)}, the number of frames in {lines.path}, "
            f"found {frame}"
        )
    return begins[frame]


def _begins(lines, most):
    """Where frames begin and how many particles they have, of the first so many or of all."""
    begins: list[tuple[int, int]] = []
    at = 0
    while at < len(lines.all) and (most is None or len(begins) < most):
        words = lines.all[at].split()
        if len(words) != 1 or not words[0].isascii() or not words[0].isdigit():
            raise lines.error(
                at,
                "this is not extended XYZ: expected a number of particles, "
                f"found {lines.all[at][:40]!r}",
            )
        begins.append((at, *lines.numbers(at, words, int, "the number of particles")))
        at += begins[-1][1] + 2
    return begins


def _cell(lines, at, header, dim):
    """The cell in the comment line, its vectors as columns."""
    if "lattice" not in header:
        raise lines.error(at, "there is no Lattice in the comment line, so the box is unknown")
    periodic = header.get("pbc", "").split()
    if len(periodic) == 3 and any(flag.upper()[0] != "T" for flag in periodic[:dim]):
        raise lines.error(
            at,
            f'the box is periodic in pbc="{header["pbc"]}" only; dim={dim} needs that many '
            "periodic directions",
        )
    words = header["lattice"].split()
    if len(words) != 9:
        raise lines.error(
            at, f"expected nine numbers as the Lattice, three cell vectors, found {len(words)}"
        )
    cell = np.array(lines.numbers(at, words, float, "a number of the Lattice"))
    return cell.reshape(3, 3).T[:dim, :dim]


def _columns(lines, at, n, properties):
    """The columns of a frame by their names in lower case, as words, (n, width)."""
    words = properties.split(":")
    if len(words) % 3:
        raise lines.error(
            at + 1, f"expected Properties that are triples name:type:count, found {properties}"
        )
    widths = lines.numbers(at + 1, words[2::3], int, "the width of a column in Properties")
    if min(widths) < 1:
        raise lines.error(
            at + 1, f"expected widths of at least 1 in Properties, found {properties}"
        )
    rows = lines.rows(at + 2, n, sum(widths), "particles")
    starts = np.cumsum([0, *widths])
    return {
        name.lower(): np.array([row[a : a + width] for row in rows]).reshape(n, width)
        for name, a, width in zip(words[::3], starts, widths, strict=False)
    }
