"""A potential is changed until the first plastic event of its glasses comes later.

    python examples/11_design_of_yielding.py    8 + 8 glasses of 100, some minutes on two cores
    python examples/11_design_of_yielding.py --n 400 --samples 32

The strain of the first event is the fold of an elastic branch, whose derivative with respect to the
exponent and the lengths of an inverse power law is exact. The pressure stays. Glasses that were not
used show what is real: an ensemble of first events is broad, so small sets gain by chance, too.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parents[1] / ".cache/jax"))

import jax.numpy as jnp
import numpy as np
import optax

import jaxglass as jg

START = {"exponent": jnp.log(10.0), "mixed": jnp.log(1.18), "large": jnp.log(1.4)}
BASE = jg.models.inverse_power(sigma=((1.0, 1.25), (1.25, 1.55)), contacts=None)  # room for sizes


def observe(theta, glass):
    """Strain of the first event and pressure; the small particles keep their size."""
    p = {name: jnp.exp(value) for name, value in theta.items()}
    sigma = jnp.array([[1.0, p["mixed"]], [p["mixed"], p["large"]]])
    model = BASE.replace(sigma=sigma, parameters={"exponent": p["exponent"]})
    q = jg.quench(model, glass)
    event = jg.first_event(model, q.glass, max_strain=0.4)
    pressure = -jnp.trace(jg.stress(jg.expand(model, q.glass))) / 2
    return jnp.stack([event.strain, pressure]), (q.glass, q.status | event.status)


def slopes(theta, glasses):
    """Means, strains, and the slope of both means in every number of the potential."""

    def means(theta):
        values, others = jax.lax.map(lambda glass: observe(theta, glass), glasses)
        return values.mean(axis=0), (values, others)

    return jax.jacfwd(means, has_aux=True)(theta)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    defaults = {"n": 100, "samples": 8, "steps": 10, "rate": 0.01}
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{value}")
    parser.add_argument("--out", type=Path, default=Path("demo/yielding.png"))
    args = parser.parse_args()
    keys = jax.random.split(jax.random.key(0), (2, args.samples))
    glasses, held_out = (
        jg.stack([jg.random_glass(key, "ipl2d", args.n) for key in row]) for row in keys
    )
    compiled, optimiser, theta = jax.jit(slopes), optax.adam(args.rate), START
    state, track, pressure = optimiser.init(theta), [], None
    for step in range(args.steps + 1):
        slope, (values, (glasses, status)) = compiled(theta, glasses)
        _, (other, (held_out, others)) = compiled(theta, held_out)
        jg.require({"status": jnp.concatenate([status, others])})
        strain, now = values.mean(axis=0)
        pressure = now if pressure is None else pressure
        track.append([strain, other[:, 0].mean()])
        error = float(other[:, 0].std() / np.sqrt(args.samples))
        print(
            f"step {step:3d}  first event at {float(strain):.4f}, held out "
            f"{float(track[-1][1]):.4f} +- {error:.4f}, pressure {float(now / pressure):.4f}",
            flush=True,
        )
        off = now / pressure - 1
        gradient = {k: -v[0] / track[0][0] + 1e2 * off * v[1] / pressure for k, v in slope.items()}
        updates, state = optimiser.update(gradient, state)
        theta = optax.apply_updates(theta, updates)
    figure, axis = jg.plot.apply_style().subplots(figsize=(6, 4))
    axis.plot(np.array(track), "o-", label=["training glasses", "held out"])
    axis.set(xlabel="step", ylabel="mean strain of the first event")
    axis.legend()
    args.out.parent.mkdir(exist_ok=True)
    figure.savefig(args.out)
    print("parameters  " + "  ".join(f"{k} {float(jnp.exp(v)):.3f}" for k, v in theta.items()))
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
