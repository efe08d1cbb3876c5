"""Trajectories in H5MD, the layout of HDF5 for particles that move.

    /h5md                                   attributes version, author, creator
    /particles/all/box                      attributes dimension, boundary; edges (d,) or cell
                                            vectors as rows (d, d)
    /particles/all/position/value           (f, n, d), not wrapped, with time (f,)
    /particles/all/species or diameter      (n,)
    /observables/potential_energy, kinetic_energy     value (f,), time (f,)

Written as frames come; the file is whole after every piece.
"""

import importlib.metadata
import os
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..prepare.trajectory import Trajectory
from ..system.box import box_of_cell
from ..system.glass import Glass

SERIES = {
    "position": "particles/all/position",
    "energy": "observables/potential_energy",
    "kinetic": "observables/kinetic_energy",
}


class H5MDFile:
    """A file that takes the frames of a Trajectory one piece after another.

    Args:
        path: file name.
        append: go on with a file that is there; by default that is refused.

    Example:
        >>> import tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "run.h5")
        >>> motion = jg.prepare.start_dynamics(jax.random.key(0), model, glass, temperature=0.3)
        >>> _ = jg.prepare.record(model, motion, [0.0, 0.1], temperature=0.3,
        ...                       into=jg.io.H5MDFile(path))
        >>> jg.io.read_h5md(path).position.shape
        (2, 64, 2)
    """

    def __init__(self, path: str | os.PathLike[str], *, append: bool = False):
        if os.path.exists(path) and not append:
            raise ValueError(f"path must name a new file, found one at {path}; or pass append=True")
        self.path = path

    def __call__(self, frames: Trajectory) -> None:
        """Adds frames at the end of the file."""
        import h5py

        with h5py.File(self.path, "a") as file:
            if "h5md" not in file:
                _head(file, frames)
            _same_particles(file, frames.glass, self.path)
            for name, place in SERIES.items():
                _extend(file[place]["value"], getattr(frames, name))
            for place in SERIES.values():
                _extend(file[place]["time"], frames.time)
            file["particles/all"].attrs["status"] = int(frames.status)
            file.flush()


def read_h5md(path: str | os.PathLike[str]) -> Trajectory:
    """The Trajectory in an H5MD file, also of another program with one group of particles.

    Energies that the file does not have are NaN.

    Example:
        See ``H5MDFile``.
    """
    import h5py

    with h5py.File(path, "r") as file:
        if "particles" not in file:
            raise ValueError(f"path must name an H5MD file, found no group particles in {path}")
        names = list(file["particles"])
        if len(names) != 1:
            raise ValueError(f"an H5MD file must have one group of particles, found {names}")
        group = file["particles"][names[0]]
        position = jnp.asarray(group["position/value"][()], jnp.float64)
        time = jnp.asarray(group["position/time"][()], jnp.float64)
        if time.ndim == 0:  # frames at equal distances
            time = time * jnp.arange(len(position))
        missing = np.full(len(position), np.nan)
        series = lambda place: jnp.asarray(file[place]["value"][()] if place in file else missing)
        return Trajectory(
            time,
            position,
            series(SERIES["energy"]),
            series(SERIES["kinetic"]),
            _glass(group, position[0]),
            jnp.int32(group.attrs.get("status", 0)),
        )


def _head(file, frames):
    creator = {"name": "jaxglass", "version": importlib.metadata.version("jaxglass")}
    about = file.create_group("h5md")
    about.attrs["version"] = np.array([1, 1])
    about.create_group("author").attrs["name"] = "unknown"
    about.create_group("creator").attrs.update(creator)
    glass, group = frames.glass, file.create_group("particles/all")
    box = group.create_group("box")
    box.attrs["dimension"] = glass.dim
    box.attrs["boundary"] = np.array(["periodic"] * glass.dim, "S8")
    cell = np.asarray(glass.box.cell)
    box["edges"] = np.diagonal(cell) if glass.box.orthogonal else cell.T
    for name in ("species", "diameter"):
        if getattr(glass, name) is not None:
            group[name] = np.asarray(getattr(glass, name))
    for name, place in SERIES.items():
        shape = np.shape(getattr(frames, name))[1:]
        for part, tail in (("value", shape), ("time", ())):
            how = {"maxshape": (None, *tail), "chunks": (1, *tail) if tail else (1024,)}
            file.create_dataset(f"{place}/{part}", (0, *tail), float, fletcher32=True, **how)


def _extend(dataset: Any, rows: Any) -> None:
    rows = np.asarray(rows)
    dataset.resize(len(dataset) + len(rows), axis=0)
    dataset[len(dataset) - len(rows) :] = rows


def _same_particles(file, glass, path):
    for name in ("species", "diameter"):
        here, there = getattr(glass, name), file["particles/all"].get(name)
        same = (here is None) == (there is None)
        if not same or (here is not None and not np.array_equal(here, there[()])):
            raise ValueError(f"{path} belongs to other particles: their {name} differ")


def _glass(group, position):
    edges = group["box/edges"]
    edges = np.asarray(edges["value"][0] if hasattr(edges, "keys") else edges)  # or of every frame
    cell = np.diag(edges) if edges.ndim == 1 else edges.T
    box = box_of_cell(cell, edges.ndim == 1)
    read = lambda name: jnp.asarray(group[name][()]) if name in group else None
    return Glass(position, box, read("species"), read("diameter"))
