"""Attenuation of sound in a harmonic glass (thesis, chapter 5).

A plane wave is set off as velocities p cos(k.x) and, apart, p sin(k.x), with the particles at rest
and the mean removed, k = 2 pi L^-T m with integers m, p along k or each direction across it. Then
x'' = -M x, and C(t) = sum v(0).v(t) / sum v(0).v(0) over all of these, which depends neither on the
origin nor on the choice of p. Its decay and frequency are those of ``damping``.

A line that few modes share does not decay but beats: their number is about pi Gamma g(omega), with
g(omega) = (d - 1 or 1) V S_d k^(d-1) / ((2 pi)^d c) the density of such plane waves at the speed
c = omega / k and S_d the surface of the unit sphere.
"""

import functools
import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from ..core.checks import choice, finite, integer, is_traced, positive
from ..core.geometry import sphere
from ..core.samples import loop_on_cpu
from ..core.status import Status, flag
from ..core.struct import Struct
from ..landscape.contract import need
from ..linalg import chebyshev
from ..system.box import fractional, inverse
from .damping import damping
from .propagation import Settings, bound_of_spectrum, correlation, out_of_bounds, second

KINDS = ("transverse", "longitudinal")
# Modes in the line above which the rate does not hang on the window of the fit.
SETTLED = 15
# Room for moments: a time of 2,000 at the highest frequency of the published models; 0.5 MB a wave.
ROOM = 2**16
# A spectral line is resolved to this share of its height.
RESOLVED = 1e-6


class Attenuation(Struct):
    """How a plane wave decays; of several waves with a leading axis (w,).

    Attributes:
        rate: Gamma, of the energy: the full width of the line.
        frequency: omega.
        rate_error, frequency_error: standard errors of the fit.
        misfit: root mean square residual of C.
        wavenumber: |k|.
        modes: about how many modes share the line; fewer than 15 beat.
        time: (t,).
        correlation: C, (t,).
        products: Hessian-vector products spent on each column.
        status: bits: NO_DECAY where the energy fell by less than e within the times, FEW_MODES.
    """

    rate: Array
    frequency: Array
    rate_error: Array
    frequency_error: Array
    misfit: Array
    wavenumber: Array
    modes: Array
    time: Array
    correlation: Array
    products: Array
    status: Array


class WaveSpectrum(Struct):
    """Spectra of a plane wave; of several waves with a leading axis (w,).

    Attributes:
        frequency: (f,).
        current: (f,), spectrum of the velocity, of integral one over positive frequencies.
        value: (f,), k^2 / omega^2 times it: the dynamical structure factor over k_B T / m.
        wavenumber: |k|.
        products: Hessian-vector products spent on each column.
        status: bits.
    """

    frequency: Array
    current: Array
    value: Array
    wavenumber: Array
    products: Array
    status: Array


def wave_attenuation(
    e,
    wave: Any,
    polarisation: str = "transverse",
    *,
    times: Any = None,
    points: int = 400,
    periods: int = 60,
    level: float = math.exp(-1),
    room: int = ROOM,
) -> Attenuation:
    """Rate, frequency and velocity autocorrelation of a plane wave, by products alone.

    Args:
        e: expansion of a glass at a minimum, dialled by ``internal_stress`` or not.
        wave: integers m, (d,); or (w, d), many waves, each by itself.
        polarisation: "transverse", all of them together, or "longitudinal".
        times: (t,) ascending, over which C is fitted; by default from 0 to where |C| has fallen
            below ``level`` for a period.
        points: of times by default.
        periods: the longest such time, in periods of the mean frequency.
        level: that C must fall below.
        room: for moments: twice as many as products at most.

    Returns:
        Attenuation, which differentiates (in reverse) at fixed times. Cost: sqrt(top) T / 4
        products with 2 columns in the plane and 4 in space, top the largest eigenvalue.

    Example:
        >>> w = jg.wave_attenuation(e, (1, 0))
        >>> bool(w.correlation[0] > 1 - 1e-9), w.time.shape
        (True, (400,))
    """
    need("wave_attenuation", e, "glass")
    wave = _checked_wave(wave, e.glass.dim)
    choice("polarisation", polarisation, KINDS)
    times = None if times is None else _checked_times(times)
    settings = Settings(
        integer("points", points, at_least=3),
        integer("periods", periods, at_least=1),
        positive("level", level),
        integer("room", room, at_least=64) // 2 * 2,
    )
    across = polarisation == "transverse"
    wave, top = jnp.asarray(wave, float), bound_of_spectrum(e)
    one = lambda m: _decay(e, top, m, times, across=across, settings=settings)
    return one(wave) if wave.ndim == 1 else jax.vmap(one)(wave)


