"""Kinds of income, what they may deduct, and sums by year and period, against figures worked by hand."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import pytest

from tradsys.core.errors import UncoveredDate
from tradsys.core.events import ActionKind, CorporateAction, Fill, Product, Side
from tradsys.core.instruments import Instrument, OptionRight, Segment
from tradsys.core.units import SCALE
from tradsys.portfolio.account_lots import AccountLots
from tradsys.portfolio.ledger import Items
from tradsys.portfolio.tax_lots import Income, TaxLot, income_of
from tradsys.portfolio.tax_report import LOT_COLUMNS, ZONE, TaxReport, lots_csv, tables, tax_report

R = SCALE
SHARE = Instrument(id="NSE:A", exchange="NSE", symbol="A", segment=Segment.EQUITY)
FUTURE = Instrument(id="NFO:F", exchange="NFO", symbol="F", segment=Segment.FUTURE, underlying="NSE:A", expiry=1)
OPTION = Instrument(
    id="NFO:O", exchange="NFO", symbol="O", segment=Segment.OPTION, underlying="NSE:A", expiry=1, strike=100 * R,
    right=OptionRight.PUT,
)  # fmt: skip
COIN = Instrument(id="X:BTC", exchange="X", symbol="BTC", segment=Segment.CRYPTO_SPOT, currency="USDT")
PERPETUAL = Instrument(id="X:P", exchange="X", symbol="P", segment=Segment.CRYPTO_PERPETUAL)
STEEL = Instrument(id="MCX:S", exchange="MCX", symbol="S", segment=Segment.FUTURE, expiry=1)
FOREIGN = Instrument(id="NYSE:A", exchange="NYSE", symbol="A", segment=Segment.EQUITY)


def moment(when: str) -> int:
    return int(datetime.fromisoformat(f"{when}+05:30").timestamp()) * 10**9


class Account:
    """Trades written as on a contract note."""

    def __init__(self) -> None:
        self.lots = AccountLots(zone=ZONE)
        self.orders = 0

    def trade(
        self,
        when: str,
        side: Side,
        quantity: int,
        price: float,
        *,
        of: Instrument = SHARE,
        by: str = "s",
        **items: float,
    ) -> None:
        self.orders += 1
        at = moment(when if "T" in when else f"{when}T10:00")
        fill = Fill(
            at=at, exchange_at=at, order_id=self.orders, strategy=by, instrument=of.id, side=side,
            quantity=quantity * R, price=round(price * R), product=Product.CNC, reason=f"r{self.orders}",
        )  # fmt: skip
        charges: Items = tuple((name, round(amount * R)) for name, amount in items.items())
        self.lots.fill(fill, charges, of)

    def buy(self, when: str, quantity: int, price: float, **more: Any) -> None:
        self.trade(when, Side.BUY, quantity, price, **more)

    def sell(self, when: str, quantity: int, price: float, **more: Any) -> None:
        self.trade(when, Side.SELL, quantity, price, **more)

    def report(self, **more: Any) -> TaxReport:
        return tax_report(self.lots.closed(), **more)

    def lots_of(self) -> list[TaxLot]:
        return list(self.report().lots)


@pytest.mark.parametrize(
    ("instrument", "side", "opened", "closed", "income"),
    [
        (SHARE, 1, date(2024, 5, 2), date(2024, 5, 2), Income.SPECULATIVE),
        (SHARE, 1, date(2024, 5, 2), date(2024, 5, 3), Income.SHORT_TERM),
        (SHARE, 1, date(2023, 5, 2), date(2024, 5, 2), Income.SHORT_TERM),
        (SHARE, 1, date(2023, 5, 2), date(2024, 5, 3), Income.LONG_TERM),
        (SHARE, -1, date(2024, 5, 2), date(2024, 5, 7), Income.SPECULATIVE),
        (FUTURE, -1, date(2024, 5, 2), date(2024, 5, 2), Income.DERIVATIVES),
        (OPTION, 1, date(2024, 5, 2), date(2026, 5, 2), Income.DERIVATIVES),
        (STEEL, 1, date(2024, 5, 2), date(2024, 5, 2), Income.DERIVATIVES),
        (COIN, 1, date(2024, 5, 2), date(2024, 5, 2), Income.DIGITAL_ASSET),
        (PERPETUAL, 1, date(2024, 5, 2), date(2024, 5, 2), Income.OTHER),
        (FOREIGN, 1, date(2024, 5, 2), date(2025, 5, 5), Income.OTHER),
    ],
)
def test_kinds_of_income(instrument: Instrument, side: int, opened: date, closed: date, income: Income) -> None:
    assert income_of(instrument, side=side, opened=opened, closed=closed) is income


def test_a_capital_gain_deducts_all_but_stt_and_a_business_stt_too() -> None:
    account = Account()
    account.buy("2024-05-02", 10, 100, stt=1, stamp=0.5)
    account.sell("2024-05-06", 10, 120, stt=1.2, dp=15.34)
    account.buy("2024-05-07T10:00", 10, 100, stt=1, stamp=0.5)
    account.sell("2024-05-07T11:00", 10, 90, stt=0.25)
    gain, speculation = account.lots_of()
    assert (gain.income, gain.cost, gain.consideration) == (Income.SHORT_TERM, 1000 * R, 1200 * R)
    assert (gain.charges, gain.transaction_tax, gain.deducted) == (1804 * R // 100, 22 * R // 10, 1584 * R // 100)
    assert (gain.gain, gain.net, gain.turnover, gain.rate_percent) == (18416 * R // 100, 18196 * R // 100, 0, "15")
    assert (speculation.income, speculation.gross, speculation.turnover) == (Income.SPECULATIVE, -100 * R, 100 * R)
    assert speculation.deducted == speculation.charges == 175 * R // 100
    assert (speculation.rate_percent, speculation.year) == ("", 2024)


def test_what_comes_and_goes_on_one_day_never_reaches_the_account() -> None:
    """30 shares are held; 10 are bought and 15 sold on one day: 10 of the day, 5 of the oldest."""
    account = Account()
    account.buy("2024-05-02", 30, 100)
    account.sell("2024-05-06T10:00", 15, 120, by="t")
    account.buy("2024-05-06T14:00", 10, 110, by="u")
    within, held = sorted(account.lots_of(), key=lambda each: each.income != Income.SPECULATIVE)
    assert (within.income, within.quantity, within.gross) == (Income.SPECULATIVE, 10 * R, 100 * R)
    assert (held.income, held.quantity, held.gross) == (Income.SHORT_TERM, 5 * R, 100 * R)
    assert account.lots.open_lots()[SHARE.id].held == 25 * R


def test_lots_are_those_of_the_account_not_of_a_strategy() -> None:
    account = Account()
    account.buy("2023-01-02", 10, 100, by="one")
    account.buy("2024-05-02", 10, 110, by="two")
    account.sell("2024-06-03", 10, 120, by="two")
    (lot,) = account.lots_of()
    assert (lot.income, lot.gross, lot.opening_reason, lot.closing_reason) == (Income.LONG_TERM, 200 * R, "r1", "r3")


def test_derivatives_are_first_in_first_out_within_a_day_too() -> None:
    account = Account()
    account.buy("2024-05-02", 1, 100, of=FUTURE)
    account.buy("2024-05-03T10:00", 1, 110, of=FUTURE)
    account.sell("2024-05-03T11:00", 1, 120, of=FUTURE)
    (lot,) = account.lots_of()
    assert (lot.gross, lot.opened) == (20 * R, date(2024, 5, 2))


def test_bonus_shares_cost_nothing_and_begin_on_the_ex_date_while_a_split_changes_neither() -> None:
    account = Account()
    account.buy("2023-01-02", 10, 100)
    at = moment("2024-05-02T09:15")
    account.lots.apply(CorporateAction(at=at, instrument=SHARE.id, kind=ActionKind.BONUS, old=1, new=2))
    account.lots.apply(CorporateAction(at=at + 1, instrument=SHARE.id, kind=ActionKind.SPLIT, old=1, new=5))
    account.lots.apply(CorporateAction(at=at + 2, instrument=SHARE.id, kind=ActionKind.DIVIDEND, cash=R))
    account.lots.apply(CorporateAction(at=at + 3, instrument="NSE:NONE", kind=ActionKind.SPLIT, new=2))
    account.sell("2024-08-01", 100, 12)
    old, given = account.lots_of()
    assert (old.income, old.quantity, old.cost, old.gross) == (Income.LONG_TERM, 50 * R, 1000 * R, -400 * R)
    assert (given.income, given.quantity, given.cost, given.gross) == (Income.SHORT_TERM, 50 * R, 0, 600 * R)
    assert (given.opening_reason, given.opened, given.rate_percent) == ("bonus", date(2024, 5, 2), "20")


def test_digital_assets_deduct_nothing_and_set_off_nothing() -> None:
    account = Account()
    account.buy("2024-05-02", 2, 100, of=COIN, fee=1)
    account.sell("2024-05-02", 1, 150, of=COIN, fee=1)
    account.sell("2024-05-03", 1, 70, of=COIN, fee=1)
    report = account.report(currency="USDT")
    (total,) = report.by_income(2024)
    assert (total.gains, total.losses, total.deducted, total.charges) == (50 * R, -30 * R, 0, 3 * R)
    assert (total.taxable, total.rate_percent, total.turnover) == (50 * R, "30", 0)
    assert any("USDT" in note for note in report.notes(2024))


def test_a_day_of_the_return_is_an_indian_day() -> None:
    account = Account()
    account.buy("2024-03-31T23:59", 1, 100, of=COIN)
    account.sell("2024-04-01T00:01", 1, 110, of=COIN)
    (lot,) = account.lots_of()
    assert (lot.opened, lot.closed, lot.year) == (date(2024, 3, 31), date(2024, 4, 1), 2024)


def two_rates() -> Account:
    """Long-term gains before and after 23 July 2024, one of them above the exemption, and losses of futures."""
    account = Account()
    account.buy("2020-05-04", 300, 1000)
    account.sell("2024-07-22", 100, 1600)
    account.sell("2024-07-23", 200, 1900)
    account.buy("2024-12-16", 50, 200, of=FUTURE, stt=1)
    account.sell("2025-03-16", 20, 190, of=FUTURE, stt=1)
    account.sell("2025-03-31", 30, 230, of=FUTURE, stt=1)
    account.sell("2025-04-01T10:00", 1, 90)
    account.buy("2025-04-01T11:00", 1, 80)
    return account


def test_sums_by_rate_and_what_is_above_the_exemption() -> None:
    report = two_rates().report()
    assert report.years == [2024, 2025]
    rows = [(each.income, each.rate_percent, each.lots, each.taxable // R) for each in report.by_income(2024)]
    assert rows == [
        (Income.LONG_TERM, "10", 1, 60_000),
        (Income.LONG_TERM, "12.5", 1, 180_000),
        (Income.DERIVATIVES, "", 2, 697),
    ]
    futures = report.by_income(2024)[-1]
    assert (futures.turnover, futures.gains, futures.losses) == (1100 * R, 8984 * R // 10, -2014 * R // 10)
    notes = report.notes(2024)
    assert "no tax advice" in notes[0]
    assert any("₹1,25,000.00" in note and "₹1,15,000.00 is above it" in note for note in notes)
    assert any("STT and CTT are deducted" in note for note in notes)


def test_sums_by_period_are_the_sums_of_the_year() -> None:
    report = two_rates().report()
    periods = [(each.income, each.period[0], each.taxable // R) for each in report.by_period(2024)]
    assert periods == [
        (Income.LONG_TERM, date(2024, 6, 16), 240_000),
        (Income.DERIVATIVES, date(2025, 3, 16), 697),
    ]
    for year in report.years:
        sides = [
            sum(each.gains + each.losses for each in sums) for sums in (report.by_income(year), report.by_period(year))
        ]
        assert sides[0] == sides[1] == sum(each.gain for each in report.lots if each.year == year)


def test_csv_and_tables_show_what_was_closed() -> None:
    report = two_rates().report()
    rows = list(csv.DictReader(io.StringIO(lots_csv(report))))
    assert tuple(rows[0]) == LOT_COLUMNS and len(rows) == len(report.lots) == 5
    assert (rows[0]["income"], rows[0]["financial_year"], rows[0]["gain"]) == ("long_term", "2024-25", "60000")
    assert (rows[0]["opened"], rows[0]["period_to"]) == ("2020-05-04", "2024-09-15")
    assert len(lots_csv(report, 2025).splitlines()) == 2
    (title, by_income), (_, by_period) = tables(report, 2024)
    assert title == "Financial year 2024-25"
    assert [len(row) for row in by_income.rows] == [len(by_income.columns)] * 3
    assert [len(row) for row in by_period.rows] == [len(by_period.columns)] * 2
    assert by_income.rows[1][-2].text == "₹1,80,000.00"


def test_unconfirmed_rates_are_named() -> None:
    account = Account()
    account.buy("2026-05-04", 1, 100)
    account.sell("2026-06-03", 1, 120)
    assert any("Not confirmed" in note and "short term" in note for note in account.report().notes(2026))
    account = Account()
    account.buy("2021-05-04", 1, 100, of=COIN)
    account.sell("2021-06-03", 1, 120, of=COIN)
    assert any("before 1 April 2022" in note for note in account.report().notes(2021))


def test_shares_sold_before_the_table_begins_are_refused() -> None:
    account = Account()
    account.buy("2003-05-05", 1, 100)
    account.sell("2003-06-03", 1, 120)
    with pytest.raises(UncoveredDate, match="income tax"):
        account.report()


def test_nothing_closed_is_an_empty_report() -> None:
    report = tax_report([])
    assert report.years == [] and report.by_income(2024) == [] and lots_csv(report).count("\n") == 1
