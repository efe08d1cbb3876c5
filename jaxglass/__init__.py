"""jaxglass: soft spots of computer glasses, in JAX.

Freeze the bonds of a glass at its inherent structure, keep the derivatives of every pair energy there, and every
quantity is a contraction, a solve or a minimisation over that small object.
"""

from . import _requirements, models
from .core.status import Status, describe, require
from .landscape.contractions import coefficients, fourth, hvp, third
from .landscape.expansion import Expansion, expand
from .landscape.strain import mixed_strain, strain_curvature, stress
from .landscape.solve import solve
from .models.total import energy, force
from .prepare import protocols
from .prepare.dynamics import Motion, run_dynamics, start_dynamics
from .prepare.protocols import Protocol, make_glass
from .prepare.quench import push_apart, quench
from .prepare.starts import random_glass
from .system.box import Box
from .system.glass import Glass, glass, stack

__version__ = "0.1.0"
