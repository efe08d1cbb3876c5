"""A potential is changed so that the first plastic events of its glasses come later.

    python examples/11_design_of_yielding.py    32 + 32 glasses of 100, five minutes on two cores

Five bumps on an inverse power law are moved along the mean exact derivative at constant pressure;
glasses held out show what is real. Events move as the derivative says while they stay the first.
Others come forward, which no derivative along a branch sees: the median comes later, not the mean.
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

import jaxglass as jg

AT = {f"bump at {x:.2f}": x for x in np.linspace(0.95, 1.35, 5)}  # in units of sigma


def bumpy(x, p):
    return x**-10 + sum(p[name] * jnp.exp(-(((x - y) / 0.1) ** 2)) for name, y in AT.items())


BASE = jg.models.pair(bumpy, dict.fromkeys(AT, 0.0), sigma=[[1, 1.18], [1.18, 1.4]], cutoff=1.48)


@jax.jit
def observe(heights, glass):
    model = BASE.replace(parameters=dict(zip(AT, heights, strict=True)))
    q = jg.quench(model, glass)
    event = jg.first_event(model, q.glass, max_strain=0.4)
    values = jnp.stack([event.strain, -jnp.trace(jg.stress(jg.expand(model, q.glass))) / 2])
    return values, (values, q.glass, event.particle, q.status | event.status)


def look(function, heights, glasses):
    first, rest = zip(*(function(heights, glass) for glass in glasses), strict=True)
    values, glasses, particle, status = zip(*rest, strict=True)
    jg.require({"status": jnp.stack(status)})
    return np.array(first), np.array(values), glasses, np.array(particle)


def way_at_constant_pressure(slope, values, wanted, gain):
    """The bumps' change that brings events later by a share of strain, to the pressure wanted."""
    strain, stress = slope[:, 0], slope[:, 1].mean(axis=0) / wanted[1]
    most = 3 * np.median(np.abs(strain), axis=0)  # no glass may say more about the way to go
    mean, press = np.clip(strain, -most, most).mean(axis=0), stress / (stress @ stress)
    way = mean - press * (mean @ stress)
    return gain * wanted[0] * way / (way @ mean) - np.log(values[:, 1].mean() / wanted[1]) * press


def report(name, values, particle, start):
    change, same = values[:, 0] - start[0][:, 0], particle == start[1]
    kept, error = change[same].mean() if same.any() else 0.0, change.std() / len(change) ** 0.5
    mean, median, pressure = change.mean(), np.median(change), values[:, 1].mean()
    print(f"{name}: changed by {mean:+.4f} +- {error:.4f}, median {median:+.4f}", end="; ")
    print(f"{100 * same.mean():.0f} % at the same particle, {kept:+.4f}; pressure {pressure:.3f}")
    return median, mean


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    defaults = {"n": 100, "samples": 32, "steps": 3, "gain": 0.03, "rate": 1e-2}  # of cooling
    for option, value in (defaults | {"out": Path("demo/yielding.png")}).items():
        parser.add_argument(f"--{option}", type=type(value), default=value, help=f"{value}")
    args = parser.parse_args()
    count, plan = args.samples, jg.protocols.cooled("ipl2d", rate=args.rate)
    keys = jax.random.split(jax.random.key(0), 2 * count)
    made = jg.make_glasses(keys, "ipl2d", args.n, protocol=plan, progress=True).glass
    every = [jax.tree.map(lambda a, k=k: a[k], made) for k in range(2 * count)]
    glasses, held_out = every[:count], every[count:]
    slopes = jax.jit(jax.jacfwd(observe, has_aux=True))
    heights, track, start = jnp.zeros(len(AT)), [], None
    for step in range(args.steps + 1):
        slope, values, glasses, particle = look(slopes, heights, glasses)
        _, others, held_out, other = look(observe, heights, held_out)
        start = start or ((values, particle), (others, other))
        row = report(f"step {step}, training", values, particle, start[0])
        track.append(row + report(f"step {step}, held out", others, other, start[1]))
        heights += way_at_constant_pressure(slope, values, start[0][0].mean(axis=0), args.gain)
    figure, axis = jg.plot.apply_style().subplots(figsize=(6, 4))
    axis.plot(np.array(track), "o-", label=["median", "mean", "median, held out", "mean, held out"])
    axis.legend()
    axis.set(xlabel="step", ylabel="change of the strain of the first event")
    args.out.parent.mkdir(exist_ok=True)
    figure.savefig(args.out)
    print(f"saved {args.out}")


if __name__ == "__main__":
    main()
