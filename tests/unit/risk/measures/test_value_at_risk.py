"""Drawn scenarios against the closed form, and correlations that go to one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.risk.measures.books import black_scholes, hedged, history, shares
from tradsys.core.errors import ConfigError
from tradsys.numerics.distributions import normal_quantile
from tradsys.numerics.tail_risk import normal_tail
from tradsys.risk.measures.positions import Portfolio
from tradsys.risk.measures.value_at_risk import correlated, monte_carlo, undiversified


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_linear_positions_come_close_to_the_normal_formula(confidence: float) -> None:
    moves = history().moves
    exposures = shares().exposures
    deviation = math.sqrt(exposures @ np.cov(moves, rowvar=False) @ exposures)
    exact = normal_tail(0.0, deviation=deviation, confidence=confidence)
    found = monte_carlo(shares(), history=history(), confidence=confidence, seed=11, scenarios=200_000)
    assert found.risk.value_at_risk == pytest.approx(exact.value_at_risk, rel=0.01)
    assert found.risk.expected_shortfall == pytest.approx(exact.expected_shortfall, rel=0.01)
    assert found.low < found.risk.value_at_risk < found.high
    assert found.high - found.low < 0.03 * exact.value_at_risk


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    exposures = shares().exposures
    deviation = math.sqrt(exposures @ np.cov(history().moves, rowvar=False) @ exposures)
    exact = normal_quantile(0.95) * deviation
    drawn = [monte_carlo(shares(), history=history(), confidence=0.95, seed=s, scenarios=2000) for s in range(200)]
    assert 0.9 < np.mean([each.low <= exact <= each.high for each in drawn]) <= 0.99


def test_a_seed_is_a_result() -> None:
    found = [
        monte_carlo(hedged(), history=history(), confidence=0.99, seed=seed, scenarios=2000, price=black_scholes)
        for seed in (4, 4, 5)
    ]
    assert found[0] == found[1] != found[2]


def test_options_bend_the_tail() -> None:
    put = Portfolio([hedged().positions[3]])
    priced = monte_carlo(put, history=history(), confidence=0.99, seed=1, price=black_scholes)
    by_delta = correlated(put, history=history(), confidence=0.99, correlation_to_one=0.0)
    assert priced.risk.value_at_risk > 1.1 * by_delta.value_at_risk


def test_correlations_at_one_leave_only_the_hedge() -> None:
    deviations = history().moves.std(axis=0, ddof=1)
    exposures = shares().exposures
    together = correlated(shares(), history=history(), confidence=0.99)
    assert together.value_at_risk == pytest.approx(
        normal_quantile(0.99) * abs((exposures * deviations).sum()), rel=1e-9
    )
    alone = undiversified(shares(), history=history(), confidence=0.99)
    assert alone.value_at_risk == pytest.approx(normal_quantile(0.99) * np.abs(exposures * deviations).sum(), rel=1e-12)
    as_it_is = correlated(shares(), history=history(), confidence=0.99, correlation_to_one=0.0)
    assert alone.value_at_risk > max(together.value_at_risk, as_it_is.value_at_risk)
    stressed = monte_carlo(
        shares(), history=history(), confidence=0.99, seed=2, scenarios=100_000, correlation_to_one=1.0
    )
    assert stressed.risk.value_at_risk == pytest.approx(together.value_at_risk, rel=0.02)


def test_two_contracts_on_one_underlying_are_one_factor() -> None:
    position = shares().positions[0]
    twice = Portfolio([position, position])
    found = monte_carlo(twice, history=history(), confidence=0.99, seed=1)
    once = monte_carlo(Portfolio([position]), history=history(), confidence=0.99, seed=1)
    assert found.risk.value_at_risk == pytest.approx(2.0 * once.risk.value_at_risk, rel=1e-12)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigError, match="share"):
        correlated(shares(), history=history(), confidence=0.99, correlation_to_one=2.0)
    with pytest.raises(ConfigError, match="confidence"):
        monte_carlo(shares(), history=history(), confidence=99.0, seed=1)
    assert correlated(shares(), history=history(days=1), confidence=0.99).undefined
