"""Back-tests of value at risk by their definitions, and their size under a right model."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from tradsys.core.errors import DataError
from tradsys.numerics import coverage, tail_risk
from tradsys.numerics.coverage import Transitions, Zone


@pytest.mark.parametrize("hits", [0, 1, 3, 12, 250])
def test_kupiec_is_twice_a_difference_of_binomial_likelihoods(hits: int) -> None:
    found = coverage.kupiec(hits, days=250, confidence=0.99)
    own = scipy.stats.binom.logpmf(hits, 250, hits / 250)
    promised = scipy.stats.binom.logpmf(hits, 250, 0.01)
    assert found.statistic == pytest.approx(2.0 * (own - promised), rel=1e-9, abs=1e-10)
    assert found.p_value == pytest.approx(scipy.stats.chi2.sf(found.statistic, 1), rel=1e-12)


def test_independence_by_hand() -> None:
    hits = np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 0], bool)
    assert coverage.transitions(hits) == Transitions(quiet_quiet=4, quiet_hit=2, hit_quiet=2, hit_hit=1)
    apart = 4 * math.log(4 / 6) + 2 * math.log(2 / 6) + 2 * math.log(2 / 3) + math.log(1 / 3)
    together = 6 * math.log(6 / 9) + 3 * math.log(3 / 9)
    found = coverage.christoffersen_independence(hits)
    assert found.statistic == pytest.approx(2.0 * (apart - together), abs=1e-12)
    both = coverage.christoffersen_coverage(hits, confidence=0.9)
    assert both.statistic == pytest.approx(
        found.statistic + coverage.kupiec(3, days=10, confidence=0.9).statistic, rel=1e-14
    )
    assert both.p_value == pytest.approx(scipy.stats.chi2.sf(both.statistic, 2), rel=1e-12)


def test_bunched_hits_fail_independence_and_not_frequency() -> None:
    hits = np.zeros(1000, bool)
    hits[500:510] = True
    assert not coverage.kupiec(10, days=1000, confidence=0.99).rejects()
    assert coverage.christoffersen_independence(hits).rejects(significance=0.001)
    assert coverage.christoffersen_coverage(hits, confidence=0.99).rejects()


def test_a_right_model_is_seldom_rejected() -> None:
    draws = np.random.default_rng(5).random((400, 1000)) < 0.05
    rejected = [coverage.kupiec(int(each.sum()), days=1000, confidence=0.95).rejects() for each in draws]
    assert 0.02 < np.mean(rejected) < 0.09
    rejected = [coverage.christoffersen_coverage(each, confidence=0.95).rejects() for each in draws]
    assert 0.02 < np.mean(rejected) < 0.11


def test_rolling_forecast_uses_only_the_days_before() -> None:
    profits = np.random.default_rng(2).normal(0.0, 1.0, 400)
    found = coverage.rolling_value_at_risk(profits, window=250, confidence=0.99)
    expected = [
        tail_risk.historical(profits[day - 250 : day], confidence=0.99).value_at_risk for day in range(250, 400)
    ]
    assert found == pytest.approx(expected, rel=1e-14)
    assert len(coverage.rolling_value_at_risk(profits[:250], window=250, confidence=0.99)) == 0
    profits[300] = math.nan
    found = coverage.rolling_value_at_risk(profits, window=250, confidence=0.99)
    assert np.isnan(found[51:]).all() and np.isfinite(found[:51]).all()


def test_only_a_loss_beyond_the_forecast_is_a_hit() -> None:
    profits, forecasts = np.array([-3.0, -2.0, -1.0, 5.0]), np.full(4, 2.0)
    assert coverage.exceeded(profits, value_at_risk=forecasts).tolist() == [True, False, False, False]
    with pytest.raises(DataError, match="3 profits against 4"):
        coverage.exceeded(profits[:3], value_at_risk=forecasts)
    with pytest.raises(DataError, match="day 1 is not known"):
        coverage.exceeded(np.array([1.0, math.nan]), value_at_risk=np.zeros(2))


def test_zones_follow_the_binomial_at_other_lengths() -> None:
    for days, confidence in ((500, 0.99), (250, 0.95), (1000, 0.975)):
        for hits in range(days // 5):
            reached = scipy.stats.binom.cdf(hits, days, 1.0 - confidence)
            zone = Zone.RED if reached >= 0.9999 else Zone.YELLOW if reached >= 0.95 else Zone.GREEN
            assert coverage.traffic_light(hits, days=days, confidence=confidence) is zone


def test_nothing_is_made_of_no_days() -> None:
    alone = coverage.christoffersen_independence(np.zeros(1, bool))
    assert math.isnan(alone.statistic) and alone.rejects()
    for hits, days in ((0, 0), (11, 10), (-1, 10)):
        with pytest.raises(DataError, match="hits in"):
            coverage.kupiec(hits, days=days, confidence=0.99)
        with pytest.raises(DataError, match="hits in"):
            coverage.traffic_light(hits, days=days, confidence=0.99)
