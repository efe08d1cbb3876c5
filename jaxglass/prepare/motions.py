"""One time step of every kind of motion, for many samples at once. k_B = 1.

    none          velocity Verlet at constant energy
    nose-hoover   the same between two half steps of a chain of thermostats (Martyna, Klein and
                  Tuckerman 1992), masses Q_1 = f T tau^2 and Q_k = T tau^2
    langevin      half kick, half drift, friction and noise, half drift, half kick
    brownian      overdamped: x <- x + dt F / gamma + sqrt(2 T dt / gamma) noise

The total momentum is zero at the start. It stays zero, and is not counted as a degree of freedom,
but under the noise of ``langevin``, which moves it too.
"""

import jax
import jax.numpy as jnp
from jax import Array

from ..core.struct import Struct

KINDS = ("nose-hoover", "langevin", "brownian", "none")
CONSERVING = ("nose-hoover", "none")
# One pass without substeps: the chain's period is 100 time steps and more.
LINKS = 3


class State(Struct):
    """Particles in motion, a leading axis of samples on everything.

    Attributes:
        position, velocity, force: (s, n, d); positions are not wrapped.
        place, momentum: (s, 3) of the chain.
        key: (s,), of the noise.
        mass: (s, n, 1), or None where all are 1.
    """

    position: Array
    velocity: Array
    force: Array
    place: Array
    momentum: Array
    key: Array
    mass: Array | None = None


def degrees_of_freedom(kind, n, d):
    """Numbers that share the kinetic energy."""
    return n * d if kind == "langevin" else n * d - d


def at_rest(key, position, force, mass=None):
    """The State before velocities are drawn."""
    chain = jnp.zeros((len(position), LINKS))
    return State(position, jnp.zeros_like(position), force, chain, chain, key, mass)


def velocities(key, shape, temperature, mass=None):
    """Maxwell's velocities (n, d) of total momentum zero; their mean energy is that of the
    temperature.
    """
    v = jnp.sqrt(temperature) * jax.random.normal(key, shape)
    if mass is None:
        return v - jnp.mean(v, axis=0)
    v = v / jnp.sqrt(mass)
    return v - jnp.sum(mass * v, axis=0) / jnp.sum(mass)


def step(kind, forces, dt, damping, state, temperature):
    """The State a time step later.

    Args:
        kind: of KINDS.
        forces: function of positions (s, n, d).
        dt, damping, temperature: (s,).
        state: State.
    """
    if kind == "brownian":
        return _brownian(forces, dt, damping, state, temperature)
    if kind == "langevin":
        return _langevin(forces, dt, damping, state, temperature)
    if kind == "none":
        return _verlet(forces, dt, state)
    state = _chain(dt, damping, state, temperature)
    return _chain(dt, damping, _verlet(forces, dt, state), temperature)


def _each(a):
    """(s,) against fields (s, n, d)."""
    return a[:, None, None]


def _over_mass(state, a):
    return a if state.mass is None else a / state.mass


def _verlet(forces, dt, state):
    dt = _each(dt)
    velocity = state.velocity + _over_mass(state, dt / 2 * state.force)
    position = state.position + dt * velocity
    force = forces(position)
    velocity = velocity + _over_mass(state, dt / 2 * force)
    return state.replace(position=position, velocity=velocity, force=force)


def _langevin(forces, dt, friction, state, temperature):
    key, noise = _noise(state)
    keep = jnp.exp(-friction * dt)
    dt, keep, heat = _each(dt), _each(keep), _each(jnp.sqrt((1 - keep**2) * temperature))
    if state.mass is not None:
        heat = heat / jnp.sqrt(state.mass)
    velocity = state.velocity + _over_mass(state, dt / 2 * state.force)
    position = state.position + dt / 2 * velocity
    velocity = keep * velocity + heat * noise
    position = position + dt / 2 * velocity
    force = forces(position)
    velocity = velocity + _over_mass(state, dt / 2 * force)
    return state.replace(position=position, velocity=velocity, force=force, key=key)


def _brownian(forces, dt, friction, state, temperature):
    key, noise = _noise(state)
    mobility = dt / friction
    drift = _each(mobility) * state.force
    position = state.position + drift + _each(jnp.sqrt(2 * temperature * mobility)) * noise
    return state.replace(position=position, force=forces(position), key=key)


def _noise(state):
    pair = jax.vmap(jax.random.split)(state.key)
    draw = lambda key: jax.random.normal(key, state.position.shape[1:])
    return pair[:, 0], jax.vmap(draw)(pair[:, 1])


def kinetic_energy(state):
    """(s,)."""
    square = state.velocity**2
    return 0.5 * jnp.sum(square if state.mass is None else state.mass * square, axis=(-2, -1))


def _chain(dt, period, state, temperature):
    """Half a step of the chain, which scales the velocities."""
    s, n, d = state.velocity.shape
    free = degrees_of_freedom("nose-hoover", n, d)
    half, quarter, eighth = dt / 2, dt / 4, dt / 8
    mass = [m * temperature * period**2 for m in (free, *(1.0,) * (LINKS - 1))]
    p = [state.momentum[:, k] for k in range(LINKS)]
    twice = 2 * kinetic_energy(state)
    pushed = lambda k: (
        twice - free * temperature if k == 0 else p[k - 1] ** 2 / mass[k - 1] - temperature
    )

    def kick(k):
        if k == LINKS - 1:
            return p[k] + quarter * pushed(k)
        drag = jnp.exp(-eighth * p[k + 1] / mass[k + 1])
        return drag * (drag * p[k] + quarter * pushed(k))

    for k in reversed(range(LINKS)):
        p[k] = kick(k)
    scale = jnp.exp(-half * p[0] / mass[0])
    twice = twice * scale**2
    place = state.place + _columns([half * a / m for a, m in zip(p, mass, strict=True)])
    for k in range(LINKS):
        p[k] = kick(k)
    return state.replace(velocity=_each(scale) * state.velocity, place=place, momentum=_columns(p))


def _columns(parts):
    return jnp.stack(parts, axis=1)


def conserved(kind, state, potential, period, temperature):
    """What a motion without noise conserves, (s,): the energy and that of the chain."""
    total = kinetic_energy(state) + potential
    if kind != "nose-hoover":
        return total
    _, n, d = state.velocity.shape
    free = degrees_of_freedom(kind, n, d)
    count = jnp.array([free, *(1.0,) * (LINKS - 1)])
    mass = count * (temperature * period**2)[:, None]
    chain = 0.5 * state.momentum**2 / mass + count * temperature[:, None] * state.place
    return total + jnp.sum(chain, axis=1)
