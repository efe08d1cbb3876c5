"""Design by gradient: parameters of a potential are moved until its glasses have a property (optax,
through the quench).

    python examples/06_design_by_gradient.py       6 + 6 glasses of 128, minutes on two cores
    python examples/06_design_by_gradient.py --n 400 --samples 16

First the exponent and the two larger lengths of an inverse power law are changed until the mean
Poisson ratio reaches a target; then until the mean lowest frequency rises while the pressure stays.
Glasses that were not used show what is real.
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


def model_of(theta, base):
    """The model with its parameters; the size of the small particles is the unit of length."""
    mixed, large = jnp.exp(theta["mixed"]), jnp.exp(theta["large"])
    sigma = jnp.stack([jnp.stack([1.0, mixed]), jnp.stack([mixed, large])])
    return base.replace(sigma=sigma, parameters={"exponent": jnp.exp(theta["exponent"])})


def observe(theta, base, glass):
    """Poisson ratio, pressure, lowest frequency of the glass relaxed; that glass; a status."""
    model = model_of(theta, base)
    q = jg.quench(model, glass)
    e = jg.expand(model, q.glass)
    elastic, lowest = jg.elasticity(e), jg.lowest_modes(e, 1)
    numbers = jnp.stack([elastic.poisson, elastic.pressure, lowest.frequency[0]])
    return numbers, q.glass, q.status | elastic.status | lowest.status


def descend(objective, theta, base, glasses, held_out, steps, rate):
    """Adam on an objective of the mean observables; prints training and held-out means."""
    optimiser = optax.adam(rate)
    state = optimiser.init(theta)
    every = jax.vmap(observe, (None, None, 0))

    def loss(theta, glasses):
        numbers, moved, status = every(theta, base, glasses)
        means = jnp.mean(numbers, axis=0)
        return objective(means), (means, moved, status)

    slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
    check = jax.jit(lambda theta, glasses: loss(theta, glasses)[1])
    track = []
    for step in range(steps + 1):
        (value, (means, glasses, status)), gradient = slope(theta, glasses)
        held, held_out, held_status = check(theta, held_out)
        jg.require({"status": jnp.concatenate([status, held_status])})
        track.append([float(value), *np.asarray(means), *np.asarray(held)])
        if step % max(steps // 5, 1) == 0:
            both = "  ".join(f"{a:.4f} ({b:.4f})" for a, b in zip(means, held, strict=True))
            print(f"  step {step:3d}  Poisson, pressure, lowest frequency  {both}", flush=True)
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
    # Its bounds leave room for larger sizes.
    base = jg.models.inverse_power(sigma=((1.0, 1.25), (1.25, 1.55)), contacts=None)
    glasses = [jg.random_glass(jax.random.key(k), "ipl2d", args.n) for k in range(2 * args.samples)]
    train, held = jg.stack(glasses[: args.samples]), jg.stack(glasses[args.samples :])
    print(f"Poisson ratio towards {args.target}, held-out glasses in brackets")
    how = (START, base, train, held, args.steps, args.rate)
    first = descend(lambda m: (m[0] - args.target) ** 2 * 1e2, *how)
    pressure = first[1][0, 2]
    print(f"lowest frequency up at pressure {pressure:.3f}")
    rise = lambda m: -m[2] + 1e2 * (m[1] / pressure - 1) ** 2
    second = descend(rise, *how)
    args.out.parent.mkdir(exist_ok=True)
    draw(args, first[1], second[1]).savefig(args.out)
    print("parameters  " + "  ".join(f"{k} {float(jnp.exp(v)):.3f}" for k, v in second[0].items()))
    print(f"saved {args.out}")


def draw(args, first, second):
    plt = jg.plot.apply_style()
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    panels = (axes[0], first, 1, "Poisson ratio"), (axes[1], second, 3, "lowest frequency")
    for ax, track, column, label in panels:
        ax.plot(track[:, column], "o-", label="training glasses")
        ax.plot(track[:, column + 3], "s--", label="held out")
        ax.set(xlabel="step", ylabel=label)
        ax.legend()
    axes[0].axhline(args.target, color="0.5", linestyle=":")
    return figure


if __name__ == "__main__":
    main()
