"""The catalogue of soft spots of a glass: modes from many starts, duplicates merged, what is still missing estimated.

Starts are responses to force dipoles on bonds drawn at random, so that the hits on each mode are a sample of the sizes of
their basins. From the modes hit once, f1, and twice, f2, Chao's estimator of the number never hit is
f1 (f1 - 1) / (2 (f2 + 1)). The search stops when that falls below a bound and enough starts were made to have hit, with 95 %
confidence, any mode whose basin holds a given share of the bonds; or when every bond has been tried.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from ..core.checks import choice, integer, is_traced, positive
from ..core.status import Status
from ..core.struct import struct
from ..host.progress import Progress
from ..landscape.direct import factorise
from ..landscape.expansion import check_expansion
from . import nonlinear
from .seeds import core_position, dipole_seeds

SEARCHES = {
    "quartic": nonlinear.quartic_mode,
    "cubic": nonlinear.cubic_mode,
    "pseudo": nonlinear.pseudo_harmonic_mode,
}


@struct
class Catalogue:
    """Soft spots, the softest first.

    Attributes:
        vector: (m, n, d), unit norm.
        stiffness, asymmetry, quartic, participation, cost: (m,), kappa, tau, chi, e and the cost of each.
        position: (m, d), of its core.
        hits: (m,), starts that ended there.
        starts: number of starts.
        failed: starts that did not converge.
        unseen: estimated number of modes not found.
        status: NOT_CONVERGED if the bound on ``unseen`` was not reached before the starts ran out.
    """

    vector: object
    stiffness: object
    asymmetry: object
    quartic: object
    participation: object
    cost: object
    position: object
    hits: object
    starts: object
    failed: object
    unseen: object
    status: object


def merge_modes(modes, *, same=0.99):
    """Which of a batch of modes are the same: works under jit and vmap.

    Args:
        modes: SoftMode of a batch (k, ...); those with a status are ignored.
        same: overlap |z_a.z_b| from which two modes count as one.

    Returns:
        label (k,): index of the first mode equal to each, -1 for failed ones; hits (k,): how many carry each label.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jax.numpy as jnp, jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> label, hits = jg.merge_modes(jg.pseudo_harmonic_mode(e, jg.dipole_seeds(e, jnp.arange(8))))
        >>> int(hits.sum())
        8
    """
    flat = modes.vector.reshape(modes.vector.shape[0], -1)
    good = modes.status == 0
    alike = (jnp.abs(flat @ flat.T) > same) & good[:, None] & good[None, :]
    label = jnp.where(good, jnp.argmax(alike, axis=1), -1)
    hits = jnp.zeros(label.shape, int).at[label].add(good)
    return label, hits


def soft_spots(e, *, kind="pseudo", batch=128, max_starts=None, unseen=0.5, rarest=None, same=0.99, stiffest=None, starts=None,
               seed=0, tol=1e-9, progress=False):  # fmt: skip
    """All soft spots of a glass, with an estimate of how many are missing. Runs on the host, in compiled batches.

    Args:
        e: Expansion at a minimum.
        kind: "pseudo", "quartic" or "cubic".
        batch: starts searched together.
        max_starts: default: every bond once.
        unseen: stop when the estimated number of modes not found is at or below this.
        rarest: do not stop before 3 / rarest starts; default 2 / n, that is 1.5 n starts.
        same: overlap from which two modes count as one.
        stiffest: leave out modes stiffer than this; they do not count as missing either.
        starts: fields (k, n, d) to try before the dipole responses, for example harmonic modes.
        seed: of the order of bonds.
        tol: residual of each mode.
        progress: show a bar.

    Returns:
        Catalogue, softest first. Under jit and vmap use ``merge_modes`` of a fixed batch instead.

    Example:
        >>> import jax; jax.config.update("jax_enable_x64", True)
        >>> import jaxglass as jg
        >>> model = jg.models.get("ipl2d")
        >>> e = jg.expand(model, jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", 64)).glass)
        >>> spots = jg.soft_spots(e, batch=32)
        >>> bool(spots.unseen <= 0.5), bool((spots.stiffness[1:] >= spots.stiffness[:-1]).all())
        (True, True)
    """
    choice("kind", kind, tuple(SEARCHES))
    check_expansion(e)
    if is_traced(e):
        raise TypeError(
            "soft_spots runs on the host, a glass at a time; under jit and vmap use merge_modes of a fixed batch"
        )
    batch = integer("batch", batch, at_least=1)
    every = np.random.default_rng(seed).permutation(np.flatnonzero(np.asarray(e.bonds.valid)))
    bonds = every if max_starts is None else every[: integer("max_starts", max_starts, at_least=1)]
    least = 3 / (2 / e.count if rarest is None else positive("rarest", rarest))
    if starts is not None and jnp.shape(starts)[1:] != e.position.shape:
        raise ValueError(
            f"starts must be fields of shape (k, {', '.join(map(str, e.position.shape))}), found {jnp.shape(starts)}"
        )
    factor = factorise(e)
    search = functools.partial(SEARCHES[kind], e, tol=tol, factor=factor)
    found = _Found(same, stiffest)
    if starts is not None:
        found.add(search(jnp.asarray(starts)), counted=False)
    if factor.status:
        bonds = bonds[:0]  # a saddle has no such modes
    with Progress(f"{kind} modes", len(bonds), show=progress) as bar:
        for begin in range(0, len(bonds), batch):
            chosen = bonds[begin : begin + batch]
            # A last short batch is filled up, so that it does not compile anew; the filling is not counted.
            filled = np.resize(chosen, min(batch, len(bonds)))
            modes = search(dipole_seeds(e, jnp.asarray(filled), factor=factor))
            found.add(jax.tree.map(lambda a, k=len(chosen): a[:k], modes))
            bar.done(len(chosen))
            if found.starts - found.failed >= least and found.unseen() <= unseen:
                break
    return found.catalogue(e, factor.status, unseen, min(least, len(every) - found.failed))


class _Found:
    """Distinct modes so far and the hits on each."""

    def __init__(self, same, stiffest):
        self.same, self.stiffest = same, np.inf if stiffest is None else stiffest
        self.modes, self.flat, self.hits = (
            [],
            None,
            [],
        )  # hits by random bonds alone; they make the estimate
        self.starts = self.failed = 0

    def add(self, modes, counted=True):
        modes = jax.tree.map(np.asarray, modes)
        if counted:
            self.starts += len(modes.status)
            self.failed += int(np.sum(modes.status != 0))
        for k in np.flatnonzero((modes.status == 0) & (modes.stiffness <= self.stiffest)):
            self._add(jax.tree.map(lambda a, k=k: a[k], modes), int(counted))

    def _add(self, mode, hit):
        flat = mode.vector.reshape(1, -1)
        if self.modes:
            overlap = np.abs(self.flat @ flat[0])
            if overlap.max() > self.same:
                self.hits[int(overlap.argmax())] += hit
                return
        self.modes.append(mode)
        self.hits.append(hit)
        self.flat = flat if self.flat is None else np.concatenate([self.flat, flat])

    def unseen(self):
        once, twice = (sum(h == k for h in self.hits) for k in (1, 2))
        return once * (once - 1) / (2 * (twice + 1))

    def catalogue(self, e, status, bound, least):
        missing = self.unseen()
        incomplete = (
            missing > bound or self.starts == self.failed or self.starts - self.failed < least
        )
        status = np.int32(status or (Status.NOT_CONVERGED if incomplete else 0))
        if not self.modes:
            none = jnp.zeros(0)
            shape = e.position.shape
            return Catalogue(jnp.zeros((0, *shape)), none, none, none, none, none, jnp.zeros((0, shape[1])), none,
                             self.starts, self.failed, missing, status)  # fmt: skip
        order = np.argsort([m.stiffness for m in self.modes], kind="stable")
        stacked = jax.tree.map(lambda *a: jnp.stack(a), *(self.modes[k] for k in order))
        position = jax.vmap(lambda z: core_position(e.glass, z))(stacked.vector)
        return Catalogue(
            stacked.vector, stacked.stiffness, stacked.asymmetry, stacked.quartic, stacked.participation, stacked.cost,
            position, jnp.asarray(self.hits)[order], self.starts, self.failed, missing, status,
        )  # fmt: skip
