"""A map of the residual plastic strength of a glass, with its first events and their modes.

    python examples/12_strength_map.py                     lj2d, 400 particles, sites 5 apart
    python examples/12_strength_map.py --n 10000 --spacing 2.5      the published grid, minutes

Each region bears so much more stress before it yields, alone in a frozen glass. The events of the
whole glass under simple shear happen in weak regions, and each traces back to a pseudo-harmonic
mode of the glass as it was made.
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


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--n", type=int, default=400)
    parser.add_argument("--spacing", type=float, default=5.0)
    parser.add_argument("--radius", type=float, default=5.0)
    parser.add_argument("--events", type=int, default=4)
    parser.add_argument("--time", type=float, default=20.0, help="of annealing")
    parser.add_argument("--out", type=Path, default=Path("demo/strength.png"))
    args = parser.parse_args()
    model, plan = jg.models.get("lj2d"), jg.protocols.annealed("lj2d", time=args.time)
    glass = jg.require(jg.make_glass(jax.random.key(0), "lj2d", args.n, protocol=plan)).glass
    run = jg.require(jg.shear(model, glass, max_strain=0.3, events=args.events))
    strength = jg.residual_plastic_strength(
        model, glass, radius=args.radius, spacing=args.spacing, progress=True
    )
    e = jg.require(jg.expand(model, glass))
    modes = jg.plasticity.modes_of_events(e, run.events)
    for k, particle in enumerate(run.events.particle):
        standing = jg.rank_score(strength.value, int(particle), sign=-1)
        likeness = abs(float(jnp.sum(modes.vector[k] * run.events.mode[k])))
        print(
            f"event {k + 1} at {float(run.events.strain[k]):.5f}, particle {int(particle)}: weaker "
            f"than {standing:.0%} of the glass; its mode as made has kappa "
            f"{float(modes.stiffness[k]):.2f} and overlap {likeness:.2f}"
        )
    args.out.parent.mkdir(exist_ok=True)
    draw(glass, strength, run, modes).savefig(args.out)
    print(f"saved {args.out}")


def draw(glass, strength, run, modes):
    """Particles by strength, arrows of the modes, marks where the events are."""
    figure, axis = jg.plot.apply_style().subplots(figsize=(7.5, 6.5))
    x = np.asarray(glass.position)
    dots = axis.scatter(*x.T, c=np.asarray(strength.value), s=18, cmap="viridis")
    figure.colorbar(dots, label="residual plastic strength")
    for vector in modes.vector:
        jg.plot.displacement_field(glass, vector, longest=3.0, least=0.1, ax=axis)
    jg.plot.marks(glass, run.events.particle, ax=axis)
    return figure


if __name__ == "__main__":
    main()
