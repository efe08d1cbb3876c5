"""Distributions, exponents and ranks against exact cases."""

import jax
import numpy as np
import pytest
import scipy.stats

import jaxglass as jg

RNG = np.random.default_rng(0)


def test_a_density_integrates_to_one():
    x = RNG.lognormal(size=5000)
    edges = np.geomspace(x.min(), x.max(), 21)
    h = jg.analysis.log_histogram(x, 20)
    assert len(h.middle) == 20
    assert np.sum(h.density * np.diff(edges)) == pytest.approx(1, rel=1e-12)


def test_the_exponent_of_a_power_law_lies_in_its_interval():
    """Of 40 samples of a known law, 95 % intervals hold the exponent in all but a few (binomial,
    five deviations).
    """
    inside = 0
    for k in range(40):
        found = jg.analysis.tail_exponent(
            np.random.default_rng(k).pareto(1.25, 500) + 1,
            1.0,
            resamples=200,
            key=jax.random.key(k),
        )
        inside += found.low < -2.25 < found.high
    assert inside >= 40 * 0.95 - 5 * np.sqrt(40 * 0.95 * 0.05)


def test_groups_widen_the_interval_when_their_members_agree():
    x = np.repeat(RNG.pareto(1.25, 200) + 1, 20)
    alone = jg.analysis.tail_exponent(x, 1.0)
    grouped = jg.analysis.tail_exponent(x, 1.0, groups=np.repeat(np.arange(200), 20))
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 3 * (alone.high - alone.low)


def test_ranks_and_spearman_equal_scipy():
    a, b = RNG.integers(0, 9, 60), RNG.normal(size=60)
    np.testing.assert_allclose(jg.analysis.ranks(a), scipy.stats.rankdata(a) - 1)
    assert jg.analysis.spearman(a, b) == pytest.approx(
        scipy.stats.spearmanr(a, b).statistic, abs=1e-12
    )
    assert jg.rank_score(b, int(np.argmin(b))) == 0


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="samples must hold positive numbers"):
        jg.analysis.log_histogram([-1.0, 0.0])
    with pytest.raises(ValueError, match="start must leave at least 10 samples"):
        jg.analysis.tail_exponent([1.0, 2.0], 1.5)
    with pytest.raises(ValueError, match="groups must label every sample"):
        jg.analysis.tail_exponent(np.ones(20), 0.5, groups=[1])
