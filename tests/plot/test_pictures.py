"""Pictures draw what they are given."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest

import jaxglass as jg


def test_particles_have_their_sizes(ipl, poly):
    ax = jg.plot.particles(ipl.glass, model=ipl.model)
    radii = [p.get_extents().width / 2 for p in ax.collections[0].get_paths()]
    assert len(radii) == 400
    assert max(radii) / min(radii) == pytest.approx(1.4, rel=1e-6)
    assert (
        len(jg.plot.particles(poly.glass, color=np.arange(400)).collections[0].get_paths()) == 400
    )


def test_bond_field_draws_every_valid_bond(ipl, tmp_path):
    force = np.linalg.norm(np.asarray(ipl.expansion.force), axis=1)
    ax = jg.plot.bond_field(ipl.expansion, force, signed=False, label="force")
    assert len(ax.collections[0].get_segments()) == int(ipl.expansion.bonds.count)
    ax.figure.savefig(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 20_000


def test_arrows_are_scaled_to_the_longest(ipl):
    ax = jg.plot.displacement_field(ipl.glass, ipl.direction, longest=2.0)
    q = ax.collections[0]
    assert np.hypot(q.U, q.V).max() == pytest.approx(2.0 * 0.86**-0.5, rel=1e-6)


def test_a_solid_is_refused_with_a_sentence():
    import jax

    with pytest.raises(ValueError, match="glass must be planar"):
        jg.plot.particles(jg.random_glass(jax.random.key(0), "kalj", 20))
