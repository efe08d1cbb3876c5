"""The catalogue of soft spots: complete, without doubles, honest about what it could not find."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxglass as jg


@pytest.fixture(scope="module")
def low(ipl):
    harmonic = jg.lowest_modes(ipl.expansion, 3)
    return harmonic, jg.require(jg.quartic_mode(ipl.expansion, harmonic.vector[0]))


@pytest.mark.long
def test_two_distant_soft_spots_hybridise_and_part_again(ipl, low):
    """A sum of two modes of distant cores: the search lands on one, and what is left of the sum
    leads to the other.
    """
    e = ipl.expansion
    spots = jg.soft_spots(e, most=256, rarest=0.02)
    a, b = spots.vector[0], spots.vector[1]
    mixed = (a + 0.9 * b) / jnp.linalg.norm(a + 0.9 * b)
    first = jg.pseudo_harmonic_mode(e, mixed)
    second = jg.pseudo_harmonic_mode(e, jg.modes.core_difference(mixed, first.vector))
    found = np.abs(
        np.einsum("knd,lnd->kl", np.stack([first.vector, second.vector]), np.stack([a, b]))
    )
    assert found.max(0).min() > 0.999


def test_the_catalogue_of_a_saddle_or_of_nothing_soft(ipl):
    moved = ipl.glass.replace(position=ipl.glass.position + 4.0 * ipl.direction)
    saddle = jg.soft_spots(jg.expand(ipl.model, moved))
    assert int(saddle.status) == jg.Status.NOT_A_MINIMUM and saddle.tried == 0
    none = jg.require(jg.soft_spots(ipl.expansion, stiffest=1e-9))
    assert none.vector.shape[0] == 0 and none.tried > 0


def test_the_catalogue(ipl):
    e = ipl.expansion
    spots = jg.require(jg.soft_spots(e))
    assert len(spots.stiffness) >= 5 and int(spots.failed) == 0
    assert int(np.sum(spots.hits)) == int(spots.tried)
    overlap = np.abs(np.einsum("and,bnd->ab", spots.vector, spots.vector)) - np.eye(
        len(spots.stiffness)
    )
    assert overlap.max() < 0.99
    # Other starts find nothing new, and an entry is where the search from its own vector ends.
    label, hits = jg.modes.merge_modes(
        jg.pseudo_harmonic_mode(e, jg.modes.random_seeds(jax.random.key(8), e, 64))
    )
    other = jg.pseudo_harmonic_mode(e, jg.modes.random_seeds(jax.random.key(8), e, 64)).vector[
        np.unique(label)
    ]
    assert np.abs(np.einsum("and,bnd->ab", other, spots.vector)).max(1).min() > 0.99
    assert int(hits.sum()) == 64
    soft = jg.soft_spots(e, stiffest=float(spots.stiffness[1]) * 1.01)
    assert len(soft.stiffness) == 2
    few = jg.soft_spots(e, most=3, batch=3)
    assert int(few.tried) == 3


def test_a_search_needs_a_function_of_soft_modes(ipl):
    with pytest.raises(TypeError, match="search must be a function such as quartic_mode"):
        jg.soft_spots(ipl.expansion, search="soft")
