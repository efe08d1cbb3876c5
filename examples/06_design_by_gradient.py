"""Design by gradient: a potential is changed until its glasses have a property.

    python examples/06_design_by_gradient.py    6 + 6 glasses of 128, a few minutes on two cores
    python examples/06_design_by_gradient.py --n 400 --samples 16

First the exponent and the two larger lengths of an inverse power law are changed (optax, through
the quench) until the mean Poisson ratio reaches a target; then until the mean lowest frequency
rises while the pressure stays. Glasses that were not used show what is real.
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
    """Poisson ratio, pressure, lowest frequency of a glass; its small particles keep their size."""
    p = {name: jnp.exp(value) for name, value in theta.items()}
    sigma = jnp.array([[1.0, p["mixed"]], [p["mixed"], p["large"]]])
    model = BASE.replace(sigma=sigma, parameters={"exponent": p["exponent"]})
    q = jg.quench(model, glass)
    e = jg.expand(model, q.glass)
    factor = jg.factorise(e)
    elastic, lowest = jg.elasticity(e, factor=factor), jg.lowest_modes(e, 1, factor=factor)
    seen = jnp.stack([elastic.poisson, elastic.pressure, lowest.frequency[0]])
    return seen, (q.glass, q.status | elastic.status | lowest.status)


@jax.jit
def averages(theta, glasses):
    """Mean observables and their slopes, compiled once for every objective and set of glasses."""

    def means(theta):
        values, others = jax.vmap(observe, (None, 0))(theta, glasses)
        return values.mean(axis=0), (values.mean(axis=0), others)

    return jax.jacrev(means, has_aux=True)(theta)


def descend(objective, args, glasses, held_out):
    """Adam on an objective of the mean observables; prints training and held-out means."""
    optimiser, theta, track = optax.adam(args.rate), START, []
    state = optimiser.init(theta)
    for step in range(args.steps + 1):
        slopes, (m, (glasses, status)) = averages(theta, glasses)
        _, (h, (held_out, other)) = averages(theta, held_out)
        jg.require({"status": jnp.concatenate([status, other])})
        track.append([m, h])
        names = zip(("Poisson", "pressure", "lowest frequency"), m, h)
        print(f"  step {step:3d}", *(f" {k} {a:.4f} ({b:.4f})" for k, a, b in names), flush=True)
        gradient = {name: jax.grad(objective)(m) @ slope for name, slope in slopes.items()}
        updates, state = optimiser.update(gradient, state)
        theta = optax.apply_updates(theta, updates)
    return theta, np.array(track)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    defaults = {"n": 128, "samples": 6, "steps": 15, "rate": 0.01, "target": 0.75}
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value, help=f"{value}")
    parser.add_argument("--out", type=Path, default=Path("demo/design.png"))
    args = parser.parse_args()
    keys = jax.random.split(jax.random.key(0), (2, args.samples))
    sets = [jg.stack([jg.random_glass(key, "ipl2d", args.n) for key in row]) for row in keys]
    print(f"Poisson ratio towards {args.target}, held-out glasses in brackets")
    _, first = descend(lambda m: (m[0] - args.target) ** 2 * 1e2, args, *sets)
    print(f"lowest frequency up at pressure {(pressure := first[0, 0, 1]):.3f}")
    theta, second = descend(lambda m: -m[2] + 1e2 * (m[1] / pressure - 1) ** 2, args, *sets)
    figure, axes = jg.plot.apply_style().subplots(1, 2, figsize=(10, 4))
    shown = {"Poisson ratio": first[:, :, 0], "lowest frequency": second[:, :, 2]}
    for ax, (label, values) in zip(axes, shown.items(), strict=True):
        ax.plot(values, "o-", label=["training glasses", "held out"])
        ax.set(xlabel="step", ylabel=label)
        ax.legend()
    axes[0].axhline(args.target, color="0.5", linestyle=":")
    args.out.parent.mkdir(exist_ok=True)
    figure.savefig(args.out)
    print("parameters  " + "  ".join(f"{k} {float(jnp.exp(v)):.3f}" for k, v in theta.items()))
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
