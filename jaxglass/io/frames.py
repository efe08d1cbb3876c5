"""Trajectories of other programs: extended XYZ, LAMMPS dumps, GSD."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..core.checks import choice, integer, positive
from ..prepare.trajectory import Trajectory
from ..system.box import minimum_image
from ..system.glass import Glass
from ..system.glass import glass as make
from .lammps import dump_frames
from .xyz import xyz_frames

SUFFIXES = {
    ".xyz": "xyz", ".extxyz": "xyz", ".dump": "dump", ".lammpstrj": "dump", ".gsd": "gsd",
}  # fmt: skip
# Beyond a cell by so much positions are certainly not wrapped, in units of the cell.
OUTSIDE = 1e-3


def read_frames(
    path: str | os.PathLike[str],
    *,
    dim: int = 3,
    dt: float = 1.0,
    format: str | None = None,
    unwrap: bool | None = None,
) -> Trajectory:
    """All frames of a file as a Trajectory, for what ``jg.liquid`` measures.

    Args:
        path: extended XYZ, LAMMPS text dump or GSD (which needs the package gsd).
        dim: 2 drops z.
        dt: time of a step of dumps and GSD, or between frames of XYZ without Time= in their
            comments.
        format: "xyz", "dump" or "gsd"; that of the suffix by default.
        unwrap: follow each particle from frame to frame by its nearest image, right while none
            moves half a box between two frames. By default where all positions lie in one cell.

    Returns:
        Trajectory; energies are NaN.

    Raises:
        ValueError: with the file and what was expected, also where the box or the particles change.

    Example:
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "run.xyz")
        >>> jg.io.write_xyz(path, glass)
        >>> jg.io.read_frames(path, dim=2).position.shape
        (1, 64, 2)
    """
    integer("dim", dim, at_least=2)
    positive("dt", dt)
    if format is None:
        format = SUFFIXES.get(Path(path).suffix.lower())
        if format is None:
            raise ValueError(
                f"format must be given where the suffix does not tell it, found {path}"
            )
    choice("format", format, ("xyz", "dump", "gsd"))
    readers = {"xyz": _of_xyz, "dump": _of_dump, "gsd": _of_gsd}
    glasses, times = zip(*readers[format](path, dim, dt), strict=True)
    first = glasses[0]
    _refuse_changes(path, glasses)
    position = np.stack([np.asarray(g.position) for g in glasses])
    inside = np.asarray(first.box.wrap(position) - position)
    if unwrap or (unwrap is None and np.abs(inside).max() < OUTSIDE * np.min(first.box.width)):
        position = _unwrapped(first.box, position)
    none = jnp.full(len(glasses), jnp.nan)
    time = jnp.asarray(np.array(times) - times[0])
    return Trajectory(time, jnp.asarray(position), none, none, first, jnp.int32(0))


def _refuse_changes(path, glasses):
    first = glasses[0]
    for k, glass in enumerate(glasses):
        same = lambda a, b: a is None or np.array_equal(a, b)
        if glass.count != first.count or not (
            same(first.species, glass.species) and same(first.diameter, glass.diameter)
        ):
            raise ValueError(f"{path} must be of the same particles throughout: frame {k} differs")
        if not np.allclose(glass.box.cell, first.box.cell, rtol=1e-6):
            raise ValueError(f"{path} must be of one box throughout: that of frame {k} differs")


def _unwrapped(box, position):
    moved = np.asarray(minimum_image(box, jnp.asarray(np.diff(position, axis=0))))
    return np.concatenate([position[:1], position[0] + np.cumsum(moved, axis=0)])


def _of_xyz(path, dim, dt) -> Iterator[tuple[Glass, float]]:
    for k, (glass, time) in enumerate(xyz_frames(path, dim)):
        yield glass, k * dt if time is None else time


def _of_dump(path, dim, dt) -> Iterator[tuple[Glass, float]]:
    for glass, step in dump_frames(path, dim):
        yield glass, step * dt


def _of_gsd(path, dim, dt) -> Iterator[tuple[Glass, float]]:
    try:
        import gsd.hoomd
    except ImportError as error:
        raise ImportError("GSD files need the package gsd: pip install jaxglass[gsd]") from error
    with gsd.hoomd.open(os.fspath(path), "r") as file:
        if not len(file):
            raise ValueError(f"{path} must hold frames, found none")
        for frame in file:
            yield _gsd_glass(frame, dim), float(frame.configuration.step) * dt


def _gsd_glass(frame: Any, dim: int) -> Glass:
    """A frame's Glass: the origin of GSD is the middle of the cell, tilts are shares of edges."""
    x, y, z, xy, xz, yz = (float(v) for v in frame.configuration.box)
    cell = np.array([[x, xy * y, xz * z], [0, y, yz * z], [0, 0, z or 1.0]])[:dim, :dim]
    particles = frame.particles
    position = np.asarray(particles.position, float)[:, :dim]
    images = getattr(particles, "image", None)
    turns = 0 if images is None else np.asarray(images, float)[:, :dim] @ cell.T
    position = position + cell.sum(axis=1) / 2 + turns
    kinds = np.asarray(particles.typeid)
    sizes = np.asarray(particles.diameter, float)
    if len(np.unique(sizes)) > len(np.unique(kinds)):
        return make(position, cell, diameter=sizes)
    return make(position, cell, species=kinds.astype(int))
