"""Laws of value at risk and expected shortfall, for any profits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tradsys.numerics import portfolio_risk, tail_risk
from tradsys.numerics.tail_risk import TailRisk

Array = npt.NDArray[np.float64]
amounts = st.floats(-1e7, 1e7, allow_subnormal=False).map(lambda x: round(x, 4))
confidences = st.sampled_from([0.5, 0.75, 0.9, 0.93, 0.95])
samples = arrays.arrays(np.float64, st.integers(20, 80), elements=amounts)
pairs = st.integers(20, 60).flatmap(lambda n: arrays.arrays(np.float64, (2, n), elements=amounts))


def near(size: float) -> float:
    return 1e-9 * max(size, 1.0)


def largest(profits: Array) -> float:
    return float(np.abs(profits).max())


def weights_of(profits: Array) -> Array:
    return tail_risk.age_weights(len(profits), decay=0.97)


@given(samples, st.tuples(confidences, confidences).map(sorted))
def test_more_confidence_is_never_less_risk(profits: Array, levels: list[float]) -> None:
    low, high = levels
    for weights in (None, weights_of(profits)):
        less = tail_risk.historical(profits, confidence=low, weights=weights)
        more = tail_risk.historical(profits, confidence=high, weights=weights)
        assert more.value_at_risk >= less.value_at_risk
        assert more.expected_shortfall >= less.expected_shortfall - near(largest(profits))
    by_normal = [tail_risk.normal(profits, confidence=level) for level in levels]
    assert by_normal[1].value_at_risk >= by_normal[0].value_at_risk
    assert by_normal[1].expected_shortfall >= by_normal[0].expected_shortfall - near(largest(profits))
    bent = [tail_risk.cornish_fisher(profits, confidence=level) for level in levels]
    if not bent[0].undefined:
        assert bent[1].value_at_risk >= bent[0].value_at_risk - near(largest(profits))


@given(samples, confidences)
def test_shortfall_is_never_below_value_at_risk(profits: Array, confidence: float) -> None:
    for found in tail_risk.by_method(profits, confidence=confidence, decay=0.97).values():
        if not found.undefined:
            assert found.expected_shortfall >= found.value_at_risk - near(largest(profits))


@given(samples, confidences, st.floats(0.001, 1000.0))
def test_twice_the_position_is_twice_the_risk(profits: Array, confidence: float, factor: float) -> None:
    for method in (tail_risk.historical, tail_risk.normal):
        once, scaled = method(profits, confidence=confidence), method(profits * factor, confidence=confidence)
        assert np.allclose(
            scaled[:2], [each * factor for each in once[:2]], rtol=1e-9, atol=near(factor * largest(profits))
        )


@given(samples, confidences, amounts)
def test_cash_takes_off_exactly_itself(profits: Array, confidence: float, cash: float) -> None:
    for method in (tail_risk.historical, tail_risk.normal):
        before, after = method(profits, confidence=confidence), method(profits + cash, confidence=confidence)
        expected = [each - cash for each in before[:2]]
        assert np.allclose(after[:2], expected, rtol=1e-9, atol=near(largest(profits) + abs(cash)))


@given(pairs, confidences)
def test_two_portfolios_together_fall_short_by_no_more_than_apart(both: Array, confidence: float) -> None:
    def shortfall(profits: Array, weights: Array | None) -> float:
        return tail_risk.historical(profits, confidence=confidence, weights=weights).expected_shortfall

    for weights in (None, weights_of(both[0])):
        together = shortfall(both[0] + both[1], weights)
        assert together <= shortfall(both[0], weights) + shortfall(both[1], weights) + near(largest(both))


@given(samples, confidences)
def test_a_loss_that_grows_never_lowers_the_risk(profits: Array, confidence: float) -> None:
    worse = profits.copy()
    worse[3] -= 1e5
    for before, after in zip(
        tail_risk.historical(profits, confidence=confidence)[:2],
        tail_risk.historical(worse, confidence=confidence)[:2],
        strict=True,
    ):
        assert after >= before - near(largest(profits))


@given(samples, confidences)
def test_shares_of_the_tail_are_probabilities(profits: Array, confidence: float) -> None:
    for weights in (None, weights_of(profits)):
        scenarios, shares = tail_risk.tail(profits, confidence=confidence, weights=weights)
        assert len(set(scenarios.tolist())) == len(scenarios)
        assert (shares >= -1e-9).all() and abs(shares.sum() - 1.0) < 1e-12


@given(
    st.integers(20, 40).flatmap(lambda n: arrays.arrays(np.float64, (n, 4), elements=st.floats(-0.5, 0.5))),
    arrays.arrays(np.float64, 4, elements=amounts),
    confidences,
)
def test_components_add_up(moves: Array, exposures: Array, confidence: float) -> None:
    profits = portfolio_risk.scenario_profits(moves, exposures=exposures)
    wholes: list[tuple[portfolio_risk.Contributions, TailRisk]] = [
        (
            portfolio_risk.historical_marginals(moves, profits=profits, confidence=confidence),
            tail_risk.historical(profits, confidence=confidence),
        ),
        (
            portfolio_risk.normal_marginals(
                portfolio_risk.deviation_marginals(moves, profits=profits),
                means=moves.mean(axis=0),
                confidence=confidence,
            ),
            tail_risk.normal(profits, confidence=confidence),
        ),
    ]
    for parts, whole in wholes:
        for each, total in zip(parts, whole[:2], strict=True):
            if np.isfinite(each).all():
                assert abs(float((each * exposures).sum()) - total) <= near(float(np.abs(exposures).sum()))


@given(samples, confidences, st.data())
def test_one_unknown_profit_is_never_a_number(profits: Array, confidence: float, data: st.DataObject) -> None:
    damaged = profits.copy()
    damaged[data.draw(st.integers(0, len(profits) - 1))] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    for found in tail_risk.by_method(damaged, confidence=confidence).values():
        assert np.isnan(found.value_at_risk) and np.isnan(found.expected_shortfall) and found.undefined
