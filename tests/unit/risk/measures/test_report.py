"""The whole report against plain numpy, and nothing at all where something is missing."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.unit.risk.measures.books import black_scholes, hedged, history, is_nan, option, returns, shares
from tradsys.numerics import portfolio_risk, tail_risk
from tradsys.numerics.distributions import normal_quantile
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import Portfolio, Position
from tradsys.risk.measures.report import METHODS, RiskReport, measure
from tradsys.risk.measures.revaluation import historical_profits
from tradsys.risk.measures.value_at_risk import correlated, monte_carlo, undiversified

PRICE = black_scholes


def report(portfolio: Portfolio, **changes: Any) -> RiskReport:
    given: dict[str, Any] = {"history": history(), "equity": 1e6, "price": PRICE, **changes}
    return measure(portfolio, **given)


@pytest.mark.parametrize("confidence", [0.95, 0.99])
def test_shares_by_plain_numpy(confidence: float) -> None:
    found = report(shares()).at[confidence]
    moves = np.stack(list(returns().values()), axis=1)
    exposures = np.array([250_000.0, -360_000.0, 300_000.0])
    profits = moves @ exposures
    found_profits = portfolio_risk.scenario_profits(moves, exposures=exposures)
    worst = np.sort(profits)[: round(500 * (1 - confidence))]
    assert found.by_method["historical"][:2] == pytest.approx((-worst[-1], -worst.mean()), rel=1e-11)
    assert found.by_method["normal"] == tail_risk.normal(found_profits, confidence=confidence)
    matrix, means = np.cov(moves, rowvar=False), moves.mean(axis=0)
    z = normal_quantile(confidence)
    components = exposures * (z * matrix @ exposures / math.sqrt(exposures @ matrix @ exposures) - means)
    assert found.normal_components.value_at_risk == pytest.approx(components, rel=1e-9)
    day = int(np.flatnonzero(profits == worst[-1])[0])
    assert found.historical_components.value_at_risk == pytest.approx(-moves[day] * exposures, rel=1e-11)


@pytest.mark.parametrize("portfolio", [shares(), hedged()], ids=["shares", "options"])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_components_add_up_to_the_whole(portfolio: Portfolio, confidence: float) -> None:
    found = report(portfolio, confidences=(confidence,)).at[confidence]
    for method, parts in (("historical", found.historical_components), ("normal", found.normal_components)):
        whole = found.by_method[method]
        assert parts.value_at_risk.sum() == pytest.approx(whole.value_at_risk, rel=1e-11)
        assert parts.expected_shortfall.sum() == pytest.approx(whole.expected_shortfall, rel=1e-11)


def test_options_are_priced_anew_on_every_day() -> None:
    (put,) = (option(quantity=-50),)
    found = report(Portfolio([put]), confidences=(0.99,)).at[0.99].by_method
    assert put.option is not None
    each = {name: np.full(500, getattr(put.option, name)) for name in ("strike", "years", "interest", "volatility")}
    prices = PRICE(spot=250.0 * (1.0 + returns()["A"]), call=np.zeros(500, bool), **each)
    losses = np.sort((prices - put.price) * 500)[::-1]
    assert found["historical"].value_at_risk == pytest.approx(losses[4], rel=1e-9)
    # A short put loses faster the further it falls: a delta alone sees too little.
    delta_only = tail_risk.historical(returns()["A"] * put.exposure, confidence=0.99)
    assert found["historical"].value_at_risk > 1.1 * delta_only.value_at_risk
    assert (
        found["normal"].value_at_risk == tail_risk.normal(returns()["A"] * put.exposure, confidence=0.99).value_at_risk
    )


def test_a_position_and_its_opposite_have_no_risk() -> None:
    one = shares().positions[0]
    opposite = msgspec.structs.replace(one, quantity=-one.quantity)
    found = report(Portfolio([one, opposite])).at[0.99]
    assert found.by_method["historical"][:2] == pytest.approx((0.0, 0.0), abs=1e-9)
    assert found.by_method["normal"].value_at_risk == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("field", ["quantity", "price", "rate", "multiplier"])
@pytest.mark.parametrize("damage", [math.nan, math.inf])
def test_one_unknown_figure_of_one_position_leaves_no_figure(field: str, damage: float) -> None:
    first, *others = hedged().positions
    found = report(Portfolio([*others, msgspec.structs.replace(first, **{field: damage})]))
    assert found.undefined == "A: quantity, price, rate or delta is not known"
    for at in found.at.values():
        assert all(is_nan(*at.by_method[method][:2]) for method in METHODS)
        assert (
            np.isnan(at.historical_components.value_at_risk).all()
            and np.isnan(at.normal_components.value_at_risk).all()
        )
    assert is_nan(found.value, *found.exposure[:-1])
    assert all(is_nan(each.herfindahl, each.largest_share) for each in found.concentration.values())


@pytest.mark.parametrize("damage", [math.nan, 0.0, -1.0])
def test_one_missing_price_leaves_no_value_at_risk(damage: float) -> None:
    prices = {name: np.asarray(100.0 * np.cumprod(1.0 + each), np.float64) for name, each in returns().items()}
    prices["B"][17] = damage
    found = report(shares(), history=History.from_prices(prices))
    assert found.undefined == "B: 1 of 500 prices missing or not above 0, the first at 17"
    assert all(is_nan(*each[:2]) for at in found.at.values() for each in at.by_method.values())
    # What is not held may have gaps, and what needs no history is there.
    assert found.exposure.gross == 910_000.0
    without = Portfolio([each for each in shares().positions if each.instrument != "B"])
    assert not report(without, history=History.from_prices(prices)).undefined


def test_what_the_history_does_not_know_has_no_value_at_risk() -> None:
    stranger = Position(instrument="Z", quantity=1, price=1.0)
    assert report(Portfolio([stranger])).undefined == "Z: not in the history"
    assert correlated(Portfolio([stranger]), history=history(), confidence=0.99).undefined == "Z: not in the history"
    assert undiversified(Portfolio([stranger]), history=history(), confidence=0.99).undefined
    drawn = monte_carlo(Portfolio([stranger]), history=history(), confidence=0.99, seed=1)
    assert drawn.risk.undefined and is_nan(drawn.low, drawn.high)


def test_options_without_prices_have_no_value_at_risk() -> None:
    assert "no price function" in report(hedged(), price=None).undefined
    profits, of_options = historical_profits(hedged(), history=history())
    assert np.isnan(profits).all() and np.isnan(of_options).all()

    def half_blind(**terms: Any) -> Any:
        return np.where(terms["spot"] < 245.0, math.nan, PRICE(**terms))

    found = report(hedged(), price=half_blind).at[0.99]
    assert is_nan(*found.by_method["historical"][:2]) and "not known" in found.by_method["historical"].undefined
    assert np.isnan(found.historical_components.value_at_risk).all()
    drawn = monte_carlo(hedged(), history=history(), confidence=0.99, seed=1, price=half_blind)
    assert is_nan(drawn.risk.value_at_risk, drawn.low, drawn.high)


def test_too_short_a_history_has_no_tail() -> None:
    found = report(shares(), history=history(days=60))
    assert found.at[0.99].by_method["historical"].undefined == "needs 100 scenarios, there are 60"
    assert not found.at[0.95].by_method["historical"].undefined
    assert np.isnan(found.at[0.99].historical_components.value_at_risk).all()
    assert measure(shares(), history=history(days=1), equity=1.0).at[0.95].by_method["normal"].undefined


def test_an_empty_portfolio_risks_nothing() -> None:
    found = report(Portfolio([]))
    assert found.at[0.99].by_method["historical"][:2] == (0.0, 0.0)
    assert found.exposure.gross == 0.0 and found.concentration["sector"].undefined == "nothing held"
