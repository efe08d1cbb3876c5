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
    values = jnp.stack([elastic.poisson, elastic.pressure, lowest.frequency[0]])
    return values, (q.glass, q.status | elastic.status | lowest.status)


def descend(objective, args, glasses, held_out):
    """Adam on an objective of the mean observables; prints training and held-out means."""
    optimiser, theta, track = optax.adam(args.rate), START, []
    state = optimiser.init(theta)

    def loss(theta, glasses):
        values, others = jax.vmap(observe, (None, 0))(theta, glasses)
        return objective(values.mean(axis=0)), (values.mean(axis=0), *others)

    slope, check = jax.jit(jax.value_and_grad(loss, has_aux=True)), jax.jit(loss)
    for step in range(args.steps + 1):
        (_, (m, glasses, status)), gradient = slope(theta, glasses)
        _, (h, held_out, other) = check(theta, held_out)
        jg.require({"status": jnp.concatenate([status, other])})
        track.append([m, h])
        if step % max(args.steps // 5, 1) == 0:
            names = zip(("Poisson", "pressure", "lowest frequency"), m, h)
            text = "  ".join(f"{name} {a:.4f} ({b:.4f})" for name, a, b in names)
            print(f"  step {step:3d}  {text}", flush=True)
        updates, state = optimiser.update(gradient, state)
        theta = optax.apply_updates(theta, updates)
    return theta, np.array(track)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=128)
    parser.add_argument("--samples", type=int, default=6)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rate", type=float, default=0.01)
    parser.add_argument("--target", type=float, default=0.75, help="mean Poisson ratio to reach")
    parser.add_argument("--out", type=Path, default=Path("demo/design.png"))
    args = parser.parse_args()
    glasses = [jg.random_glass(jax.random.key(k), "ipl2d", args.n) for k in range(2 * args.samples)]
    sets = jg.stack(glasses[: args.samples]), jg.stack(glasses[args.samples :])
    print(f"Poisson ratio towards {args.target}, held-out glasses in brackets")
    _, first = descend(lambda m: (m[0] - args.target) ** 2 * 1e2, args, *sets)
    pressure = first[0, 0, 1]
    print(f"lowest frequency up at pressure {pressure:.3f}")
    theta, second = descend(lambda m: -m[2] + 1e2 * (m[1] / pressure - 1) ** 2, args, *sets)
    figure, axes = jg.plot.apply_style().subplots(1, 2, figsize=(10, 4))
    shown = {"Poisson ratio": first[:, :, 0], "lowest frequency": second[:, :, 2]}
    for ax, (label, values) in zip(axes, shown.items(), strict=True):
        ax.plot(values[:, 0], "o-", label="training glasses")
        ax.plot(values[:, 1], "s--", label="held out")
        ax.set(xlabel="step", ylabel=label)
        ax.legend()
    axes[0].axhline(args.target, color="0.5", linestyle=":")
    args.out.parent.mkdir(exist_ok=True)
    figure.savefig(args.out)
    print("parameters  " + "  ".join(f"{k} {float(jnp.exp(v)):.3f}" for k, v in theta.items()))
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
