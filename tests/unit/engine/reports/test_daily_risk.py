"""Days of a run by hand: profit, exposure, drawdown, value at risk, margin, ratios; with prices and without."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import pytest

from tests.builders import MONDAY, Case, Row, at_bar, days, scripted
from tests.saved_runs import kept
from tests.unit.engine.reports.lines import BEGIN, NAME, Lines, record_of
from tradsys.core.errors import UncoveredDate
from tradsys.core.events import Product
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.safety import SafetyLevel, SafetyLowered, SafetyRaised
from tradsys.core.units import DAY, SCALE
from tradsys.engine.reports.account import Trade, booked
from tradsys.engine.reports.closes import Closes, closes_of
from tradsys.engine.reports.daily_risk import RiskDay, risk_days
from tradsys.engine.reports.margin import margin_in_use
from tradsys.engine.reports.risk_sheets import exposure_sheet, risk_sheet
from tradsys.engine.reports.run_record import RunRecord, read_record
from tradsys.engine.saved_run import SavedRun
from tradsys.portfolio.ledger import Position


def kept_days(folder: Path, rows: list[Row], **sections: dict[str, object]) -> SavedRun:
    """Ten shares bought after the first day and kept."""
    script = scripted(f"keep {folder}", at_bar({0: lambda s, b: s.buy(b, 10, reason="in")}), product="CNC")
    return kept(Case(folder, {"NSE:A": rows}, [script], sections=sections, interval="1d"))


def days_of(saved: SavedRun) -> tuple[RunRecord, list[RiskDay]]:
    record = read_record(saved)
    return record, risk_days(record, closes_of(record))


def test_three_days_by_hand(tmp_path: Path) -> None:
    saved = kept_days(tmp_path, days([(100, 100, 100, 100), (100, 110, 100, 110), (110, 110, 99, 99)]))
    record, (first, second, third) = days_of(saved)
    assert [each.day for each in (first, second, third)] == [date(2024, 6, 3), date(2024, 6, 4), date(2024, 6, 5)]
    assert (first.profit, first.equity, first.held, first.drawdown) == (0, 1_000_000 * SCALE, (), 0.0)
    # Ten shares at the open of 100, valued at 110 and then at 99.
    assert (second.profit, second.equity) == (100 * SCALE, 1_000_100 * SCALE)
    assert (third.profit, third.equity) == (-110 * SCALE, 999_990 * SCALE)
    assert third.drawdown == pytest.approx(-110 / 1_000_100)
    assert (third.gross, third.net) == (990 * SCALE, 990 * SCALE)
    (held,) = third.held
    assert (held.instrument, held.quantity, held.price, held.priced_by) == ("NSE:A", 10 * SCALE, 99 * SCALE, "close")
    assert (third.herfindahl, third.margin.amount) == (1.0, 0)
    assert (first.orders, first.trades, second.orders, second.trades) == (1, 0, 0, 1)
    assert (first.order_to_trade, second.order_to_trade) == (1.0, 0.0)
    assert math.isnan(third.tails[0.95].value_at_risk) and "scenarios" in third.tails[0.95].undefined
    assert saved.manifest["final"]["equity"] == "999990" and record.ends_at == 0


def test_value_at_risk_is_the_worst_of_twenty_moves_of_what_is_held(tmp_path: Path) -> None:
    # 21 days of trade: 17 June 2024 was a holiday.
    closes = [100.0] * 10 + [90.0] * 12
    rows = days([(each, each, each, each) for each in closes], first=MONDAY)
    *_, before, last = days_of(kept_days(tmp_path, rows))[1]
    # One move of -10 % among twenty: the tail of 5 % is that move, of 900 rupees.
    assert last.tails[0.95].value_at_risk == pytest.approx(90.0)
    assert last.tails[0.95].expected_shortfall == pytest.approx(90.0)
    assert before.tails[0.95].undefined and last.tails[0.99].undefined


def test_the_last_close_is_the_account_of_the_run(tmp_path: Path) -> None:
    rows = days([(100 + i % 7, 108, 99, 101 + i % 5) for i in range(30)])
    saved = kept_days(tmp_path, rows, charges={"plan": "flat", "rate": 0.001})
    record, found = days_of(saved)
    assert sum(each.profit for each in found) == found[-1].equity - record.start
    assert found[-1].equity == int(float(saved.manifest["final"]["equity"]) * SCALE + 0.5)
    assert sum(each.charges for each in found) > 0


def test_a_run_that_was_interrupted_ends_where_it_ended(tmp_path: Path) -> None:
    saved = kept_days(tmp_path, days([(100, 100, 100, 100), (100, 110, 100, 110), (110, 110, 99, 99)]))
    saved.manifest.update(partial=True, bars=2)
    assert [each.equity for each in days_of(saved)[1]] == [1_000_000 * SCALE, 1_000_100 * SCALE]


def test_a_share_in_another_currency_is_worth_the_rate_of_the_day(tmp_path: Path) -> None:
    tmp_path.joinpath("rates.csv").write_text("date,currency,rate\n2024-06-03,USD,80\n2024-06-05,USD,82\n")
    script = scripted(f"abroad {tmp_path}", at_bar({0: lambda s, b: s.buy(b, 10, reason="in")}))
    case = Case(
        tmp_path,
        {"US:A": days([(100, 100, 100, 100), (100, 100, 100, 100), (110, 110, 110, 110)])},
        [script],
        instruments={"US:A": {"segment": "equity", "currency": "USD"}},
        sections={"data": {"timezone": "UTC", "rates": "rates.csv"}},
        interval="1d",
    )
    record, found = days_of(kept(case))
    # Ten for 100 dollars at 80 rupees, then worth 110 at 82. A bar that ends at midnight is known on the next date.
    assert [each.profit // SCALE for each in found] == [0, 0, 0, 10 * (110 * 82 - 100 * 80)]
    (trade,) = (each for each in booked(record) if isinstance(each, Trade))
    assert (trade.traded, trade.fill.price, trade.cash) == (100 * SCALE, 8_000 * SCALE, -80_000 * SCALE)
    assert found[-1].gross == 10 * 110 * 82 * SCALE


def test_data_that_are_not_what_the_run_read_price_nothing(tmp_path: Path) -> None:
    saved = kept_days(tmp_path, days([(100, 100, 100, 100), (100, 110, 100, 110), (110, 110, 99, 99)]))
    (tmp_path / "bars0.csv").write_text("changed")
    record, found = days_of(saved)
    assert [each.day for each in found] == [date(2024, 6, 3), date(2024, 6, 4)], "days of the log alone"
    (held,) = found[-1].held
    assert (held.price, held.priced_by) == (100 * SCALE, "own fill")
    assert "is not what the run read" in found[-1].tails[0.95].undefined
    (row,) = exposure_sheet(record, found).rows
    assert row[1:5] == ("NSE:A", 10 * SCALE, 100 * SCALE, "own fill")


def test_levels_refusals_and_ratios_of_a_day() -> None:
    lines = Lines()
    lines.refused("daily-loss")
    lines.refused("daily-loss")
    lines.refused("max-order-value")
    order = lines.approved()
    lines.filled(order, 10, 100, (("brokerage", SCALE),))
    record = record_of(lines.entries)
    record.safety = [
        SafetyRaised(at=BEGIN, level=SafetyLevel.NO_NEW_RISK, trigger="loss", limit="1", value="2"),
        SafetyRaised(at=BEGIN + 1, level=SafetyLevel.CANCEL, trigger="loss", limit="2", value="3"),
        SafetyLowered(at=BEGIN + DAY, level=SafetyLevel.NORMAL, by="asha", reason="seen"),
    ]
    first, second = risk_days(record, Closes({}, missing="no data"))
    assert (first.refused, first.raised, first.level) == (
        {"daily-loss": 2, "max-order-value": 1}, 2, SafetyLevel.CANCEL,
    )  # fmt: skip
    assert (second.raised, second.level) == (0, SafetyLevel.CANCEL), "it held until it was lowered"
    assert (first.orders, first.trades, first.charges, first.profit) == (1, 1, SCALE, -SCALE)
    sheet = risk_sheet(record, [first])
    row = dict(zip([each.name for each in sheet.headings], sheet.rows[0], strict=True))
    assert (row["refusals"], row["refusals_by_rule"]) == (3, "daily-loss 2, max-order-value 1")
    assert (row["highest_level"], row["not_defined"]) == ("CANCEL", "no data")


def test_a_run_that_says_nothing_has_no_day() -> None:
    assert risk_days(record_of([]), Closes({})) == []
    assert risk_sheet(record_of([]), []).rows == []


def position(segment: Segment, product: Product, quantity: int, **more: object) -> Position:
    instrument = Instrument(id=NAME, exchange="NSE", symbol="ABC", segment=segment, **more)  # type: ignore[arg-type]
    held = Position("plan", instrument, product)
    held.quantity = quantity * SCALE
    return held


def test_margin_is_a_share_of_what_is_borrowed() -> None:
    future = position(Segment.FUTURE, Product.NRML, -5, expiry=BEGIN)
    sold = position(Segment.OPTION, Product.NRML, -2, expiry=BEGIN, strike=200 * SCALE, right=OptionRight.CALL)
    bought = position(Segment.OPTION, Product.NRML, 2, expiry=BEGIN, strike=200 * SCALE, right=OptionRight.CALL)
    share = position(Segment.EQUITY, Product.CNC, 7)
    marks, fifth = {NAME: 100 * SCALE}, SCALE // 5

    def of(*held: Position) -> int | None:
        return margin_in_use(held, marks, lambda instrument, product, at: fifth, at=BEGIN).amount

    assert of(share, bought) == 0
    assert of(future) == 100 * SCALE  # 5 x 100 x 20 %
    assert of(sold) == 280 * SCALE  # 2 x 200 x 20 %, and 2 x 100 of premium
    assert of(future, sold, share) == 380 * SCALE


def test_margin_without_a_rate_is_not_known() -> None:
    def no_rate(instrument: Instrument, product: Product, at: int) -> int:
        raise UncoveredDate("no margins row for 2001")

    held = position(Segment.FUTURE, Product.NRML, 1, expiry=BEGIN)
    found = margin_in_use([held], {NAME: SCALE}, no_rate, at=BEGIN)
    assert (found.amount, found.undefined) == (None, "no margins row for 2001")
