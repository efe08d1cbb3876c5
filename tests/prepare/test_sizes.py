"""Minimisation in which sizes move too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def liquid():
    model = jg.models.get("poly2d")
    start = jg.prepare.push_apart(model, jg.random_glass(jax.random.key(0), "poly2d", 100))
    run = jg.swap_monte_carlo(jax.random.key(1), model, start, temperature=0.2, sweeps=300)
    return model.replace(reach=3.0), run.glass  # sizes will grow


@pytest.mark.long
def test_softer_springs_make_stiffer_glasses(liquid):
    model, glass = liquid
    plain = jg.quench(model, glass)
    energies, spreads = [float(jg.energy(model, plain.glass))], [0.0]
    for stiffness in (1e4, 1e2, 3e1):
        soft = jg.prepare.relax_sizes(model, glass, stiffness=stiffness)
        assert int(soft.status) == 0 and float(soft.force) < 1e-6
        assert float(jnp.abs(jg.force(model, soft.glass)).max()) < 1e-9
        volume = lambda g: float(jnp.sum(g.diameter**2))
        assert volume(soft.glass) == pytest.approx(volume(glass), rel=1e-12)
        energies.append(float(jg.energy(model, soft.glass)))
        spreads.append(float(soft.spread))
    assert np.all(np.diff(energies) < 0) and np.all(np.diff(spreads) > 0)
    modulus = lambda g: float(jg.shear_modulus(jg.expand(model, g)).total)
    assert modulus(soft.glass) > modulus(plain.glass)


@pytest.mark.long
def test_infinite_springs_leave_the_inherent_structure(liquid):
    model, glass = liquid
    stiff = jg.prepare.relax_sizes(model, glass, stiffness=1e9)
    assert float(stiff.spread) < 1e-6
    inherent = jg.energy(model, jg.quench(model, glass).glass)
    assert float(jg.energy(model, stiff.glass)) == pytest.approx(float(inherent), rel=1e-3)


@pytest.mark.long
def test_under_jit_and_vmap(liquid):
    model, glass = liquid
    relax = lambda k: jg.prepare.relax_sizes(model, glass, stiffness=k)
    both = jax.jit(jax.vmap(relax))(jnp.array([100.0, 1000.0]))
    assert np.all(both.status == 0)
    assert float(both.spread[0]) == pytest.approx(float(relax(100.0).spread), rel=1e-5)


def test_refusals(liquid):
    model, glass = liquid
    with pytest.raises(ValueError, match="stiffness must be a positive number"):
        jg.prepare.relax_sizes(model, glass, stiffness=0.0)
    narrow = jg.models.get("poly2d")
    with pytest.raises(ValueError, match="beyond its bound 2.23125"):
        jg.prepare.relax_sizes(narrow, glass, stiffness=3.0)
    binary = jg.random_glass(jax.random.key(0), "ipl2d", 64)
    with pytest.raises(ValueError, match="one of diameters, found ipl2d with species"):
        jg.prepare.relax_sizes(jg.models.get("ipl2d"), binary, stiffness=1.0)
