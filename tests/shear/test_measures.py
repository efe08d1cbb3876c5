"""Local maps, coarse-grained fields, bands."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from shared import made

import jaxglass as jg


def sheared(glass, strain=0.02):
    return jg.deformed(glass, jnp.eye(glass.dim).at[0, 1].set(strain))


@pytest.mark.parametrize("name", ("ipl2d_400", "kalj_500"))
def test_an_affine_map_is_found_and_leaves_nothing(name):
    glass = made(name).glass
    gradient = jnp.eye(glass.dim) + 0.02 * jnp.cos(jnp.arange(glass.dim**2.0)).reshape(
        glass.dim, -1
    )
    found = jg.plasticity.local_map(glass, jg.deformed(glass, gradient))
    expected = jnp.broadcast_to(gradient - jnp.eye(glass.dim), found.gradient.shape)
    np.testing.assert_allclose(found.gradient, expected, atol=1e-12)
    assert float(jnp.max(found.d2min)) < 1e-20


def test_equals_least_squares_of_every_particle(ipl):
    glass = ipl.glass
    after = sheared(glass).replace(
        position=sheared(glass).position + 0.05 * jnp.sin(jnp.arange(800.0)).reshape(400, 2)
    )
    found = np.asarray(jg.d2min(glass, after, cutoff=2.2))
    seen = lambda g, i: np.asarray(g.box.minimum_image(g.position - g.position[i]))
    for i in (0, 17, 399):
        r, new = seen(glass, i), seen(after, i)
        near = (np.linalg.norm(r, axis=1) < 2.2) & (np.arange(400) != i)
        j, *_ = np.linalg.lstsq(r[near], new[near], rcond=None)
        assert found[i] == pytest.approx(np.sum((new[near] - r[near] @ j) ** 2), rel=1e-10)


def test_does_not_see_translations_wrapping_or_flips(ipl):
    after = sheared(ipl.glass, 0.4)
    moved = after.replace(position=after.box.wrap(after.position + 3.0))
    assert float(jnp.max(jg.d2min(ipl.glass, moved))) < 1e-20
    assert float(jnp.max(jnp.abs(jg.plasticity.nonaffine_displacement(ipl.glass, moved)))) < 1e-11


def test_jit_and_vmap(ipl):
    after = sheared(ipl.glass).replace(position=sheared(ipl.glass).position.at[7, 0].add(0.1))
    alone = jg.d2min(ipl.glass, after)
    assert int(jnp.argmax(alone)) == 7
    np.testing.assert_allclose(jax.jit(jg.d2min)(ipl.glass, after), alone, atol=1e-15)
    two = jax.vmap(jg.d2min, (None, 0))(ipl.glass, jg.stack([after, sheared(ipl.glass)]))
    np.testing.assert_allclose(two[0], alone, atol=1e-15)
    assert float(jnp.max(two[1])) < 1e-20


def test_coarse_grained_strain_of_a_smooth_displacement(ipl):
    """A long wave of displacements has the strain of its gradient, less what the width blurs."""
    glass, k = ipl.glass, 2 * np.pi / ipl.length
    u = 1e-3 * jnp.stack([jnp.sin(k * glass.position[:, 1]), jnp.zeros(400)], axis=1)
    coarse = jg.plasticity.coarse_grained(
        glass, glass.replace(position=glass.position + u), width=1.5
    )
    expected = 0.5e-3 * k * jnp.cos(k * glass.position[:, 1]) * np.exp(-0.5 * (1.5 * k) ** 2)
    scale = float(jnp.max(jnp.abs(expected)))
    assert float(jnp.sqrt(jnp.mean((coarse.strain[:, 0, 1] - expected) ** 2))) < 0.25 * scale
    assert float(jnp.corrcoef(coarse.strain[:, 0, 1], expected)[0, 1]) > 0.97


def test_a_band_is_found(ipl):
    place = ipl.glass.position[:, 1] / ipl.length
    values = jnp.exp(-0.5 * ((place - 0.3) / 0.05) ** 2)
    band = jg.plasticity.band_profile(ipl.glass, values, slabs=20)
    assert abs(float(band.centre) - 0.3) < 0.05
    assert float(jnp.max(band.inside)) <= 0.5
    near = band.inside < 0.05
    assert float(values[near].min()) > float(values[band.inside > 0.2].max())


def test_bad_input(ipl):
    with pytest.raises(ValueError, match="after must have the particles of before"):
        jg.d2min(ipl.glass, made("poly2d_400").glass.replace(position=jnp.zeros((3, 2))))
    with pytest.raises(ValueError, match="cutoff must be at most half the box"):
        jg.d2min(ipl.glass, ipl.glass, cutoff=50.0)
    with pytest.raises(TypeError, match="before must be a Glass"):
        jg.d2min(ipl.glass.position, ipl.glass)
    with pytest.raises(ValueError, match="values must have shape"):
        jg.plasticity.band_profile(ipl.glass, jnp.ones(3))
