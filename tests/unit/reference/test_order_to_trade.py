"""Rows of the order-to-trade ratio: values as india's circulars give them, the day before and the day itself."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tradsys.core.instruments import Segment
from tradsys.core.units import SCALE
from tradsys.reference.order_to_trade import (
    auction_exempt,
    charge_an_order,
    daily_flood,
    exemption,
    market_maker_exempt,
    opening_ban,
)

SHARES, OPTIONS = Segment.EQUITY, Segment.OPTION
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("segment", "since", "parts", "minimum"),
    [
        (SHARES, date(2018, 4, 9), 750_000, 0),
        (Segment.FUTURE, date(2018, 4, 9), 750_000, 0),
        (OPTIONS, date(2026, 4, 6), 40_000_000, 20 * SCALE),
    ],
)
def test_bands_and_their_first_day(segment: Segment, since: date, parts: int, minimum: int) -> None:
    found = exemption(exchange="NSE", segment=segment, on=since)
    assert found is not None
    assert (found.parts, found.minimum) == (parts, minimum)
    before = exemption(exchange="NSE", segment=segment, on=since - DAY)
    assert before != found


def test_before_any_rule_nothing_is_exempt() -> None:
    assert exemption(exchange="NSE", segment=SHARES, on=date(2013, 5, 20)) is None
    assert exemption(exchange="NSE", segment=OPTIONS, on=date(2026, 4, 5)) is None
    assert exemption(exchange="MCX", segment=SHARES, on=date(2026, 4, 7)) is None


def test_auctions_and_market_makers() -> None:
    assert not auction_exempt(exchange="BSE", segment=SHARES, on=date(2026, 8, 2))
    assert auction_exempt(exchange="BSE", segment=SHARES, on=date(2026, 8, 3))
    assert not auction_exempt(exchange="BSE", segment=OPTIONS, on=date(2026, 8, 3))
    assert market_maker_exempt(exchange="NSE", segment=OPTIONS, on=date(2026, 4, 6))
    assert not market_maker_exempt(exchange="NSE", segment=OPTIONS, on=date(2026, 4, 5))


@pytest.mark.parametrize(
    ("ratio", "on", "paise"),
    [
        (49.9, date(2026, 1, 1), 0),
        (50, date(2013, 5, 20), 1),
        (249.9, date(2013, 5, 20), 1),
        (250, date(2013, 5, 20), 5),
        (50, date(2013, 5, 21), 2),
        (250, date(2026, 1, 1), 10),
        (250, date(2012, 1, 1), 0),
    ],
)
def test_slabs_and_their_doubling(ratio: float, on: date, paise: int) -> None:
    assert charge_an_order(ratio, exchange="NSE", on=on) == paise * SCALE // 100


def test_the_third_time_in_thirty_days() -> None:
    rule = opening_ban(exchange="NSE", on=date(2026, 10, 1))
    assert rule is not None
    assert (rule.ratio, rule.times, rule.days, rule.minutes) == (2_000, 3, 30, 15)
    first, second, third = date(2026, 9, 2), date(2026, 9, 20), date(2026, 10, 1)
    ratios = [(first, 2_000.0), (second, 3_000.0), (third, 2_000.0)]
    assert rule.follows(ratios, on=third)
    assert not rule.follows(ratios, on=second)
    assert not rule.follows([(third, 1_999.9), *ratios[:2]], on=third)
    assert not rule.follows([(first - DAY, 2_000.0), *ratios[1:]], on=third)
    assert opening_ban(exchange="NSE", on=date(2019, 1, 1)) is None


def test_messages_without_trades() -> None:
    rule = daily_flood(exchange="NSE", on=date(2026, 1, 1))
    assert rule is not None
    assert (rule.messages, rule.trades) == (2_000_000, 10)
    assert daily_flood(exchange="BSE", on=date(2026, 1, 1)) is None
