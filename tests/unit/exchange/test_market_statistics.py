"""Statistics of a market against values worked out by hand."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from tradsys.core.matching import Action, Status
from tradsys.core.units import SECOND
from tradsys.exchange.market_statistics import PARTS_OF_DAY, autocorrelation, kurtosis, measure
from tradsys.exchange.simulation_record import ORDER_COLUMNS, TRADE_COLUMNS, Columns, depth_columns

LENGTH = 130


def empty(names: tuple[str, ...], rows: int) -> Columns:
    return {name: np.zeros(rows, dtype=np.int64) for name in names}


@pytest.fixture
def market() -> tuple[Columns, Columns, Columns]:
    """130 seconds: a message a second, a trade every tenth, a spread of 1 and then 3, a middle that goes to and fro."""
    orders, trades, depth = empty(ORDER_COLUMNS, LENGTH), empty(TRADE_COLUMNS, 13), empty(depth_columns(1), LENGTH)
    seconds = np.arange(LENGTH)
    orders["at"] = depth["at"] = seconds * SECOND
    orders["account"][:] = 1
    orders["status"][:13] = Status.REJECTED
    trades["at"] = np.arange(13) * 10 * SECOND
    trades["quantity"] = np.arange(13) + 1
    trades["side"] = np.arange(13) % 2
    depth["bid_price_1"] = 1000 + seconds % 2
    depth["ask_price_1"] = depth["bid_price_1"] + np.where(seconds < 117, 1, 3)
    depth["ask_price_1"][-1] = 0
    depth["bid_quantity_1"][:], depth["ask_quantity_1"][:] = 10, 20
    return orders, trades, depth


def test_counts_spread_depth_and_volume(market: tuple[Columns, Columns, Columns]) -> None:
    orders, trades, depth = market
    found = measure(orders=orders, trades=trades, depth=depth, opens=0, closes=LENGTH * SECOND, levels=1)
    assert (found.messages, found.trades, found.order_to_trade) == (130, 13, 10.0)
    assert found.rejected == pytest.approx(0.1)
    assert found.two_sided == pytest.approx(129 / 130)
    assert found.spread_one_tick == pytest.approx(117 / 129)
    assert found.spread_median == 1.0
    assert found.spread_mean == pytest.approx((117 + 36) / 129)
    assert found.depth == (15.0,)
    assert found.volume == pytest.approx([(n + 1) / 7 for n in range(PARTS_OF_DAY)])


def test_the_exchange_and_other_hours_are_not_counted(market: tuple[Columns, Columns, Columns]) -> None:
    orders, trades, depth = market
    orders["account"][10:20] = 0
    orders["event"][20:25] = max(Action) + 1
    found = measure(orders=orders, trades=trades, depth=depth, opens=10 * SECOND, closes=60 * SECOND, levels=1)
    assert (found.messages, found.trades) == (35, 5)


def test_returns_that_alternate_are_anticorrelated(market: tuple[Columns, Columns, Columns]) -> None:
    orders, trades, depth = market
    found = measure(orders=orders, trades=trades, depth=depth, opens=0, closes=117 * SECOND, levels=1)
    (one, _, sixty) = found.returns
    assert one.autocorrelation == pytest.approx(-1.0)
    assert one.kurtosis == pytest.approx(1.0, abs=1e-3)
    assert one.deviation == pytest.approx(np.log(1001.5 / 1000.5) * np.sqrt(116), rel=1e-3)
    assert isnan(sixty.kurtosis)


def test_an_empty_day_has_no_statistics() -> None:
    found = measure(
        orders=empty(ORDER_COLUMNS, 0),
        trades=empty(TRADE_COLUMNS, 0),
        depth=empty(depth_columns(2), 0),
        opens=0,
        closes=SECOND,
        levels=2,
    )
    assert (found.messages, found.trades) == (0, 0)
    assert all(isnan(value) for value in (found.order_to_trade, found.spread_mean, *found.depth, *found.volume))


def test_kurtosis_and_autocorrelation_of_known_series() -> None:
    assert kurtosis(np.array([1.0, -1.0, 1.0, -1.0])) == 1.0
    assert kurtosis(np.array([0.0] * 8 + [1.0, -1.0])) == pytest.approx(5.0)
    assert isnan(kurtosis(np.zeros(5)))
    assert autocorrelation(np.arange(100.0), 5) == pytest.approx(1.0)
    assert isnan(autocorrelation(np.arange(10.0), 1))
