"""A learned softness: how far the surroundings of a particle lie on the soft side of a plane.

The plane (w, b) is that of a linear support-vector machine on standardised structure functions x
with labels y = 1 (soft) and -1,

    min over w, b of  |w|^2 / 2 + C sum phi(y (w.x + b)),     phi(m) = max(0, 1 - m),

with the kink of phi rounded over a narrow width h, quadratically between 1 - h and 1. That makes
Newton's method finite, and gives the plane a derivative in the data.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import is_traced, positive
from ..core.loop import bounded_loop
from ..core.status import Status, flag, or_nan
from ..core.struct import Struct
from ..models.pair import PairModel
from ..shear.measures import d2min
from ..system.glass import Glass
from .counts import local_extremes, structure_functions

# Of the rounded kink, one after the other: at first every row is on the bend. The last moves
# the plane by some 1e-4 of itself.
WIDTHS = (2.0, 0.1, 1e-2, 1e-3)
STEPS, HALVINGS = 200, 30  # of Newton's method at a width, and of one step
TOL = 1e-10  # of the gradient, in its terms
AMPLITUDE = 0.05  # of modes whose local extremes are taken, in mean distances; only ratios matter


class Softness(Struct):
    """A plane between soft and hard surroundings, from ``jg.indicators.learn_softness``.

    Attributes:
        weight: (f,), of the standardised structure functions.
        offset: b.
        mean, scale: (f,), of the structure functions that it was learned from.
        right: share of those that it tells right.
        count: number of them.
        residual: of the gradient, in its terms.
        steps: of Newton's method.
        status: NOT_CONVERGED where the search for the plane ended early.
    """

    weight: Array
    offset: Array
    mean: Array
    scale: Array
    right: Array
    count: Array
    residual: Array
    steps: Array
    status: Array

    def distance(self, functions: Array) -> Array:
        """Signed distances (...,) of structure functions (..., f) from the plane, soft above 0."""
        functions = jnp.asarray(functions)
        if functions.shape[-1:] != self.weight.shape:
            raise ValueError(
                f"functions must be {len(self.weight)} of each particle, as those that this "
                f"softness was learned from, found shape {functions.shape}"
            )
        inside = (functions - self.mean) / self.scale @ self.weight + self.offset
        return or_nan(self.status, inside / jnp.linalg.norm(self.weight))

    def accuracy(self, functions: Array, labels: Array) -> Array:
        """Share of the labels 1 and -1 on whose side their functions lie; those of 0 do not
        count.
        """
        labels = jnp.asarray(labels)
        there = labels != 0
        right = jnp.where(there, self.distance(functions) * labels > 0, False)
        return jnp.sum(right) / jnp.sum(there)


def softness(model: PairModel, glass: Glass, learned: Softness) -> Array:
    """Learned softness of each particle, (n,), positive where its surroundings look soft.

    Args:
        model: PairModel, for the sizes of the particles.
        glass: Glass.
        learned: Softness, from ``learn_softness`` or a file.

    Example:
        >>> event = jg.first_event(model, glass, max_strain=0.3)
        >>> samples = jg.indicators.event_samples(model, event.glass, event.mode)
        >>> learned = jg.indicators.learn_softness(*samples)
        >>> jg.indicators.softness(model, glass, learned).shape
        (64,)
    """
    return learned.distance(structure_functions(model, glass))


def event_samples(model: PairModel, glass: Glass, mode: Array) -> tuple[Array, Array]:
    """Structure functions (n, f) at the onset of an event, and labels (n,): 1 where D2min of the
    critical mode has a local maximum, -1 where a minimum, 0 elsewhere.

    Args:
        model: PairModel.
        glass: Glass at the onset, ``event.glass`` or one of ``run.events.before``.
        mode: (n, d), the critical mode.

    Example:
        See ``softness``.
    """
    mode = jnp.asarray(mode)
    if mode.shape != glass.position.shape:
        raise ValueError(f"mode must have shape {glass.position.shape}, found {mode.shape}")
    size = AMPLITUDE * glass.spacing / jnp.max(jnp.linalg.norm(mode, axis=1))
    moved = glass.replace(position=glass.position + size * mode)
    return structure_functions(model, glass), local_extremes(model, glass, d2min(glass, moved))


def learn_softness(functions: Array, labels: Array, *, penalty: float = 1.0) -> Softness:
    """The plane that best tells soft surroundings from hard ones.

    Args:
        functions: (m, f) structure functions of particles of many glasses.
        labels: (m,), 1 for soft and -1 for hard; particles of label 0 do not count. Those of
            ``event_samples``, or ``local_extremes`` of any field, such as a mobility.
        penalty: C, of a label on the wrong side.

    Returns:
        Softness. Works under jit and vmap, and has derivatives in the functions.

    Example:
        >>> learned = jg.indicators.learn_softness([[0.0], [1.0], [2.0], [3.0]], [-1, -1, 1, 1])
        >>> learned.distance(jnp.array([[0.0], [3.0]])).round(3).tolist()
        [-1.342, 1.342]
    """
    functions, labels = jnp.asarray(functions, jnp.float64), jnp.asarray(labels)
    positive("penalty", penalty)
    if functions.ndim != 2 or labels.shape != functions.shape[:1]:
        raise ValueError(
            "functions must have shape (m, f) and labels (m,), "
            f"found {functions.shape} and {labels.shape}"
        )
    if not is_traced(functions, labels):
        functions, labels = _checked(functions, labels)
    return _learned(functions, labels, penalty)


def _checked(functions, labels):
    """Those that count."""
    found = np.unique(np.asarray(labels))
    if not np.isin(found, (-1, 0, 1)).all():
        raise ValueError(f"labels must be 1, -1 or 0, found {found[:5].tolist()}")
    if not {-1, 1} <= set(found.tolist()):
        raise ValueError(f"labels must hold both 1 and -1, found {found.tolist()}")
    there = np.asarray(labels) != 0
    functions = functions[there]
    if not bool(jnp.all(jnp.isfinite(functions))):
        raise ValueError("functions must be finite where labels are 1 or -1, found others")
    return functions, labels[there]


@jax.jit
def _learned(functions, labels, penalty):
    there, y = labels != 0, labels.astype(float)
    count = jnp.sum(there)
    average = lambda a: jnp.sum(jnp.where(there[:, None], a, 0.0), axis=0) / count
    mean = average(functions)
    variance = average((functions - mean) ** 2)
    scale = jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 1.0)
    x = jnp.where(there[:, None], (functions - mean) / scale, 0.0)
    x = jnp.concatenate([x, there[:, None].astype(float)], axis=1) * y[:, None]
    plane, residual, steps = _plane(x, there, penalty)
    found = Softness(
        weight=plane[:-1],
        offset=plane[-1],
        mean=mean,
        scale=scale,
        right=jnp.sum(there & (x @ plane > 0)) / count,
        count=count,
        residual=residual,
        steps=steps,
        status=flag(~(residual <= TOL), Status.NOT_CONVERGED),
    )
    return jax.tree.map(lambda a: a if a.dtype != float else or_nan(found.status, a), found)


def _plane(x, there, penalty):
    """The plane (f + 1,) of signed rows x, its residual and the steps; differentiable in x."""
    fixed, fixed_penalty = jax.lax.stop_gradient((x, penalty))
    narrower = lambda plane, width: _newton(fixed, there, fixed_penalty, width, plane)
    plane, steps = jax.lax.scan(narrower, jnp.zeros(x.shape[1]), jnp.array(WIDTHS))
    slope, *of_plane = _derivatives(x, there, penalty, WIDTHS[-1], plane)
    still, curvature, terms = jax.lax.stop_gradient((slope, *of_plane))
    # one more step, whose derivative in the data is that of the plane
    plane = plane - jnp.linalg.solve(curvature, slope)
    return plane, jnp.linalg.norm(still) / terms, jnp.sum(steps)


def _newton(x, there, penalty, width, begin):
    value = lambda plane: _value(x, there, penalty, width, plane)

    def step(state):
        plane, _ = state
        slope, curvature, terms = _derivatives(x, there, penalty, width, plane)
        way = -jnp.linalg.solve(curvature, slope)
        here, fall = value(plane), jnp.sum(slope * way)
        enough = lambda t: value(plane + t * way) <= here + 1e-4 * t * fall
        # the fall of the last step is lost in the rounding of the value
        done = jnp.linalg.norm(slope) <= TOL * terms
        t, _ = bounded_loop(lambda t: ~enough(t) & ~done, lambda t: 0.5 * t, 1.0, HALVINGS)
        return jnp.where(done, plane, plane + t * way), done

    (plane, _), steps = bounded_loop(lambda s: ~s[1], step, (begin, jnp.bool_(False)), STEPS)
    return plane, steps


def _value(x, there, penalty, width, plane):
    short = jnp.where(there, 1 - x @ plane, 0.0)
    rounded = jnp.where(short < width, short**2 / (2 * width), short - 0.5 * width)
    return 0.5 * jnp.sum(plane[:-1] ** 2) + penalty * jnp.sum(jnp.where(short > 0, rounded, 0.0))


def _derivatives(x, there, penalty, width, plane):
    """Gradient and Hessian of the cost, and the size of the gradient's terms."""
    short = jnp.where(there, 1 - x @ plane, 0.0)
    slope = jnp.clip(short / width, 0.0, 1.0)
    bent = (short > 0) & (short < width)
    own = jnp.ones(len(plane)).at[-1].set(0.0)
    gradient = own * plane - penalty * (slope @ x)
    curvature = (penalty / width) * (x.T * bent) @ x + jnp.diag(own)
    # where no row bends, the cost is straight in the offset as far as the next one
    next_one = jnp.min(jnp.where(there, jnp.abs(short - 0.5 * width), jnp.inf))
    curvature = curvature + jnp.diag((1 - own) * jnp.where(bent.any(), 0.0, penalty / next_one))
    return gradient, curvature, penalty * (slope @ jnp.abs(x)).max() + jnp.linalg.norm(plane)