def dynamical_structure_factor(
    e,
    wave: Any,
    polarisation: str = "transverse",
    *,
    frequency: Any,
    width: float,
    room: int = ROOM,
) -> WaveSpectrum:
    """Spectrum of a plane wave, each mode broadened to the line of an oscillator with friction.

    (2/pi) omega^2 width / [(omega^2 - omega_m^2)^2 + omega^2 width^2] of the modes omega_m, from
    the resolvent, whose Chebyshev series is geometric.

    Args:
        e: expansion of a glass at a minimum.
        wave: integers m, (d,), or (w, d).
        polarisation: "transverse" or "longitudinal".
        frequency: (f,), positive.
        width: full width of each mode.
        room: for moments; about 14 sqrt(top) / width are taken.

    Returns:
        WaveSpectrum.

    Example:
        >>> f = jnp.linspace(0.05, 40.0, 2000)
        >>> s = jg.response.dynamical_structure_factor(e, (1, 0), frequency=f, width=0.3)
        >>> bool(abs(jnp.sum(s.current) * (f[1] - f[0]) - 1) < 0.02)
        True
    """
    need("dynamical_structure_factor", e, "glass")
    wave = _checked_wave(wave, e.glass.dim)
    choice("polarisation", polarisation, KINDS)
    positive("width", width)
    frequency = jnp.asarray(frequency, float)
    positive_ones = is_traced(frequency) or bool(np.all(np.asarray(frequency) > 0))
    if frequency.ndim != 1 or not positive_ones:
        raise ValueError("frequency must be a list of positive numbers, found others")
    across, room = polarisation == "transverse", integer("room", room, at_least=64) // 2 * 2
    wave, full = jnp.asarray(wave, float), jnp.asarray(width, float)
    top = bound_of_spectrum(e)
    one = lambda m: _spectrum(e, top, m, frequency, full, across=across, room=room)
    return one(wave) if wave.ndim == 1 else jax.vmap(one)(wave)


def equivalent_waves(wave: Any) -> np.ndarray:
    """The waves that permutations of axes and signs make of one, (w, d), none beside its opposite.

    Example:
        >>> jg.response.equivalent_waves((1, 0)).tolist()
        [[0, 1], [1, 0]]
    """
    wave = _checked_wave(wave, np.asarray(wave).shape[-1])
    if wave.ndim != 1:
        raise ValueError(f"wave must be one wave, found shape {wave.shape}")
    signs = itertools.product((1, -1), repeat=len(wave))
    every = {
        tuple(int(s * m) for s, m in zip(sign, order, strict=True))
        for sign in signs
        for order in itertools.permutations(np.abs(wave))
    }
    return np.array(sorted(m for m in every if m > tuple(-k for k in m)))


def _checked_wave(wave, dim):
    if is_traced(wave):
        raise ValueError("wave must be known while tracing: give integers, not a traced array")
    array = np.asarray(wave)
    if array.ndim not in (1, 2) or array.shape[-1] != dim:
        raise ValueError(f"wave must be {dim} integers, or rows of them, found {wave!r}")
    if not np.array_equal(array, np.rint(array)) or not np.all(np.any(array, axis=-1)):
        raise ValueError(f"wave must be integers that are not all zero, found {wave!r}")
    return array


def _checked_times(times):
    finite("times", times)
    times = jnp.asarray(times, float)
    if times.ndim != 1 or len(times) < 3:
        raise ValueError(f"times must be three times or more, found shape {times.shape}")
    if not is_traced(times):
        known = np.asarray(times)
        if known[0] < 0 or np.any(np.diff(known) <= 0):
            raise ValueError("times must be ascending from 0 or later, found others")
    return times


