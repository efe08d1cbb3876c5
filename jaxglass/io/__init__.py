"""Files: HDF5 with provenance, extended XYZ, LAMMPS."""

from .hdf5 import Stored, load, save
from .lammps import read_lammps_data, read_lammps_dump
from .xyz import read_xyz, write_xyz

__all__ = [
    "Stored",
    "load",
    "read_lammps_data",
    "read_lammps_dump",
    "read_xyz",
    "save",
    "write_xyz",
]
