"""Local and global elasticity of the glasses that a liquid is quenched to: kappa(T) and G(T)."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..analysis.distributions import bootstrap
from ..core.status import require
from ..host.progress import Progress
from ..landscape.engine import factorise
from ..landscape.expand import expand
from ..response.dipoles import dipole_stiffness
from ..response.elasticity import shear_modulus
from ..system.glass import Glass

LEVEL = 0.9  # of intervals, as in the thesis


class Interval(NamedTuple):
    """A mean over glasses and the ends of its 90 per cent bootstrap interval."""

    value: float
    low: float
    high: float


class Elastic(NamedTuple):
    """Mean dipole stiffness of all bonds, mean shear modulus."""

    stiffness: Interval
    modulus: Interval


def ensemble_stiffness(model: Any, glasses: Glass, *, progress: bool = False) -> Elastic:
    """Mean dipole stiffness and shear modulus of inherent structures of one parent temperature.

    Args:
        model: PairModel or ManyBodyModel.
        glasses: stacked minima, such as those of ``inherent_trajectory`` or ``make_glasses``.
        progress: show a progress bar on stderr.

    Returns:
        Elastic. Cost: one factor a glass.

    Example:
        >>> found = jg.liquid.ensemble_stiffness(model, jg.stack([e.glass, e.glass]))
        >>> bool(abs(found.modulus.value / jg.shear_modulus(e).total - 1) < 1e-9)
        True
    """
    if glasses.position.ndim != 3:
        raise ValueError(
            f"glasses must be stacked, (m, n, d), found positions of shape "
            f"{glasses.position.shape}: see jg.stack"
        )
    kappas, moduli, count = [], [], len(glasses.position)
    with Progress("elasticity", count, show=progress) as bar:
        for k in range(count):
            e = require(expand(model, jax.tree.map(lambda a, k=k: a[k], glasses)))
            factor = require(factorise(e))
            each = dipole_stiffness(e, factor=factor)
            kappas.append(float(jnp.mean(each[e.bonds.valid])))
            moduli.append(float(require(shear_modulus(e, factor=factor)).total))
            bar.done(1)
    return Elastic(_mean(kappas), _mean(moduli))


def _mean(values):
    return Interval(*map(float, bootstrap(np.mean, np.array(values), level=LEVEL)))
