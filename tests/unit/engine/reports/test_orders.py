"""What became of each order: verdict, acknowledgement, fills, end, in one row."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.reports.lines import Lines, record_of
from tradsys.core.events import Approved, Cancelled, CancelRequested, Expired, Rejected, Side, StrayKind
from tradsys.core.orders import OrderState
from tradsys.core.protection import Capped
from tradsys.core.units import SCALE, SECOND
from tradsys.engine.reports.algo_ids import algo_ids
from tradsys.engine.reports.orders import OrderLife, lives, order_sheet


def row_of(lines: Lines, number: int) -> dict[str, Any]:
    record = record_of(lines.entries)
    sheet = order_sheet(record, list(lives(lines.entries).values()), algo_ids(record.saved.settings))
    names = [each.name for each in sheet.headings]
    return next(dict(zip(names, row, strict=True)) for row in sheet.rows if row[0] == number)


def life_of(lines: Lines, number: int) -> OrderLife:
    return lives(lines.entries)[number]


def test_the_average_price_is_that_of_all_fills() -> None:
    lines = Lines()
    order = lines.approved(quantity=3, reason="in")
    lines.filled(order, 1, 100)
    lines.filled(order, 2, 97)
    row = row_of(lines, 1)
    assert (row["state"], row["filled"], row["average_price"]) == ("filled", 3 * SCALE, 98 * SCALE)
    assert row["acknowledged_utc"] == row["made_utc"] + SECOND
    assert row["ended_utc"] == lines.entries[4].at
    assert (row["verdict"], row["reason"], row["end_reason"], row["side"]) == ("approved", "in", "", "buy")


def test_an_average_that_does_not_come_out_even_is_rounded_to_the_last_digit() -> None:
    lines = Lines()
    order = lines.approved(quantity=3)
    lines.filled(order, 1, 100)
    lines.filled(order, 2, 101)
    assert life_of(lines, 1).average_price == 10_066_666_667


def test_a_refused_order_names_rule_limit_value_and_source() -> None:
    lines = Lines()
    lines.refused("sebi-price-band", limit="90 to 110", value="120", fix="price it inside (source: NSE/CMTR/1)")
    row = row_of(lines, 1)
    assert (row["verdict"], row["rule"], row["rule_limit"], row["rule_value"]) == (
        "refused", "sebi-price-band", "90 to 110", "120",
    )  # fmt: skip
    assert (row["source"], row["state"], row["filled"], row["average_price"]) == ("NSE/CMTR/1", "refused", 0, None)


def test_a_cancelled_order_keeps_what_filled_and_says_why() -> None:
    lines = Lines()
    order = lines.approved(quantity=10)
    lines.filled(order, 4, 100)
    lines.add(CancelRequested(at=lines.at, order_id=1, reason="enough"))
    lines.add(Cancelled(at=lines.at, order_id=1, remaining=6 * SCALE, reason="enough"))
    row = row_of(lines, 1)
    assert (row["state"], row["filled"], row["end_reason"]) == ("cancelled", 4 * SCALE, "enough")
    assert life_of(lines, 1).cancel_requests == 1


def test_ends_that_a_venue_makes() -> None:
    lines = Lines()
    first, second, third = lines.approved(), lines.approved(), lines.order()
    lines.add(Expired(at=lines.at, order_id=first.order_id, remaining=10 * SCALE, reason="the day ended"))
    assert (life_of(lines, 1).state, life_of(lines, 1).end_reason) == (OrderState.EXPIRED, "the day ended")
    assert life_of(lines, second.order_id).ended_at is None
    lines.add(Approved(at=lines.at, order_id=third.order_id, order=third))
    lines.add(Rejected(at=lines.at, order_id=third.order_id, reason="price band"))
    found = life_of(lines, third.order_id)
    assert (found.state, found.acknowledged_at, found.end_reason) == (OrderState.REJECTED, None, "price band")


def test_a_trade_that_the_venue_undid_is_no_fill_any_more() -> None:
    lines = Lines()
    order = lines.approved(quantity=2)
    lines.filled(order, 1, 100)
    lines.filled(order, 1, 110)
    lines.stray(order, StrayKind.BUST, lines.fill(order, 1, 110, side=Side.SELL))
    found = life_of(lines, 1)
    assert (found.filled, found.average_price) == (SCALE, 100 * SCALE)


def test_a_market_order_that_was_capped_says_how_far_and_what_it_goes_on_with() -> None:
    lines = Lines()
    lines.approved(capped=Capped(percent=250, last=100 * SCALE))
    lines.approved(capped=Capped(percent=500, last=100 * SCALE, first=1, attempt=1))
    first, second = row_of(lines, 1), row_of(lines, 2)
    assert (first["protection_percent"], first["goes_on_with"]) == (5 * SCALE // 2, None)
    assert (second["protection_percent"], second["goes_on_with"]) == (5 * SCALE, 1)


def test_without_orders_there_are_headings() -> None:
    record = record_of([])
    sheet = order_sheet(record, [], algo_ids(record.saved.settings))
    assert sheet.rows == [] and [each.name for each in sheet.headings][:3] == ["order_id", "line", "made_utc"]
