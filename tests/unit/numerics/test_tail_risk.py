"""Value at risk and expected shortfall against plain definitions, integrals and scipy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
import scipy.integrate
import scipy.stats

from tradsys.core.errors import ConfigError
from tradsys.numerics import statistics, tail_risk
from tradsys.numerics.distributions import normal_quantile

Array = npt.NDArray[np.float64]
CONFIDENCES = (0.9, 0.95, 0.975, 0.99)


def sample(count: int = 1000) -> Array:
    return np.random.default_rng(count).standard_t(5, count) * 1e4


def plain(profits: Array, weights: Array, confidence: float) -> tuple[float, float]:
    """Walks the losses from the worst, one at a time, until the tail is full."""
    missing = 1.0 - confidence
    shortfall, loss = 0.0, math.nan
    for profit, weight in sorted(zip(profits.tolist(), weights.tolist(), strict=True)):
        loss = -profit
        taken = min(weight, missing)
        shortfall += taken * loss
        missing -= taken
        if missing < 1e-12:
            break
    return loss, shortfall / (1.0 - confidence)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("count", [100, 101, 499, 500, 1234])
def test_historical_is_a_walk_from_the_worst_loss(confidence: float, count: int) -> None:
    profits = sample(count)
    found = tail_risk.historical(profits, confidence=confidence)
    assert found[:2] == pytest.approx(plain(profits, np.full(count, 1.0 / count), confidence), rel=1e-11)
    weights = tail_risk.age_weights(count, decay=0.99)
    aged = tail_risk.historical(profits, confidence=confidence, weights=weights)
    assert aged[:2] == pytest.approx(plain(profits, weights, confidence), rel=1e-11)


def test_a_whole_number_of_scenarios_is_the_mean_of_the_worst() -> None:
    profits = sample(500)
    worst = np.sort(profits)[:5]
    assert tail_risk.historical(profits, confidence=0.99)[:2] == pytest.approx((-worst[4], -worst.mean()), rel=1e-12)
    assert -statistics.conditional_value_at_risk(profits, level=0.99) == pytest.approx(-worst.mean(), rel=1e-12)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_normal_agrees_with_scipy(confidence: float) -> None:
    found = tail_risk.normal_tail(3.0, deviation=20.0, confidence=confidence)
    losses = scipy.stats.norm(-3.0, 20.0)
    assert found.value_at_risk == pytest.approx(losses.ppf(confidence), rel=1e-12)
    assert found.expected_shortfall == pytest.approx(
        losses.expect(lb=losses.ppf(confidence), conditional=True), rel=1e-8
    )
    profits = sample()
    of_profits = tail_risk.normal_tail(profits.mean(), deviation=profits.std(ddof=1), confidence=confidence)
    assert tail_risk.normal(profits, confidence=confidence) == of_profits


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize(("skewness", "excess"), [(0.0, 0.0), (-0.5, 1.2), (0.4, 2.0), (0.0, 3.0)])
def test_cornish_fisher_shortfall_is_the_mean_of_its_quantiles(
    confidence: float, skewness: float, excess: float
) -> None:
    def loss(probability: float) -> float:
        return tail_risk.cornish_fisher_tail(
            1.0, deviation=2.0, skewness=skewness, excess_kurtosis=excess, confidence=probability
        ).value_at_risk

    found = tail_risk.cornish_fisher_tail(
        1.0, deviation=2.0, skewness=skewness, excess_kurtosis=excess, confidence=confidence
    )
    total, _ = scipy.integrate.quad(loss, confidence, 1.0 - 1e-14, limit=400, epsabs=1e-13)
    assert found.expected_shortfall == pytest.approx(total / (1.0 - confidence), rel=1e-6)
    assert found.expected_shortfall >= found.value_at_risk
    if skewness == excess == 0.0:
        normal = tail_risk.normal_tail(1.0, deviation=2.0, confidence=confidence)
        assert found[:2] == pytest.approx(normal[:2], rel=1e-13)


def test_domain_of_the_expansion_is_where_its_quantiles_grow() -> None:
    z = np.linspace(-40.0, 40.0, 40_001)
    for skewness in np.linspace(-2.5, 2.5, 26):
        for excess in np.linspace(-1.0, 9.0, 31):
            bent = z + (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
            grows = bool((np.diff(bent) > 0.0).all())
            valid = tail_risk.cornish_fisher_is_valid(skewness, excess_kurtosis=excess)
            assert grows or not valid, (skewness, excess)
            # A hair inside the border the fall may be narrower, or further out, than this grid sees.
            near = tail_risk.cornish_fisher_is_valid(skewness * 0.99, excess_kurtosis=max(excess, 0.02) * 1.01)
            assert valid or not grows or near or excess < 8 * skewness**2 / 6 + 0.05, (skewness, excess)


def test_outside_its_domain_the_expansion_says_so() -> None:
    found = tail_risk.cornish_fisher_tail(0.0, deviation=1.0, skewness=-3.0, excess_kurtosis=2.0, confidence=0.99)
    assert math.isnan(found.value_at_risk) and math.isnan(found.expected_shortfall)
    assert found.undefined == "skewness -3, excess kurtosis 2: outside the expansion's domain"
    crash = np.append(np.random.default_rng(1).normal(0.0, 1.0, 300), -60.0)
    assert "outside" in tail_risk.cornish_fisher(crash, confidence=0.99).undefined
    assert tail_risk.cornish_fisher(np.ones(10), confidence=0.99).undefined == "the profits do not vary"


def test_cornish_fisher_takes_the_moments_of_the_profits() -> None:
    profits = sample()
    expected = tail_risk.cornish_fisher_tail(
        profits.mean(),
        deviation=profits.std(ddof=1),
        skewness=statistics.skewness(profits),
        excess_kurtosis=statistics.kurtosis(profits),
        confidence=0.99,
    )
    assert tail_risk.cornish_fisher(profits, confidence=0.99)[:2] == pytest.approx(expected[:2], rel=1e-12)


def test_weights_of_age_add_up_and_halve() -> None:
    weights = tail_risk.age_weights(400, decay=0.5 ** (1 / 20))
    assert weights.sum() == pytest.approx(1.0, rel=1e-14)
    assert weights[-1] / weights[-21] == pytest.approx(2.0, rel=1e-12)
    assert tail_risk.age_weights(5, decay=1.0) == pytest.approx([0.2] * 5)


def test_filter_by_hand() -> None:
    profits = np.array([1.0, -2.0, 3.0])
    start = 14.0 / 3.0
    first = 0.9 * start + 0.1 * 1.0
    second = 0.9 * first + 0.1 * 4.0
    now = 0.9 * second + 0.1 * 9.0
    expected = profits * np.sqrt(now / np.array([start, first, second]))
    assert tail_risk.volatility_filtered(profits, decay=0.9) == pytest.approx(expected, rel=1e-14)
    assert np.isnan(tail_risk.volatility_filtered(np.zeros(3))).all()


def test_longer_holding_periods() -> None:
    day = tail_risk.normal_tail(0.0, deviation=5.0, confidence=0.99)
    ten = tail_risk.square_root_of_time(day, periods=10)
    assert ten[:2] == pytest.approx([each * math.sqrt(10) for each in day[:2]], rel=1e-14)
    assert tail_risk.overlapping(np.array([1.0, 2.0, 3.0, 4.0]), periods=3) == pytest.approx([6.0, 9.0])
    assert math.isnan(tail_risk.square_root_of_time(day, periods=-1.0).value_at_risk)


def test_every_method_answers_for_the_same_profits() -> None:
    found = tail_risk.by_method(sample(), confidence=0.99)
    assert list(found) == ["historical", "age_weighted", "filtered", "normal", "cornish_fisher"]
    assert all(not each.undefined and each.expected_shortfall >= each.value_at_risk > 0.0 for each in found.values())
    assert found["normal"].value_at_risk < found["cornish_fisher"].value_at_risk
    assert found["normal"].value_at_risk == pytest.approx(
        normal_quantile(0.99) * sample().std(ddof=1) - sample().mean(), rel=1e-12
    )


@pytest.mark.parametrize("damage", [math.nan, math.inf, -math.inf])
def test_one_unknown_scenario_makes_every_figure_unknown(damage: float) -> None:
    profits = sample()
    profits[17] = damage
    for found in tail_risk.by_method(profits, confidence=0.95).values():
        assert math.isnan(found.value_at_risk) and math.isnan(found.expected_shortfall)
        assert "not known" in found.undefined


def test_too_few_scenarios_say_nothing_about_a_tail() -> None:
    assert not tail_risk.historical(sample(100), confidence=0.99).undefined
    assert tail_risk.historical(sample(99), confidence=0.99).undefined == "needs 100 scenarios, there are 99"
    assert tail_risk.normal(np.array([1.0]), confidence=0.95).undefined == "needs 2 profits, there are 1"
    assert math.isnan(tail_risk.historical(np.empty(0), confidence=0.95).value_at_risk)


def test_weights_that_are_no_probabilities_are_refused() -> None:
    profits = sample(100)
    for weights in (np.full(100, 0.02), np.full(99, 1 / 99), np.where(np.arange(100) > 0, 1 / 98, -1 / 98)):
        assert tail_risk.historical(profits, confidence=0.95, weights=weights).undefined


@pytest.mark.parametrize("confidence", [0.0, 0.49, 1.0, 95.0, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    for method in (tail_risk.historical, tail_risk.normal, tail_risk.cornish_fisher):
        with pytest.raises(ConfigError, match="confidence"):
            method(sample(), confidence=confidence)
    with pytest.raises(ConfigError, match="decay"):
        tail_risk.age_weights(10, decay=1.5)
