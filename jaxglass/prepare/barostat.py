"""Constant pressure: every few steps the box and all that is in it are scaled.

With e = ln V and momenta scaled against positions, the isobaric ensemble is that of the energy
H + P V - T ln V in e, whose force is V (P_inner - P) + T. Moving with the mobility
m = 1 / (B tau V), which noise of that mobility corrects by T dm/de = -T m, gives

    de = (P_inner - P) dt / (B tau) + sqrt(2 T dt / (B tau V)) noise

(stochastic cell rescaling, Bernetti and Bussi 2020). B, of the size of a bulk modulus, sets only
how fast the volume follows.
"""

import jax
import jax.numpy as jnp

from ..core.status import Status, flag
from ..models.pair import settled
from ..neighbours.assembly import assembly_of, over_samples
from ..neighbours.listing import forces, virial
from ..neighbours.moving import first_list
from ..system.box import Box, box_of_cell, determinant
from . import motions

EVERY = 10  # time steps between scalings: about what a list lasts
FOLLOWS = 200  # time steps in which the volume follows the pressure
MODULUS = 10.0  # B in units of the pressure plus that of an ideal gas; dense liquids have 10 to 30
MOST = 0.02  # relative change of the volume in one scaling, within the skin of the lists
ROOM = 0.1  # share by which a box may become narrower and keep its bounds


def roomy(box):
    """The box with bounds that hold while it shrinks by ``ROOM``."""
    if box.width is None:
        return box
    width = tuple((1 - ROOM) * w for w in box.width)
    return Box(box.cell, box.orthogonal, width, (1 - ROOM) ** box.dim * box.least_volume)


def with_bounds(box):
    """A concrete box with the bounds of what it is now."""
    return box_of_cell(box.cell, box.orthogonal)


def pressed(model, motion, steps, temperature, final, pressure, advance, plan):
    """A Motion moved at constant pressure.

    Args:
        model, motion, steps, temperature, final, plan: as in ``dynamics.advanced``.
        pressure: of the surroundings.
        advance: ``dynamics.advanced``.
    """
    at = lambda k: temperature + (final - temperature) * k / jnp.maximum(steps, 1)

    def block(k, motion):
        done = k * EVERY
        count = jnp.minimum(EVERY, steps - done)
        motion = advance(model, motion, count, at(done), at(done + count), plan=plan)
        return _scaled(model, motion, at(done + count), pressure, count, plan)

    return jax.lax.fori_loop(0, -(-steps // EVERY), block, motion)


def _scaled(model, motion, temperature, pressure, count, plan):
    def scale(model, glasses, state, temperature, pressure, rate):
        all = assembly_of(model, glasses)
        pairs, full = first_list(model, all, plan, state.position)
        dim = state.position.shape[-1]
        volume = jnp.abs(determinant(all.cell)) * jnp.ones(all.samples)
        twice = 2 * motions.kinetic_energy(state)
        inner = (twice + virial(model, all, pairs, state.position)) / (dim * volume)
        rate = rate / (MODULUS * (pressure + all.n / volume * temperature))
        pair = jax.vmap(jax.random.split)(state.key)
        noise = jax.vmap(jax.random.normal)(pair[:, 1])
        grown = rate * (inner - pressure) + jnp.sqrt(2 * temperature * rate / volume) * noise
        factor = jnp.exp(jnp.clip(grown, -MOST, MOST) / dim)[:, None, None]
        wide = glasses.replace(box=glasses.box.replace(cell=factor * all.cell))
        position = factor * state.position
        force = forces(model, assembly_of(model, wide), pairs, position)
        state = state.replace(
            position=position, velocity=state.velocity / factor, force=force, key=pair[:, 0]
        )
        status = flag(~jnp.isfinite(grown), Status.NOT_FINITE) | full
        return wide.box.cell, state, status

    rate = count / FOLLOWS
    numbers = temperature, jnp.float64(pressure), rate
    scaled = over_samples(scale)(settled(model), motion.glass, motion.state, *numbers)
    cell, state, status = scaled
    box = motion.glass.box.replace(cell=cell)
    glass = motion.glass.replace(box=box)
    return motion.replace(glass=glass, state=state, status=motion.status | status)
