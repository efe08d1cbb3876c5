"""Reference glasses with exact values, shared by all tests."""

import functools
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import jaxglass as jg
from jaxglass.models.pair import energy_of, scales_of

DATA = Path(__file__).parent / "data"
NAMES = (
    "ipl2d_400",
    "ipl3d_512",
    "ipl4d_350",
    "kalj_500",
    "lj2d_400",
    "poly2d_400",
    "poly3d_500",
)


class Case:
    """A reference glass: the file's values, model, glass and expansion."""

    def __init__(self, name):
        self.name = name
        self.ref = dict(np.load(DATA / f"{name}.npz"))
        self.model = jg.models.get(name.split("_")[0])
        self.length = float(self.ref["length"])
        kind = self.ref["kind"]
        self.kind = {"diameter": kind} if kind.dtype.kind == "f" else {"species": kind}
        self.glass = jg.glass(self.ref["position"], self.length, **self.kind)
        self.expansion = jg.expand(self.model, self.glass)
        self.direction = jnp.asarray(self.ref["direction"])

    def order(self):
        """Rows of the expansion's bonds in the reference's order."""
        b = self.expansion.bonds
        listed = zip(b.i.tolist(), b.j.tolist(), b.valid.tolist(), strict=True)
        rows = {(i, j): k for k, (i, j, valid) in enumerate(listed) if valid}
        pairs = zip(self.ref["bond_i"].tolist(), self.ref["bond_j"].tolist(), strict=True)
        return np.array([rows[pair] for pair in pairs])


@functools.cache
def made(name):
    """The reference glass of a name, made once."""
    return Case(name)


def along(model, order, r, a=0, b=0):
    """Derivatives in s = r.r / 2 of the energy of pairs of kinds a, b at distances r."""
    r = jnp.atleast_1d(jnp.asarray(r, jnp.float64))
    kind = lambda k: jnp.broadcast_to(jnp.asarray(k), r.shape)
    return np.asarray(energy_of(model, order)(0.5 * r * r, scales_of(model, kind(a), kind(b))))
