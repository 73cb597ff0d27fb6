"""Worked examples of value at risk and its back-tests, typed in from where they were published."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tradsys.numerics import coverage, portfolio_risk, tail_risk
from tradsys.numerics.coverage import Zone
from tradsys.numerics.distributions import binomial_cumulative, normal_quantile

# Hull's four indices over 500 scenarios, decay 0.995, as set again with other amounts (solutioninn.com, question
# 17072212): number of the scenario, loss in thousands, weight and running total to four digits.
HULL = (
    (494, 1458.2550, 0.0053, 0.0053), (339, 1054.1842, 0.0024, 0.0077), (349, 861.2178, 0.0026, 0.0103),
    (329, 845.4629, 0.0023, 0.0126), (487, 773.2695, 0.0051, 0.0177), (227, 665.2037, 0.0014, 0.0191),
    (131, 617.2349, 0.0009, 0.0199), (238, 614.5911, 0.0015, 0.0214), (473, 583.7069, 0.0048, 0.0261),
    (306, 583.0373, 0.0021, 0.0282), (477, 564.9626, 0.0049, 0.0330), (495, 562.8956, 0.0053, 0.0384),
    (376, 557.5782, 0.0029, 0.0413), (237, 549.6361, 0.0015, 0.0427), (365, 525.5851, 0.0028, 0.0455),
)  # fmt: skip


def hull() -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The 500 profits: the losses above at their scenarios, and smaller ones in all others."""
    profits = np.linspace(-500.0, 500.0, 500)
    for scenario, loss, _, _ in HULL:
        profits[scenario - 1] = -loss
    return profits


def test_weights_of_hull() -> None:
    weights = tail_risk.age_weights(500, decay=0.995)
    reached = 0.0
    for scenario, _, weight, total in HULL:
        reached += weights[scenario - 1]
        assert weights[scenario - 1] == pytest.approx(weight, abs=5.1e-5)
        assert reached == pytest.approx(total, abs=1e-4)


def test_value_at_risk_of_hull() -> None:
    """Plain: the fifth worst of 500. Weighted: the first whose running total passes 1 %, the third worst."""
    plain = tail_risk.historical(hull(), confidence=0.99)
    assert plain.value_at_risk == 773.2695
    assert plain.expected_shortfall == pytest.approx(np.mean([loss for _, loss, _, _ in HULL[:5]]), rel=1e-12)
    weighted = tail_risk.historical(hull(), confidence=0.99, weights=tail_risk.age_weights(500, decay=0.995))
    assert weighted.value_at_risk == 861.2178
    # 0.0053 and 0.0024 of the two worst, and what 0.0077 leaves to 0.01 of the third.
    by_hand = (0.0053 * 1458.2550 + 0.0024 * 1054.1842 + 0.0023 * 861.2178) / 0.01
    assert weighted.expected_shortfall == pytest.approx(by_hand, rel=5e-3)


# The five worst of the original: Hull, Risk Management and Financial Institutions, 5th edition, 13.1 and 13.3.
ORIGINAL = ((494, 477_841), (339, 345_435), (349, 282_204), (329, 277_041), (487, 253_385))


def test_figures_of_hull_himself() -> None:
    profits = np.linspace(-200_000.0, 200_000.0, 500)
    for scenario, loss in ORIGINAL:
        profits[scenario - 1] = -loss
    plain = tail_risk.historical(profits, confidence=0.99)
    weighted = tail_risk.historical(profits, confidence=0.99, weights=tail_risk.age_weights(500, decay=0.995))
    assert [round(each) for each in plain[:2]] == [253_385, 327_181]
    assert [round(each) for each in weighted[:2]] == [282_204, 400_914]


# MathWorks, Risk Management Toolbox, varbacktest.pof, .cci and .cc: 1,043 days of a normal value at risk at 95 %.
MATHWORKS = {"N00": 932, "N10": 53, "N01": 53, "N11": 4}


def mathworks() -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """A series with those transitions: 53 runs of hits, four of them of two days, quiet at both ends."""
    runs = [[True, True, False]] * 4 + [[True, False]] * 49
    hits = [False, *(flag for run in runs for flag in run)]
    return np.array([*hits, *[False] * (1043 - len(hits))])


def test_series_has_the_published_transitions() -> None:
    found = coverage.transitions(mathworks())
    assert found == (MATHWORKS["N00"], MATHWORKS["N01"], MATHWORKS["N10"], MATHWORKS["N11"])
    assert len(mathworks()) == 1043 and mathworks().sum() == 57


def test_back_tests_of_mathworks() -> None:
    frequency = coverage.kupiec(57, days=1043, confidence=0.95)
    independence = coverage.christoffersen_independence(mathworks())
    both = coverage.christoffersen_coverage(mathworks(), confidence=0.95)
    assert frequency[::2] == pytest.approx((0.46147, 0.49694), abs=6e-6)
    assert independence[::2] == pytest.approx((0.25866, 0.61104), abs=6e-6)
    assert both[::2] == pytest.approx((0.72013, 0.69763), abs=6e-6)
    assert not (frequency.rejects() or independence.rejects() or both.rejects())


# Basel Committee, "Supervisory framework for the use of backtesting", January 1996, table 2: 250 days at 99 %.
BASEL = (
    (0, 8.11, Zone.GREEN), (1, 28.58, Zone.GREEN), (2, 54.32, Zone.GREEN), (3, 75.81, Zone.GREEN),
    (4, 89.22, Zone.GREEN), (5, 95.88, Zone.YELLOW), (6, 98.63, Zone.YELLOW), (7, 99.60, Zone.YELLOW),
    (8, 99.89, Zone.YELLOW), (9, 99.97, Zone.YELLOW), (10, 99.99, Zone.RED), (11, 100.0, Zone.RED),
)  # fmt: skip


@pytest.mark.parametrize(("hits", "percent", "zone"), BASEL)
def test_zones_of_basel(hits: int, percent: float, zone: Zone) -> None:
    reached = binomial_cumulative(hits, trials=250, probability=0.01)
    assert 100.0 * reached == pytest.approx(percent, abs=0.0051)
    assert coverage.traffic_light(hits, days=250, confidence=0.99) is zone


def test_marginal_value_at_risk_of_jorion() -> None:
    """Bionic Turtle, question 2.2 on Jorion 7.17: francs and yen of 10 and 20 % volatility, correlation 0.3, 95 %.

    Five million each: volatility 12.450 %, value at risk 2.048 million, marginal value at risk of the franc 0.106.
    """
    matrix = np.array([[0.01, 0.006], [0.006, 0.04]])
    drawn = np.random.default_rng(1).normal(size=(50, 2))
    white = np.linalg.solve(np.linalg.cholesky(np.cov(drawn, rowvar=False)), (drawn - drawn.mean(axis=0)).T).T
    moves, exposures = white @ np.linalg.cholesky(matrix).T, np.array([5.0, 5.0])
    profits = portfolio_risk.scenario_profits(moves, exposures=exposures)
    assert profits.std(ddof=1) / 10 == pytest.approx(0.12450, abs=5e-6)
    assert tail_risk.normal(profits, confidence=0.95).value_at_risk == pytest.approx(2.048, abs=5e-4)
    slopes = portfolio_risk.deviation_marginals(moves, profits=profits)
    found = portfolio_risk.normal_marginals(slopes, means=moves.mean(axis=0), confidence=0.95)
    assert found.value_at_risk[0] == pytest.approx(0.1057, abs=5e-5)
    assert normal_quantile(0.95) * 0.008 / math.sqrt(0.0155) == pytest.approx(found.value_at_risk[0], rel=1e-9)
