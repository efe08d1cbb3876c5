"""Models beyond pairs: pairs and terms of more particles."""

from .build import three_body
from .embedded import embedded_atom
from .model import ManyBodyModel
from .setfl import read_eam
from .silicon import stillinger_weber

__all__ = ["ManyBodyModel", "embedded_atom", "read_eam", "stillinger_weber", "three_body"]
