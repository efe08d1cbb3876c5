"""Files: HDF5 with provenance, trajectories in H5MD, extended XYZ, LAMMPS."""

from .frames import read_frames
from .h5md import H5MDFile, read_h5md
from .hdf5 import Stored, load, save
from .lammps import read_lammps_data, read_lammps_dump
from .xyz import read_xyz, write_xyz

__all__ = [
    "H5MDFile",
    "Stored",
    "load",
    "read_frames",
    "read_h5md",
    "read_lammps_data",
    "read_lammps_dump",
    "read_xyz",
    "save",
    "write_xyz",
]
