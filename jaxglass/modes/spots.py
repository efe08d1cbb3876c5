"""The catalogue of soft spots: modes from many seeds, merged, the missing ones estimated.

Seeds are responses to force dipoles on bonds drawn at random, so that the hits on each mode are a
sample of the sizes of their basins. From the modes hit once, f1, and twice, f2, Chao's estimator of
the number never hit is f1 (f1 - 1) / (2 (f2 + 1)). The search stops when that falls below a bound
and enough seeds were tried to have hit, with 95 % confidence, any mode whose basin holds a given
share of the bonds; or when every bond has been tried.

A start is followed until it is close to a mode known from another start, and to the end where there
is none.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import integer, is_traced, positive
from ..core.random import generator
from ..core.status import Status
from ..host.progress import Progress
from ..landscape.contract import need
from ..landscape.engine import Factor, factor_of
from .seeds import core_position, dipole_seeds
from .stationary import SoftMode, pseudo_harmonic_mode

# Seeds searched together: a factor answers 128 columns for the price of 20, and more gains little.
BATCH = 128
SAME = 0.99  # overlap from which two modes count as one: distinct ones of a glass stay below 0.9
# Residual at which a start is compared with the modes known: the iteration has half its steps yet
# to go, and those that then overlap with a mode by more than SAME have always ended there.
ROUGH = 1e-2
CONFIDENT = 3.0  # -log(1 - 95 %): so many seeds for one hit on a basin of the rarest share


class SoftSpots(SoftMode):
    """Soft spots, the softest first: a batch of SoftMode (m, ...) and where they sit.

    Attributes:
        position: (m, d), of its core.
        hits: (m,), random seeds that led there.
        tried: number of random seeds.
        failed: random seeds that did not converge.
        unseen: estimated number of modes not found.
        status: NOT_CONVERGED if the bound on ``unseen`` was not reached before the seeds ran out.
    """

    position: Array
    hits: Array
    tried: int
    failed: int
    unseen: float


def merge_modes(modes: SoftMode, *, same: float = SAME) -> tuple[Array, Array]:
    """Which of a batch of modes are the same: works under jit and vmap.

    Args:
        modes: SoftMode of a batch (k, ...); those with a status are ignored.
        same: overlap |z_a.z_b| from which two modes count as one.

    Returns:
        label (k,): index of the first mode equal to each, -1 for failed ones; hits (k,): how many
        carry each label.

    Example:
        >>> seeds = jg.modes.dipole_seeds(e, jnp.arange(8))
        >>> label, hits = jg.modes.merge_modes(jg.pseudo_harmonic_mode(e, seeds))
        >>> int(hits.sum())
        8
    """
    flat = modes.vector.reshape(modes.vector.shape[0], -1)
    good = modes.status == 0
    alike = (jnp.abs(flat @ flat.T) > same) & good[:, None] & good[None, :]
    label = jnp.where(good, jnp.argmax(alike, axis=1), -1)
    hits = jnp.zeros(label.shape, int).at[label].add(good)
    return label, hits


def soft_spots(
    e,
    *,
    search: Callable[..., SoftMode] = pseudo_harmonic_mode,
    factor: Factor | None = None,
    batch: int = BATCH,
    most: int | None = None,
    missing: float = 0.5,
    rarest: float | None = None,
    same: float = SAME,
    stiffest: float | None = None,
    seeds: Array | None = None,
    key: Array | None = None,
    tol: float = 1e-9,
    progress: bool = False,
) -> SoftSpots:
    """All soft spots of a glass, with an estimate of how many are missing.

    Runs on the host, in compiled batches.

    Args:
        e: Expansion at a minimum.
        search: ``pseudo_harmonic_mode``, ``quartic_mode`` or ``cubic_mode``, or any function of the
            same arguments.
        factor: Factor of e, from ``factorise``.
        batch: seeds searched together.
        most: number of random seeds at most; default: every bond once.
        missing: stop when the estimated number of modes not found is at or below this.
        rarest: do not stop before 3 / rarest seeds; default 2 / n, that is 1.5 n seeds.
        same: overlap from which two modes count as one.
        stiffest: leave out modes stiffer than this; they do not count as missing either.
        seeds: fields (k, n, d) to try before the dipole responses, for example harmonic modes.
        key: JAX random key of the order of bonds; a fixed one by default.
        tol: residual of each mode; starts that come close to a mode found before are not followed
            further than a residual of 1e-2.
        progress: show a bar.

    Returns:
        SoftSpots, softest first. Under jit and vmap use ``modes.merge_modes`` of a fixed batch
        instead.

    Example:
        >>> spots = jg.soft_spots(e, batch=32)
        >>> bool(spots.unseen <= 0.5), bool((spots.stiffness[1:] >= spots.stiffness[:-1]).all())
        (True, True)
    """
    need("soft_spots", e, "groups", "glass")
    if not callable(search):
        raise TypeError(f"search must be a function such as quartic_mode, found {search!r}")
    if is_traced(e):
        raise TypeError(
            "soft_spots runs on the host, a glass at a time; under jit and vmap use merge_modes "
            "of a fixed batch"
        )
    batch = integer("batch", batch, at_least=1)
    every = generator(key).permutation(np.flatnonzero(np.asarray(e.bonds.valid)))
    bonds = every if most is None else every[: integer("most", most, at_least=1)]
    least = CONFIDENT / (2 / e.count if rarest is None else positive("rarest", rarest))
    if seeds is not None and jnp.shape(seeds)[1:] != e.position.shape:
        raise ValueError(
            f"seeds must be fields of shape (k, {', '.join(map(str, e.position.shape))}), "
            f"found {jnp.shape(seeds)}"
        )
    factor = factor_of(e, factor)
    search = functools.partial(search, e, factor=factor)
    found = _Found(search, tol, same, stiffest)
    if seeds is not None:
        found.add(jnp.asarray(seeds), len(seeds), counted=False)
        found.finish(counted=False)
    if factor.status:
        bonds = bonds[:0]  # a saddle has no such modes
    with Progress("soft spots", len(bonds), show=progress) as bar:
        for begin in range(0, len(bonds), batch):
            chosen = bonds[begin : begin + batch]
            # A last short batch is filled up, so that it does not compile anew; the filling is not
            # counted.
            filled = jnp.asarray(np.resize(chosen, min(batch, len(bonds))))
            found.add(dipole_seeds(e, filled, factor=factor), len(chosen))
            bar.done(len(chosen))
            if found.tried >= least and found.enough(least, missing):
                break
        found.finish()
    return found.collected(e, factor.status, missing, min(least, len(every) - found.failed))


class _Found:
    """Distinct modes so far and the hits on each."""

    def __init__(self, search, tol, same, stiffest):
        self.search, self.tol, self.same = search, tol, same
        self.stiffest = np.inf if stiffest is None else stiffest
        self.modes, self.flat = [], np.zeros((0, 0))
        self.hits = np.zeros(0, int)  # by random seeds alone; they make the estimate
        self.tried = self.failed = self.width = 0
        self.waiting = []

    def add(self, starts, count, counted=True):
        """Follows a batch of starts, of which the first ``count`` matter; those near no known mode
        wait until there is a batch of them.
        """
        self.width = starts.shape[0]
        rough = self.search(starts, tol=max(self.tol, ROUGH))
        good = np.asarray(rough.status[:count]) == 0
        self._fail(np.sum(~good), counted)
        self.tried += count * counted
        fields = np.asarray(rough.vector[:count])[good]
        self.waiting.extend(fields[~self._assign(fields, counted)])
        if len(self.waiting) >= self.width:
            self.finish(counted)

    def finish(self, counted=True):
        """Follows all that wait to the end, but for those near a mode that others ended in."""
        while self.waiting:
            fields = np.stack(self.waiting)
            fields = fields[~self._assign(fields, counted)]
            some, self.waiting = fields[: self.width], list(fields[self.width :])
            if len(some):
                fine = self.search(self._filled(some), tol=self.tol)
                fine = jax.tree.map(lambda a, k=len(some): np.asarray(a[:k]), fine)
                self._fail(np.sum(fine.status != 0), counted)
                for k in np.flatnonzero(fine.status == 0):
                    self._add(jax.tree.map(lambda a, k=k: a[k], fine), counted)

    def enough(self, least, missing):
        self.finish()
        return self.tried - self.failed >= least and self.unseen() <= missing

    def _fail(self, count, counted):
        self.failed += int(count) * counted

    def _filled(self, fields):
        """Fields in a batch of the usual width, filled with what needs no step if there is such."""
        fill = self.modes[0].vector[None] if self.modes else fields
        rest = np.resize(fill, (self.width - len(fields), *fields.shape[1:]))
        return jnp.asarray(np.concatenate([fields, rest]))

    def _assign(self, fields, counted):
        """Counts fields as hits of the modes they overlap with; says which."""
        if not self.modes:
            return np.zeros(len(fields), bool)
        overlap = np.abs(fields.reshape(len(fields), -1) @ self.flat.T)
        known = overlap.max(axis=1) > self.same
        if counted:
            np.add.at(self.hits, overlap.argmax(axis=1)[known], 1)
        return known

    def _add(self, mode, counted):
        if self._assign(mode.vector[None], counted)[0]:
            return
        flat = mode.vector.reshape(1, -1)
        self.modes.append(mode)
        self.hits = np.append(self.hits, int(counted))
        self.flat = np.concatenate([self.flat.reshape(-1, flat.shape[1]), flat])

    def _wanted(self):
        """Modes that are not too stiff, the softest first."""
        stiffness = np.array([m.stiffness for m in self.modes])
        order = np.argsort(stiffness, kind="stable")
        return order[stiffness[order] <= self.stiffest]

    def unseen(self):
        """Chao's estimate."""
        hits = self.hits[self._wanted()]
        once, twice = (int(np.sum(hits == k)) for k in (1, 2))
        return once * (once - 1) / (2 * (twice + 1))

    def collected(self, e, status, bound, least):
        """SoftSpots, the softest first."""
        good = self.tried - self.failed
        incomplete = self.unseen() > bound or good == 0 or good < least
        status = int(status) or (int(Status.NOT_CONVERGED) if incomplete else 0)
        order = self._wanted()
        modes = self._stacked(e, order)
        rest = {name: value for name, value in vars(modes).items() if name != "status"}
        return SoftSpots(
            **rest,
            status=jnp.int32(status),
            position=jax.vmap(lambda z: core_position(e.glass, z))(modes.vector),
            hits=jnp.asarray(self.hits[order]),
            tried=self.tried,
            failed=self.failed,
            unseen=self.unseen(),
        )

    def _stacked(self, e, order):
        if order.size:
            return jax.tree.map(lambda *a: jnp.stack(a), *(self.modes[k] for k in order))
        none, whole = jnp.zeros(0), jnp.zeros(0, jnp.int32)
        vector = jnp.zeros((0, *e.position.shape))
        return SoftMode(none, none, none, none, vector, none, none, whole, whole)
