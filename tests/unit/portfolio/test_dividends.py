"""Dividends by financial year and instrument, against figures worked by hand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.portfolio.test_tax_report import moment
from tradsys.core.errors import UncoveredDate
from tradsys.core.events import CashMoved
from tradsys.core.units import SCALE
from tradsys.portfolio.dividends import NOTES, by_instrument, dividends, notes, table
from tradsys.portfolio.tax_report import TaxReport, tables, tax_report


def moved(when: str, amount: float, *, instrument: str = "NSE:A", reason: str = "dividend") -> CashMoved:
    return CashMoved(
        at=moment(f"{when}T09:15"), strategy="s", instrument=instrument, amount=round(amount * SCALE), reason=reason
    )


MOVES = [
    moved("2020-03-31", 10),
    moved("2020-04-01", 20),
    moved("2020-06-01", 30.5),
    moved("2020-06-01", -4, instrument="NSE:B"),
    moved("2020-06-02", 99, reason="funding"),
    moved("2020-06-03", 7, instrument="NSE:B"),
]


def report() -> TaxReport:
    return tax_report((), moves=MOVES)


def test_only_dividends_count_on_their_ex_dates() -> None:
    found = report().dividends
    assert [(each.year, each.ex_date, each.amount / SCALE) for each in found] == [
        (2019, date(2020, 3, 31), 10),
        (2020, date(2020, 4, 1), 20),
        (2020, date(2020, 6, 1), 30.5),
        (2020, date(2020, 6, 1), -4),
        (2020, date(2020, 6, 3), 7),
    ]
    assert [each.taxed_with for each in found] == ["company", *["recipient"] * 4]
    assert report().years == [2019, 2020]


def test_sums_by_instrument_keep_what_short_holders_paid_apart() -> None:
    first, second = by_instrument(report().dividends, 2020)
    assert (first.instrument, first.ex_dates, first.received / SCALE, first.paid) == ("NSE:A", 2, 50.5, 0)
    assert (second.instrument, second.ex_dates, second.received / SCALE, second.paid / SCALE) == ("NSE:B", 2, 7, -4)
    rows = table([first, second], "INR").rows
    assert [cell.text for cell in rows[-1]] == ["All", "4", "₹57.50", "-₹4.00"]


def test_the_report_shows_them_where_there_are_any() -> None:
    assert [title for title, _ in tables(report(), 2020)][-1] == "Dividends 2020-21"
    assert not any(title.startswith("Dividends") for title, _ in tables(report(), 2021))


def test_the_notes_say_whose_tax_it_is() -> None:
    assert notes(report().dividends, 2019) == [NOTES["company"]]
    assert NOTES["recipient"] in report().notes(2020) and NOTES["company"] not in report().notes(2020)
    assert notes(report().dividends, 2021) == []


def test_dates_before_the_table_are_said_to_be_uncovered() -> None:
    with pytest.raises(UncoveredDate):
        dividends([moved("2004-12-31", 1)], zone="Asia/Kolkata")
