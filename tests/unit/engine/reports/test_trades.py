"""Trades with their charges item by item, and what moves the account without a trade."""

from __future__ import annotations

from typing import Any

from tests.unit.engine.reports.lines import BEGIN, NAME, Lines, record_of
from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Product, Side, StrayKind
from tradsys.core.units import SCALE
from tradsys.engine.bookings import booked_lines
from tradsys.engine.reports.account import AccountFold, Move, Trade, booked
from tradsys.engine.reports.algo_ids import algo_ids
from tradsys.engine.reports.sheets import Sheet
from tradsys.engine.reports.trades import move_sheet, trade_sheet


def all_of(lines: Lines) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of both sheets."""
    record = record_of(lines.entries)
    found = list(booked(record))
    trades = trade_sheet(record, [each for each in found if isinstance(each, Trade)], algo_ids(record.saved.settings))
    return rows(trades), rows(move_sheet(record, [each for each in found if isinstance(each, Move)]))


def rows(sheet: Sheet) -> list[dict[str, Any]]:
    names = [each.name for each in sheet.headings]
    return [dict(zip(names, row, strict=True)) for row in sheet.rows]


def test_each_item_has_its_column_and_the_others_one_together() -> None:
    lines = Lines()
    lines.filled(lines.approved(), 10, 100, (("brokerage", 2 * SCALE), ("stt", SCALE), ("maker fee", 7)))
    ((row,), moves) = all_of(lines)
    assert (row["charge_brokerage"], row["charge_stt"], row["charge_gst"]) == (2 * SCALE, SCALE, 0)
    assert (row["charge_other"], row["other_items"]) == (7, "maker fee 0.00000007")
    assert row["charges"] == 3 * SCALE + 7
    assert row["cash"] == -(1_000 * SCALE + 3 * SCALE + 7)
    assert (row["value"], row["position"], row["side"]) == (1_000 * SCALE, 10 * SCALE, "buy")
    assert moves == []


def test_a_trade_undone_is_its_opposite_and_says_so() -> None:
    lines = Lines()
    order = lines.approved()
    lines.filled(order, 10, 100)
    lines.stray(order, StrayKind.BUST, lines.fill(order, 10, 100, side=Side.SELL))
    first, second = all_of(lines)[0]
    assert (first["stray"], second["stray"], second["position"]) == ("", "bust", 0)
    assert first["cash"] + second["cash"] == 0


def test_dividends_and_splits_are_moves() -> None:
    lines = Lines()
    lines.filled(lines.approved(quantity=3), 3, 100)
    lines.add(CorporateAction(at=lines.at, instrument=NAME, kind=ActionKind.SPLIT, old=2, new=3, price=60 * SCALE))
    # Three shares become four and a half: half of one is paid at 60.
    lines.add(CashMoved(at=lines.at, strategy="plan", instrument=NAME, amount=30 * SCALE, reason="fraction"))
    lines.add(CashMoved(at=lines.at, strategy="plan", instrument=NAME, amount=-SCALE, reason="funding"))
    (trade,), moves = all_of(lines)
    assert [(each["quantity"], each["cash"], each["reason"]) for each in moves] == [
        (SCALE, 0, "split 3:2"), (0, 30 * SCALE, "fraction"), (0, -SCALE, "funding"),
    ]  # fmt: skip
    record = record_of(lines.entries)
    fold = AccountFold(record.instruments, cash=record.start, currency="INR")
    for entry, items in booked_lines(lines.entries):
        fold.take(entry, items)
    fold.ledger.check()
    assert fold.ledger.cash == record.start + trade["cash"] + 29 * SCALE
    assert fold.ledger.position("plan", NAME, Product.CNC) == 4 * SCALE
    assert moves[0]["at_utc"] > BEGIN
