"""The order-to-trade ratio by the rule in force on the day, order by order."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.compliance.surveillance.streams import START, Stream, of
from tradsys.compliance.surveillance.alerts import Pattern
from tradsys.compliance.surveillance.surveillance import Finding
from tradsys.core.events import Phase
from tradsys.core.units import DAY, SCALE, SECOND

LAST = 1_000.0


def orders(*prices: float, instrument: str = "NSE:X", at: int = START, auction: bool = False) -> Stream:
    """A trade at a thousand among others, then orders of `a`."""
    stream = Stream(instrument)
    stream.at = at
    stream.meet(buyer="x", seller="y", quantity=1, price=LAST)
    if auction:
        stream.session(Phase.CLOSING_AUCTION, closes_in=600)
    for price in prices:
        stream.wait(1).enter("a", 1, 1, price)
    return stream


def counts(finding: Finding, member: str = "a") -> tuple[int, int, int]:
    """Counted, exempt, trades."""
    (row,) = [row for row in finding.ratios if row.member == member]
    return row.counted, row.exempt, row.trades


@pytest.mark.parametrize(
    ("price", "exempt"),
    [(992.5, True), (992.49, False), (1_007.5, True), (1_007.51, False), (1_000.0, True), (0.0, False)],
)
def test_shares_within_three_quarters_of_a_percent(price: float, exempt: bool) -> None:
    assert counts(orders(price).find()) == ((0, 1, 0) if exempt else (1, 0, 0))


@pytest.mark.parametrize(
    ("last", "price", "exempt"), [(100, 60, True), (100, 59.95, False), (10, 30, True), (10, 30.05, False)]
)
def test_options_within_forty_percent_or_twenty_rupees(last: float, price: float, exempt: bool) -> None:
    stream = Stream("NFO:NIFTY26OCT25000CE")
    stream.meet(buyer="x", seller="y", quantity=1, price=last)
    stream.enter("a", 1, 1, price)
    assert counts(stream.find())[1] == int(exempt)


def test_no_exemption_of_options_before_the_rule() -> None:
    on = START - 365 * DAY
    assert counts(orders(LAST, instrument="NFO:NIFTY25OCT25000CE", at=on).find()) == (1, 0, 0)


def test_orders_in_the_closing_auction_are_exempt_from_august_2026() -> None:
    assert counts(orders(500.0, auction=True).find()) == (0, 1, 0)
    assert counts(orders(500.0, auction=True, at=START - 100 * DAY).find()) == (1, 0, 0)


def test_market_makers_are_exempt_and_members_are_counted_together() -> None:
    assert counts(orders(500.0).find(order_to_trade={"market_makers": ["a"]})) == (0, 1, 0)
    stream = orders(500.0, 500.0)
    stream.enter("b", 1, 1, 500.0)
    found = stream.find(order_to_trade={"members": {"broker": ["a", "b"]}})
    assert counts(found, "broker") == (3, 0, 0)


def test_entries_changes_and_withdrawals_count_and_the_venues_removals_do_not() -> None:
    stream = orders()
    order = stream.enter("a", 1, 1, 500.0)
    stream.change(order, 1, 510.0)
    stream.cancel(order)
    left = stream.enter("a", 1, 1, 500.0)
    stream.cancel(left, by_owner=False)
    assert counts(stream.find()) == (4, 0, 0)


@pytest.mark.parametrize(("count", "scores"), [(49, []), (50, [0.5]), (99, [0.99]), (100, [1.0])])
def test_the_days_end_judges_every_ratio(count: int, scores: list[float]) -> None:
    alerts = of(orders(*[500.0] * count).find(), Pattern.ORDER_TO_TRADE)
    assert [each.score for each in alerts] == scores


def test_in_stream_once_at_each_level_when_there_is_enough_to_say() -> None:
    stream = Stream()
    for _ in range(8):
        stream.meet(buyer="a", seller="y", quantity=1, price=LAST)
    for _ in range(900):
        stream.wait(1).enter("a", 1, 1, 500.0)
    alerts = of(stream.find(), Pattern.ORDER_TO_TRADE)
    assert [each.measures["counted"] for each in alerts] == [500, 800]
    assert [each.score for each in alerts] == [0.625, 1.0]


def test_a_new_day_in_india_begins_anew() -> None:
    midnight = (START + 19_800 * SECOND) // DAY * DAY + DAY - 19_800 * SECOND
    stream = orders(*[500.0] * 40)
    stream.at = midnight
    stream.meet(buyer="x", seller="y", quantity=1, price=LAST)
    for _ in range(40):
        stream.wait(1).enter("a", 1, 1, 500.0)
    found = stream.find()
    assert [(row.date, row.counted) for row in found.ratios if row.member == "a"] == [
        ("2026-10-14", 40),
        ("2026-10-15", 40),
    ]
    assert not of(found, Pattern.ORDER_TO_TRADE)


def test_what_a_day_costs_and_markets_without_the_rule() -> None:
    found = orders(*[500.0] * 60).find()
    (row,) = [row for row in found.ratios if row.member == "a"]
    assert row.charge == 60 * 2 * SCALE // 100
    assert row.date == date(2026, 10, 14).isoformat()
    abroad = orders(*[500.0] * 60, instrument="BINANCE:X").find()
    assert not of(abroad, Pattern.ORDER_TO_TRADE)
    assert counts(abroad) == (60, 0, 0)
