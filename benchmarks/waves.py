"""Attenuation of sound: what Chebyshev moments cost beside the products that they need, beside time
steps, and in a glass of a million particles.

    python benchmarks/waves.py [--only attenuation]
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
from glasses import expansion
from measure import peak_memory, run, table, timed

import jaxglass as jg
from jaxglass.response.propagation import bound_of_spectrum
from jaxglass.response.waves import plane_wave

LEVEL = np.exp(-2)
# Molecular dynamics takes steps of 0.005 for these models, at most 0.02 where only phases matter.
STEPS = (0.005, 0.02)


def waves(count, near):
    """So many wave vectors of about one length, in different directions."""
    m = np.array([(a, b) for a in range(near + 3) for b in range(1, near + 3)])
    return m[np.argsort(np.abs(np.linalg.norm(m, axis=1) - near), kind="stable")[:count]]


@jax.jit
def products(e, z, count):
    """So many products one after the other."""
    return jax.lax.fori_loop(0, count, lambda _, z: 1e-3 * e.second(z), z)


def product_seconds(e, columns=2):
    z = jax.random.normal(jax.random.key(0), (*e.position.shape, columns))
    return timed(lambda: products(e, z, 50), repeat=4)[1] / 50


def attenuation():
    e = jg.internal_stress(expansion("ipl2d", 40_000), 0.2)
    rows = []
    for near in (8, 16):
        chosen = waves(16, near)
        one = lambda chosen=chosen: jg.wave_attenuation(e, chosen, level=LEVEL)
        first, best, found = timed(one, repeat=1)
        total = int(jnp.sum(found.products))
        share = total * product_seconds(e) / best
        time = float(jnp.mean(found.time[:, -1]))
        mean = float(jnp.mean(found.products))
        stepped = ", ".join(f"{time / dt / mean:.1f}" for dt in STEPS)
        rows.append(
            (
                near,
                f"{float(jnp.mean(found.rate)):.3g}",
                f"{float(jnp.mean(found.frequency)):.3g}",
                f"{time:.3g}",
                f"{mean:.0f}",
                f"{first:.1f} s",
                f"{best:.1f} s",
                f"{share:.2f}",
                stepped,
                int(np.bitwise_or.reduce(np.asarray(found.status))),
            )
        )
    return table(
        "Attenuation of 16 transverse waves to 1/e^2, ipl2d, n = 40,000, delta = 0.2",
        ("m", "rate", "frequency", "time", "products a wave", "first call", "run",
         "share of the products", f"steps of {STEPS[0]} and {STEPS[1]} a product", "status"),
        rows,
    )  # fmt: skip


def stepping():
    """The same correlation by time steps: as many products as steps."""
    e = jg.internal_stress(expansion("ipl2d", 40_000), 0.2)
    times = jnp.linspace(0.0, 10.0, 101)
    ours = lambda: jg.wave_attenuation(e, (8, 5), times=times)
    _, best, found = timed(ours, repeat=2)
    field, _ = plane_wave(e.glass, jnp.array([8.0, 5.0]), True)
    rows = [("Chebyshev moments", int(found.products), f"{best:.2f} s", "1", "-")]
    for dt in (0.04, 0.02, 0.005):
        _, seconds, c = timed(lambda dt=dt: leapfrog(e, field, dt, round(0.1 / dt)), repeat=1)
        gap = float(jnp.max(jnp.abs(c - found.correlation)))
        count = 100 * round(0.1 / dt)
        rows.append((f"steps of {dt}", count, f"{seconds:.2f} s", f"{seconds / best:.1f}",
                     f"{gap:.1e}"))  # fmt: skip
    return table(
        "One wave to time 10, n = 40,000, by moments and by time steps",
        ("how", "products", "run", "ratio", "largest error of C"),
        rows,
    )


@jax.jit
def leapfrog(e, field, dt, each):
    """C at a hundred multiples of some steps, by velocity Verlet."""

    def step(_, state):
        x, v, a = state
        v = v + dt / 2 * a
        x = x + dt * v
        a = -e.second(x)
        return x, v + dt / 2 * a, a

    def frame(state, _):
        state = jax.lax.fori_loop(0, each, step, state)
        return state, jnp.vdot(field, state[1])

    start = (0 * field, field, 0 * field)
    _, c = jax.lax.scan(frame, start, None, length=100)
    return jnp.concatenate([jnp.ones(1), c / jnp.vdot(field, field)])


def million():
    """A million particles: a glass of 10,000 repeated, which is a minimum too."""
    model = jg.models.get("ipl2d")
    small = expansion("ipl2d", 10_000)
    e = jg.internal_stress(jg.expand(model, jg.prepare.tiled(small.glass, 10)), 0.2)
    del small
    times = jnp.linspace(0.0, 20.0, 201)
    first, best, found = timed(lambda: jg.wave_attenuation(e, (40, 0), times=times), repeat=1)
    one = product_seconds(e)
    top = timed(bound_of_spectrum, e, repeat=1)[1]
    return table(
        "One wave of a million particles to time 20, two columns",
        ("products", "first call", "run", "one product of two columns", "bound of the spectrum",
         "memory"),
        [(int(found.products), f"{first:.0f} s", f"{best:.0f} s", f"{one * 1e3:.0f} ms",
          f"{top:.1f} s", f"{peak_memory():.1f} GB")],
    )  # fmt: skip


if __name__ == "__main__":
    run(__doc__, (attenuation, stepping, million))
