"""What a user of types writes: mypy --strict passes it, and it runs with nothing but the package
and what that needs.
"""

import os

os.environ["JAX_ENABLE_X64"] = "1"

import jax

import jaxglass as jg


def softest(model: jg.PairModel, glass: jg.Glass) -> tuple[float, jax.Array]:
    """Frequency and vector of the softest mode of the inherent structure below a glass."""
    quenched = jg.require(jg.quench(model, glass))
    assert quenched.glass.position.shape == glass.position.shape
    moved = glass.replace(position=quenched.glass.position + 0.1)
    expansion = jg.require(jg.expand(model, quenched.glass))
    factor: jg.Factor = jg.factorise(expansion)
    modes = jg.require(jg.lowest_modes(expansion, 3, factor=factor, method="direct"))
    thermal = jg.local_thermal_energy(expansion, factor=factor)
    assert thermal.status == 0 and moved.count == glass.count
    return float(modes.frequency[0]), modes.vector[0]


if __name__ == "__main__":
    frequency, vector = softest(
        jg.models.get("ipl2d"), jg.random_glass(jax.random.key(0), "ipl2d", 64)
    )
    print(
        f"jaxglass {jg.__version__}: "
        f"lowest frequency {frequency:.6f} of {vector.shape[0]} particles"
    )
