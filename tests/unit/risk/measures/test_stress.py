"""Shocks: linear positions to the last digit, options by their prices, and no figure where a move is not known."""

from __future__ import annotations

import math
from datetime import date

import msgspec
import numpy as np
import pytest

from tests.unit.risk.measures.books import black_scholes, hedged, is_nan, option, shares
from tradsys.reference.stress_days import stress_days
from tradsys.risk.measures.positions import Portfolio
from tradsys.risk.measures.stress import Shock, historic_shocks, stress


def named(day: str) -> Shock:
    return next(each for each in historic_shocks() if each.name.startswith(day))


def test_linear_positions_move_exactly() -> None:
    found = stress(shares(), shock=Shock(name="ten down", spot=-0.1))
    assert found.by_position.tolist() == pytest.approx([-25_000.0, 36_000.0, -30_000.0], rel=1e-14)
    assert found.profit == pytest.approx(-19_000.0, rel=1e-14)


def test_the_narrowest_move_counts() -> None:
    shock = Shock(name="mixed", spot=0.01, by_underlying={"A": -0.2}, by_market={"NIFTY": -0.05})
    found = stress(shares(), shock=shock)
    assert found.by_position.tolist() == pytest.approx([-50_000.0, 360_000 * 0.8 * 0.05, 3_000.0], rel=1e-14)


def test_a_day_of_the_past_moves_each_market_by_its_own() -> None:
    found = stress(shares(), shock=named("2020-03-12"))
    expected = [250_000 * 1.1 * -0.083, -360_000 * 0.8 * -0.083, 300_000 * -0.2668]
    assert found.by_position.tolist() == pytest.approx(expected, rel=1e-12)
    assert found.name == "2020-03-12 Pandemic declared"


def test_a_market_that_was_not_there_has_no_figure() -> None:
    found = stress(shares(), shock=named("2008-01-21"))
    assert is_nan(found.profit) and found.undefined == "C: no move or beta is known"
    assert np.isnan(found.by_position).all()
    still = msgspec.structs.replace(named("2008-01-21"), spot=0.0)
    assert stress(shares(), shock=still).profit == pytest.approx((250_000 * 1.1 - 360_000 * 0.8) * -0.087)


def test_an_unknown_beta_has_no_figure() -> None:
    first, *others = shares().positions
    portfolio = Portfolio([msgspec.structs.replace(first, beta=math.nan), *others])
    assert stress(portfolio, shock=named("2020-03-12")).undefined == "A: no move or beta is known"
    assert not stress(portfolio, shock=Shock(name="all", spot=-0.1)).undefined


def test_nothing_falls_by_more_than_all() -> None:
    first = msgspec.structs.replace(shares().positions[0], beta=9.0)
    found = stress(Portfolio([first]), shock=named("2020-03-23"))
    assert is_nan(found.profit) and found.undefined == "A: a move of -117%"
    assert stress(Portfolio([first]), shock=Shock(name="gone", spot=-1.0)).profit == -250_000.0


@pytest.mark.parametrize(("volatility", "interest"), [(0.0, 0.0), (0.05, 0.0), (0.0, 0.01), (-0.05, -0.02)])
def test_options_are_priced_before_and_after(volatility: float, interest: float) -> None:
    put = option()
    shock = Shock(name="shock", spot=-0.06, volatility=volatility, interest=interest)
    found = stress(Portfolio([put]), shock=shock, price=black_scholes)

    def value(spot: float, volatility: float, interest: float) -> float:
        arguments = {"spot": spot, "strike": 240.0, "years": 1 / 12, "interest": interest, "volatility": volatility}
        columns = {name: np.array([each]) for name, each in arguments.items()}
        return float(black_scholes(call=np.array([False]), **columns)[0])

    after = value(250.0 * 0.94, 0.2 + volatility, 0.06 + interest)
    assert found.profit == pytest.approx((after - value(250.0, 0.2, 0.06)) * -500, rel=1e-12)
    assert found.profit < 0.0 or volatility < 0.0


def test_options_on_a_day_need_its_change_of_volatility() -> None:
    pandemic = named("2020-03-23")
    portfolio = Portfolio([option()])
    found = stress(portfolio, shock=pandemic, price=black_scholes)
    assert is_nan(found.profit) and "volatility" in found.undefined
    assumed = msgspec.structs.replace(pandemic, volatility_by_market={"NIFTY": 0.05})
    assert stress(portfolio, shock=assumed, price=black_scholes).profit < -5_000
    assert not stress(portfolio, shock=named("2024-06-04"), price=black_scholes).undefined


def test_a_volatility_that_falls_to_nothing_has_no_price() -> None:
    shock = Shock(name="calm", spot=0.0, volatility=-0.2)
    assert is_nan(stress(hedged(), shock=shock, price=black_scholes).profit)
    assert "price function" in stress(hedged(), shock=shock).undefined


def test_every_day_of_the_table_is_a_shock() -> None:
    shocks = historic_shocks()
    assert len(shocks) == len({each.day for each in stress_days()})
    (nifty,) = historic_shocks([each for each in stress_days("NIFTY") if each.day == date(2020, 3, 13)])
    assert nifty.by_market == {"NIFTY": pytest.approx(0.0381)} and math.isnan(nifty.volatility_by_market["NIFTY"])