def plane_wave(glass, wave, across):
    """Velocities (n, d, c) of a wave: cosine and sine of every polarisation; and |k|."""
    k = 2 * jnp.pi * wave @ inverse(glass.box.cell)
    number = jnp.linalg.norm(k)
    phase = 2 * jnp.pi * fractional(glass.box, glass.position) @ wave
    directions = _across(k / number) if across else (k / number)[None]
    columns = [jnp.outer(f(phase), p) for p in directions for f in (jnp.cos, jnp.sin)]
    field = jnp.stack(columns, axis=-1)
    return field - jnp.mean(field, axis=0), number


def _across(unit):
    """Directions perpendicular to a unit vector, (d - 1, d): rows of the reflection that turns it
    to the first axis.
    """
    mirror = unit.at[0].add(jnp.where(unit[0] < 0, -1.0, 1.0))
    return (jnp.eye(len(unit)) - 2 * jnp.outer(mirror, mirror) / jnp.sum(mirror**2))[1:]


def _density_of_waves(glass, number, frequency, across):
    """g(omega), as if they were as fast as this one."""
    d = glass.dim
    count = (d - 1 if across else 1) * glass.box.volume * sphere(d) * number ** (d - 1)
    return count / ((2 * math.pi) ** d * frequency / number)


@functools.partial(jax.jit, static_argnames=("across", "settings"))
def _decay(e, top, wave, times, *, across, settings):
    field, number = plane_wave(e.glass, wave, across)
    seen = correlation(settings, e, top, field, times)
    fit = damping(seen.time, seen.value)
    modes = jnp.pi * fit.rate * _density_of_waves(e.glass, number, fit.frequency, across)
    status = seen.status | flag(~(fit.rate * seen.time[-1] >= 1), Status.NO_DECAY)
    status = status | flag(~(modes >= SETTLED), Status.FEW_MODES)
    return Attenuation(*fit, number, modes, seen.time, seen.value, seen.products, status)


@functools.partial(jax.jit, static_argnames=("across", "room"))
def _spectrum(e, top, wave, frequency, width, *, across, room):
    field, number = plane_wave(e.glass, wave, across)
    run = loop_on_cpu(functools.partial(_resolvent, room))
    current, products, status = run(e, top, field, frequency, width)
    value = (number / frequency) ** 2 * current
    return WaveSpectrum(frequency, current, value, number, products, status)


def _resolvent(room, e, top, field, frequency, width):
    """-(2 omega / pi) Im v.(omega^2 + i omega width - M)^-1 v, from a geometric series.

    For x off the interval, 1 / (x - A) = sum_k (2 - [k = 0]) r^k T_k(A) / sqrt(x^2 - 1) with
    r = x - sqrt(x^2 - 1) inside the unit circle.
    """
    x = 2 * (frequency**2 + 1j * frequency * width) / top - 1
    root = jnp.sqrt(x - 1) * jnp.sqrt(x + 1)
    r = x - root
    slowest = jnp.max(jnp.abs(r))
    count = jnp.ceil(jnp.log(RESOLVED) / jnp.log(slowest)).astype(jnp.int32)
    sequence = chebyshev.begin(second, e, field, top, room)
    sequence = chebyshev.extend(second, e, sequence, top, count)
    enough = count <= 2 * sequence.products
    count = jnp.minimum(count, 2 * sequence.products)

    def add(k, state):
        power, total = state
        return power * r, total + 2 * sequence.moments[k] * power

    start = r, sequence.moments[0] + 0 * r
    series = jax.lax.fori_loop(1, count, add, start)[1]
    found = 2 / top * series / root / sequence.moments[0]
    current = jnp.where(enough, -(2 * frequency / jnp.pi) * jnp.imag(found), jnp.nan)
    status = e.status | out_of_bounds(sequence) | flag(~enough, Status.NOT_CONVERGED)
    return current, sequence.products, status
