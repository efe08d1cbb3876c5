"""Mobility that a configuration decides, beside the local stiffness of its inherent structure
(thesis, figures 6.2, 6.6 and 6.7).

    python examples/21_propensity.py [--n 400] [--samples 2] [--runs 20] [--temperature 0.55]

Neighbour-relative displacements after a sixth of the relaxation time, means over runs from one
configuration, against the dipole stiffness of every bond; rank correlations within species.
Defaults take five minutes; the thesis has --temperature 0.48 --samples 240.
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

NEIGHBOURS = 1.8  # the first shell


def relaxation(model, glass, args):
    """Relaxation time of the large species, by F_s at the first peak of S(q), and a late glass."""
    t = args.temperature
    motion = jg.prepare.start_dynamics(jax.random.key(args.seed), model, glass, temperature=t)
    motion = jg.prepare.run_dynamics(model, motion, round(args.time / 0.005), temperature=t)
    times = jg.prepare.linear_times(args.time, 200)
    motion, run = jg.prepare.record(model, motion, times, temperature=t, progress=True)
    large = np.asarray(glass.species) == 1
    q = float(jg.liquid.structure_factor_peak(run.position[::20], glass.box, select=large).peak)
    still = jg.liquid.neighbour_relative(run.position, glass, cutoff=NEIGHBOURS)
    f = jg.liquid.intermediate_scattering(still, run.time, q, select=large)
    tau = float(jg.liquid.relaxation_time(f.lag, f.value))
    return (tau if np.isfinite(tau) else args.time), motion.now()


def indicators(e):
    """Fields that should be high where particles move, from the inherent structure."""
    stiffness = jg.dipole_stiffness(e)
    return stiffness, {
        "stiffness": -jg.particle_mean(e, stiffness),
        "vibrality": jg.indicators.vibrality(e),
        "thermal energy": jg.particle_sum(e, jnp.abs(jg.local_thermal_energy(e).value)),
        "density": -jg.indicators.density(jg.models.get("ipl2d"), e.glass),
    }


def sample(model, seed, tau, start, args):
    """Mobility and indicators of one configuration, some relaxation times after the last."""
    t = args.temperature
    motion = jg.prepare.start_dynamics(jax.random.key(seed), model, start, temperature=t)
    now = jg.prepare.run_dynamics(model, motion, round(2 * tau / 0.005), temperature=t).now()
    key, how = jax.random.key(seed + 1), {"runs": args.runs, "neighbours": NEIGHBOURS}
    found = jg.liquid.propensity(key, model, now, temperature=t, time=tau / 6, **how)
    e = jg.expand(model, jg.require(jg.quench(model, now)).glass)
    return np.asarray(jg.require(found).value[0]), *indicators(e), e, now


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, default in (("n", 400), ("samples", 2), ("runs", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--temperature", type=float, default=0.55)
    parser.add_argument("--time", type=float, default=200.0, help="of equilibration, and recorded")
    parser.add_argument("--out", type=Path, default=Path("demo/propensity.png"))
    args = parser.parse_args()
    args.out.parent.mkdir(exist_ok=True)
    model = jg.models.get("ipl2d")
    start = jg.quench(model, jg.random_glass(jax.random.key(0), "ipl2d", args.n))
    tau, late = relaxation(model, jg.require(start).glass, args)
    print(f"relaxation time {tau:.3g}")
    correlations, ranks = [], []
    for seed in range(1, 2 * args.samples, 2):
        mobility, stiffness, fields, e, late = sample(model, seed, tau, late, args)
        species = np.asarray(late.species)
        alike = lambda v, of=(mobility, species): jg.liquid.spearman_by_species(of[0], v, of[1])
        correlations.append({k: alike(v) for k, v in fields.items()})
        most = jg.liquid.extremes(late, mobility, cutoff=2.0)
        rank = jg.liquid.ranks_by_species(-np.asarray(fields["stiffness"]), species)
        ranks.append((rank[most.mobile].mean(), rank[most.immobile].mean()))
    for name in fields:
        each = [c[name] for c in correlations]
        print(f"Spearman with {name}: {np.mean(each):.2f} +- {np.std(each) / len(each) ** 0.5:.2f}")
    print("mean rank of stiffness of mobile and immobile:", np.round(1 - np.mean(ranks, 0), 2))
    figure, axes = jg.plot.apply_style().subplots(1, 2, figsize=(11, 5))
    jg.plot.particles(late, model=model, color=mobility, ax=axes[0]).set_title("propensity")
    jg.plot.bond_field(e, 1 / stiffness, signed=False, ax=axes[1]).set_title("1 / local stiffness")
    figure.savefig(args.out)


if __name__ == "__main__":
    main()
