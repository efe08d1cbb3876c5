"""A mixture that can be prepared: a pair model, what it is made of and where it is studied."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ..core.checks import choice, positive
from .manybody.model import ManyBodyModel
from .pair import PairModel


@dataclass(frozen=True)
class PowerLaw:
    """Diameters between ``low`` and ``high`` with density p(d) ~ d^-exponent, as a composition.

    Called with numbers between 0 and 1 it gives the diameters below which these shares of the
    particles lie; with ``unit_mean`` it scales them to mean 1.
    """

    low: float
    high: float
    exponent: float = 3.0
    unit_mean: bool = False

    def __post_init__(self):
        for name in ("low", "high"):
            positive(name, _number(name, getattr(self, name)))
        if not self.low < self.high:
            raise ValueError(f"low must be below high, found {self.low} and {self.high}")
        if _number("exponent", self.exponent) == 1:
            raise ValueError("exponent must not be 1")

    def __call__(self, share):
        k = 1 - self.exponent
        diameter = (self.low**k + share * (self.high**k - self.low**k)) ** (1 / k)
        return diameter / diameter.mean() if self.unit_mean else diameter


@dataclass(frozen=True, eq=False, kw_only=True)
class Entry:
    """A mixture: model, composition, and the state points at which it is studied.

    What takes the name of a published model takes an entry of one's own as well.

    Attributes:
        name: for messages, files and checkpoints.
        model: PairModel or ManyBodyModel, or a function without arguments that makes one.
        dim: dimensions, 2, 3 or 4.
        density: particles per volume.
        composition: the fraction of every species, in the order of the model's tables; or, for
            continuous diameters, a function of shares (n,) in (0, 1) that gives the diameters below
            which these shares lie, like PowerLaw.
        liquid: temperature at which the liquid is equilibrated.
        anneal: temperature at which it is annealed before the quench.
        time: annealing time.
        step: time step of the dynamics.
        parents: parent temperatures of the published instant quenches.
        source: where the numbers come from.

    Example:
        >>> def soft(x, p): return x ** -8
        >>> sizes = jnp.array([1.0, 1.2, 1.4])
        >>> model = jg.models.pair(soft, sigma=0.5 * (sizes[:, None] + sizes), cutoff=1.6)
        >>> ternary = jg.models.Entry(name="ternary", model=model, dim=2, density=0.8,
        ...                           composition=(0.3, 0.3, 0.4), liquid=1.0, anneal=0.3)
        >>> jg.random_glass(jax.random.key(0), ternary, 10).species.tolist().count(2)
        4
    """

    name: str
    model: PairModel | ManyBodyModel | Callable
    dim: int
    density: float
    composition: tuple | Callable
    liquid: float
    anneal: float
    time: float = 100.0
    step: float = 0.005
    parents: tuple = ()
    source: str = ""

    def __post_init__(self):
        if not isinstance(self.name, str):
            raise TypeError(f"name must be a string, found {type(self.name).__name__}")
        models = PairModel | ManyBodyModel
        if not (isinstance(self.model, models) or callable(self.model)):
            raise TypeError(f"model must be a PairModel, found {type(self.model).__name__}")
        choice("dim", self.dim, (2, 3, 4))
        for name in ("density", "liquid", "anneal", "time", "step"):
            positive(name, _number(name, getattr(self, name)))
        for parent in self.parents:
            positive("parents", _number("parents", parent))
        if not callable(self.composition):
            object.__setattr__(self, "composition", _fractions(self.composition))
        if isinstance(self.model, models):
            _refuse_unlike(self.model, self.composition)


def _number(name, value):
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, found {value!r}")
    return value


def _fractions(composition):
    """The fractions as a tuple of floats that sum to 1."""
    try:
        fractions = tuple(composition)
    except TypeError:
        raise TypeError(
            "composition must be the fractions of all species or a function that gives diameters, "
            f"found {composition!r}"
        ) from None
    for fraction in fractions:
        if not 0 < _number("composition", fraction) <= 1:
            raise ValueError(f"composition must hold fractions above 0, found {fraction}")
    if abs(sum(fractions) - 1) > 1e-9:
        raise ValueError(
            f"composition must hold fractions that sum to 1, "
            f"found {fractions} with sum {sum(fractions):.6g}"
        )
    return tuple(float(fraction) for fraction in fractions)


def _refuse_unlike(model, composition):
    """The model and the composition must speak of the same kind of particles."""
    if (model.sigma is None) != callable(composition):
        needed = "a function that gives diameters" if model.sigma is None else "fractions"
        raise ValueError(
            f"composition must be {needed} for the model {model.name}, found {composition!r}"
        )
    if model.sigma is not None and len(composition) != model.sigma.shape[-1]:
        raise ValueError(
            f"composition must hold one fraction for each of the {model.sigma.shape[-1]} species "
            f"of the model {model.name}, found {len(composition)}"
        )


def species_of(fractions, n):
    """Species indices of n particles, the last species first.

    Every count is within one of its fraction.
    """
    ends = np.array([round(sum(fractions[k:]) * n) for k in range(1, len(fractions))], int)
    return np.sum(np.arange(n)[:, None] < ends, axis=1)
