"""The parts of a profit against figures worked by hand, and as tables and CSV."""

from __future__ import annotations

import csv
import io

import msgspec
import numpy as np

from tests.unit.portfolio.runs import daily_run
from tests.unit.portfolio.test_tear_sheet import Page
from tests.unit.portfolio.test_trades import NAME, SHARE, fill
from tradsys.core.events import ActionKind, CashMoved, CorporateAction, Side
from tradsys.core.units import SCALE, from_text
from tradsys.portfolio.attribution import Attribution, LastPrices, grouped, total
from tradsys.portfolio.attribution_tables import COLUMNS, MOST_ROWS, parts_csv, section
from tradsys.portfolio.result import Prices, ProfitPart
from tradsys.portfolio.tear_sheet import render

R = SCALE


def closes(*values: float, every: int = 10) -> Prices:
    column = np.array(values)
    return Prices(NAME, np.arange(1, len(values) + 1, dtype=np.int64) * every, column, column, column, column)


def example() -> list[ProfitPart]:
    """Known 100, bought at 101; known 110, half sold at 108; a dividend of 7; the rest is worth 120."""
    attribution = Attribution([closes(100, 110, 120)])
    attribution.fill(fill(15, Side.BUY, 10, 101), (("stt", 4 * R), ("stamp", R)), SHARE)
    attribution.move_cash(CashMoved(at=20, strategy="s", instrument=NAME, amount=7 * R, reason="dividend"))
    attribution.fill(fill(25, Side.SELL, 5, 108), (("stt", 2 * R),), SHARE)
    return attribution.finish({NAME: 120 * R})


def test_an_example_worked_by_hand() -> None:
    parts = {(each.cause, each.item): (each.reason, each.amount // R) for each in example()}
    assert parts == {
        ("market", ""): ("r15", 5 * 10 + 5 * 20),
        ("execution", ""): ("r15", -(10 * 1 + 5 * 2)),
        ("charges", "stt"): ("r15", -6),
        ("charges", "stamp"): ("r15", -1),
        ("cash moves", "dividend"): ("", 7),
    }
    assert total(example()) == (5 * 7 + 5 * 19 - 7 + 7) * R


def test_a_lot_belongs_to_the_signal_that_opened_it() -> None:
    attribution = Attribution()
    attribution.fill(fill(1, Side.BUY, 10, 100), (("stt", R),), SHARE)
    attribution.fill(fill(2, Side.BUY, 10, 110), (("stt", R),), SHARE)
    attribution.fill(fill(3, Side.SELL, 30, 120), (("stt", 3 * R),), SHARE)
    nets = {
        name: sum(sums.values()) // R for name, sums in grouped(attribution.finish({NAME: 125 * R}), "reason").items()
    }
    assert nets == {"r1": 200 - 2, "r2": 100 - 2, "r3": -50 - 1}


def test_the_last_price_is_one_from_before_the_fill_in_the_shares_of_the_fill() -> None:
    prices = LastPrices([closes(100, float("nan"), 120, 1e9)])
    assert prices.before(NAME, 10) is None
    assert [prices.before(NAME, at) for at in (11, 20, 31)] == [100 * R, 100 * R, 120 * R]
    assert prices.before(NAME, 30) is None and prices.before(NAME, 41) is None and prices.before("NSE:B", 30) is None
    prices.apply(CorporateAction(at=35, instrument=NAME, kind=ActionKind.BONUS, old=1, new=2))
    prices.apply(CorporateAction(at=35, instrument=NAME, kind=ActionKind.DIVIDEND, cash=R))
    assert (prices.before(NAME, 35), prices.before(NAME, 36)) == (120 * R, 60 * R)


def test_a_split_and_an_expiry_cost_no_execution() -> None:
    attribution = Attribution([closes(100, 100)])
    attribution.fill(fill(11, Side.BUY, 10, 100), (), SHARE)
    attribution.apply(CorporateAction(at=25, instrument=NAME, kind=ActionKind.SPLIT, old=1, new=2))
    attribution.fill(fill(26, Side.SELL, 10, 50), (), SHARE)
    expiry = msgspec.structs.replace(fill(27, Side.SELL, 10, 40), order_id=0, reason="expiry")
    attribution.fill(expiry, (), SHARE)
    (part,) = attribution.finish({})
    assert (part.cause, part.amount) == ("market", -100 * R)


def test_csv_has_every_part_and_the_exact_sum() -> None:
    rows = list(csv.DictReader(io.StringIO(parts_csv(example()))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 5
    assert sum(from_text(row["amount"]) for row in rows) == total(example())


def test_rows_of_each_table_add_up_and_the_smallest_stand_together() -> None:
    parts = [
        ProfitPart(strategy="s", instrument=f"NSE:{n:02}", reason="r", cause="market", item="", amount=(n + 1) * R)
        for n in range(MOST_ROWS + 3)
    ]
    found = section(parts, "INR")
    assert found is not None
    _, instruments, signals = found.tables
    names = [row[0].text for row in instruments.rows]
    assert names[0] == f"NSE:{MOST_ROWS + 2:02}" and names[-2:] == ["3 more", "All"]
    assert [row[-1].text for row in instruments.rows[-2:]] == ["₹6.00", "₹120.00"]
    assert [row[-1].text for row in signals.rows] == ["₹120.00", "₹120.00"]
    assert [[cell.text for cell in row] for row in found.causes.rows] == [
        ["Market moves", "₹120.00"],
        ["All", "₹120.00"],
    ]
    assert section([], "INR") is None


def test_the_tear_sheet_shows_the_tables_of_a_run_that_has_parts() -> None:
    words = Page(render(daily_run(30, attribution=example()))).text
    for text in ("By cause", "Charges: STT", "Cash moves: dividend", "Signal", "r15", "no signal", "attribution.csv"):
        assert text in words
    assert "By cause" not in Page(render(daily_run(30))).text
