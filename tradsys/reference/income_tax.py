"""Indian income tax on trading: rates, periods and thresholds by date. Rows: `data/income_tax.csv`.

A financial year runs from 1 April to 31 March and is named by its first calendar year.
"""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from tradsys.core.units import from_text
from tradsys.reference.dated import DatedRow, DatedTable, read_table

FIX = "choose later dates, or add the row with its source to income_tax.csv"


def financial_year(day: date) -> int:
    """The calendar year in which the financial year of a date begins."""
    return day.year if day.month >= 4 else day.year - 1


def year_name(year: int) -> str:
    """A financial year as people write it: `2024-25`."""
    return f"{year}-{(year + 1) % 100:02d}"


def year_ends(year: int) -> tuple[date, date]:
    """The first and the last day of a financial year."""
    return date(year, 4, 1), date(year + 1, 3, 31)


def rate(income: str, on: date) -> DatedRow | None:
    """The row whose value is the rate in percent, before surcharge and cess, of a kind of income (`short_term`,
    `long_term`, `virtual_digital_asset`) on the day of the transfer; None where no row covers it: no such rule, or
    income taxed at the rates of its recipient."""
    rows = _table().history(income, "rate_percent")
    return next((row for row in rows if row.effective_from <= on < row.until), None)


def exemption(year: int) -> int:
    """Long-term gains of a financial year that stay untaxed, 1e-8 of a rupee. Raises `UncoveredDate`."""
    return from_text(_table().on(year_ends(year)[1], "long_term", "exemption_a_year", fix=FIX).value)


def dividends_taxed_with(on: date) -> str:
    """Who pays the tax of a dividend of a date: `company` or `recipient`. Raises `UncoveredDate`."""
    return _table().on(on, "dividend", "taxed_with", fix=FIX).value


def is_long_term(*, bought: date, sold: date) -> bool:
    """Whether a listed security was held for more than the period that is short term. Raises `UncoveredDate`.

    Days are those of the contract notes (CBDT circular 704 of 28 April 1995).
    """
    months = int(_table().on(sold, "long_term", "holding_months", fix=FIX).value)
    return sold > _months_later(bought, months)


def instalment_periods(year: int) -> list[tuple[date, date]]:
    """First and last day of each period that advance tax and the return ask for; together the whole year.

    Raises `UncoveredDate`.
    """
    first, last = year_ends(year)
    row = _table().on(first, "advance_tax", "instalments", fix=FIX)
    dues = [tuple(map(int, each.split("-"))) for each in row.value.split("|")]
    ends = [date(year if month >= 4 else year + 1, month, day) for month, day in dues]
    begins = [first, *(each + timedelta(days=1) for each in ends)]
    return list(zip(begins, [*ends, last], strict=True))


def period_of(day: date) -> tuple[date, date]:
    """The period of `instalment_periods` that a date lies in. Raises `UncoveredDate`."""
    return next(each for each in instalment_periods(financial_year(day)) if each[0] <= day <= each[1])


def _table() -> DatedTable:
    return read_table("income_tax", "income", "item")


def _months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
