"""Cash dividends of an account, as income of their financial year. A report, no advice.

Who pays the tax of a dividend is a dated row of `reference/data/income_tax.csv` with its source. A dividend counts on
its ex-date here, the only date that a corporate action says.

Not modelled: the date of payment, tax deducted at source (s. 194), interest as the one deduction (s. 57), taxes of
other countries.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from tradsys.core.events import CashMoved
from tradsys.core.units import format_money
from tradsys.portfolio.ledger import DIVIDEND
from tradsys.portfolio.tables import Cell, Column, Table
from tradsys.reference.clock import local_date
from tradsys.reference.income_tax import dividends_taxed_with, financial_year

NOTES = {
    "recipient": "Dividends are income from other sources at the recipient's rates, counted on ex-dates, before TDS.",
    "company": "Dividends of these dates were taxed with the company, and free for who received them.",
}


class Dividend(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one strategy's holding of one instrument received on an ex-date, 1e-8 of the account's currency; negative is
    what a short holder paid. `year` is as in `TaxLot`, `taxed_with` who pays the tax: `company` or `recipient`."""

    year: int
    taxed_with: str
    ex_date: date
    strategy: str
    instrument: str
    amount: int


class DividendSum(msgspec.Struct, frozen=True, kw_only=True):
    """Dividends of one instrument in one financial year, 1e-8: `received` (≥ 0), and `paid` (≤ 0) by short holders."""

    instrument: str
    ex_dates: int
    received: int
    paid: int


def dividends(moves: Iterable[CashMoved], *, zone: str) -> list[Dividend]:
    """The dividends among moves of cash, in their order; dates are those of `zone`. Raises `UncoveredDate` for one on a
    date that the table of income tax does not cover."""
    return [_dividend(each, local_date(each.at, zone)) for each in moves if each.reason == DIVIDEND]


def by_instrument(received: Iterable[Dividend], year: int) -> list[DividendSum]:
    """Sums of a financial year by instrument, by name."""
    rows: dict[str, list[Dividend]] = {}
    for each in received:
        if each.year == year:
            rows.setdefault(each.instrument, []).append(each)
    return [_sum(name, rows[name]) for name in sorted(rows)]


def table(sums: Sequence[DividendSum], currency: str) -> Table:
    """The sums of a year for people, and all of them in the last row."""
    columns = [Column("Instrument"), *(Column(name, number=True) for name in ("Ex-dates", "Received", "Paid"))]
    whole = DividendSum(
        instrument="All",
        ex_dates=sum(each.ex_dates for each in sums),
        received=sum(each.received for each in sums),
        paid=sum(each.paid for each in sums),
    )
    return Table(columns, [_row(each, currency) for each in (*sums, whole)])


def notes(received: Iterable[Dividend], year: int) -> list[str]:
    """What a reader of the dividends of a year has to know."""
    return [NOTES[payer] for payer in dict.fromkeys(each.taxed_with for each in received if each.year == year)]


def _dividend(moved: CashMoved, day: date) -> Dividend:
    return Dividend(
        year=financial_year(day),
        taxed_with=dividends_taxed_with(day),
        ex_date=day,
        strategy=moved.strategy,
        instrument=moved.instrument,
        amount=moved.amount,
    )


def _sum(name: str, rows: Sequence[Dividend]) -> DividendSum:
    return DividendSum(
        instrument=name,
        ex_dates=len({each.ex_date for each in rows}),
        received=sum(each.amount for each in rows if each.amount > 0),
        paid=sum(each.amount for each in rows if each.amount < 0),
    )


def _row(each: DividendSum, currency: str) -> list[Cell]:
    return [
        Cell(each.instrument, "name"),
        Cell(f"{each.ex_dates:,}", "number"),
        Cell(format_money(each.received, currency), "number"),
        Cell(format_money(each.paid, currency), "number"),
    ]
