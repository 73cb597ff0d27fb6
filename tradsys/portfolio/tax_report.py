"""Closed lots summed by kind of income, financial year and period of advance tax; as tables and as CSV. No advice.

Turnover of a business is the sum of the absolute differences of its lots: ICAI, Guidance Note on Tax Audit under
section 44AB, eighth edition of 2022 (favourable and unfavourable differences; the premium of sold options is in them,
and not added again; quoted at certicom.in/tag/tax-audit-under-sec-44ab). What makes one difference it leaves open: here
each closed lot is one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec

from tradsys.core.events import CashMoved
from tradsys.core.units import format_money, to_text
from tradsys.portfolio.dividends import Dividend, by_instrument, dividends
from tradsys.portfolio.dividends import notes as dividend_notes
from tradsys.portfolio.dividends import table as dividend_table
from tradsys.portfolio.lots import ClosedLot
from tradsys.portfolio.tables import NONE, Cell, Column, Table
from tradsys.portfolio.tax_lots import BUSINESS, Income, TaxLot, tax_lot
from tradsys.reference.income_tax import exemption, rate, year_ends, year_name

ZONE = "Asia/Kolkata"
"""Days and years of Indian tax are Indian ones, wherever the exchange stands."""

LABELS = {
    Income.SHORT_TERM: "Short-term capital gain (listed shares, s. 111A)",
    Income.LONG_TERM: "Long-term capital gain (listed shares, s. 112A)",
    Income.SPECULATIVE: "Speculative business (shares without delivery)",
    Income.DERIVATIVES: "Business, not speculative (futures and options)",
    Income.DIGITAL_ASSET: "Virtual digital assets (s. 115BBH)",
    Income.OTHER: "Not classified",
}
DISCLAIMER = (
    "A report of what the run traded, by rules that may not be yours: no tax advice. Set-off, carried losses, "
    "surcharge, cess and the prices of 31 January 2018 are not in it; docs/tax_lots.md says what else is not."
)
LOT_COLUMNS = (
    "income", "financial_year", "period_from", "period_to", "instrument", "side", "quantity", "opened", "closed",
    "cost", "consideration", "gross", "charges", "transaction_tax", "deducted", "gain", "turnover", "rate_percent",
    "opening_order", "closing_order", "opening_reason", "closing_reason",
)  # fmt: skip


class TaxSum(msgspec.Struct, frozen=True, kw_only=True):
    """Lots of one kind of income, of one rate or of one period; money in 1e-8.

    `gains` (≥ 0) and `losses` (≤ 0) are those of single lots after what the income may deduct. `period` is the whole
    year where the sum is one of a rate.
    """

    income: Income
    period: tuple[date, date]
    rate_percent: str
    lots: int
    cost: int
    consideration: int
    charges: int
    transaction_tax: int
    deducted: int
    gains: int
    losses: int
    turnover: int

    @property
    def taxable(self) -> int:
        """Gains less losses; of digital assets the gains alone, since a loss is set off against nothing."""
        return self.gains if self.income is Income.DIGITAL_ASSET else self.gains + self.losses


class TaxReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every closed lot of an account in the order of closing, and its dividends, in the account's `currency`."""

    lots: Sequence[TaxLot]
    currency: str = "INR"
    dividends: Sequence[Dividend] = ()

    @property
    def years(self) -> list[int]:
        """Financial years in which something was closed or paid, by the calendar year they begin in."""
        return sorted({each.year for each in self.lots} | {each.year for each in self.dividends})

    def by_income(self, year: int) -> list[TaxSum]:
        """Sums of a financial year by kind of income and rate; together every lot of the year once."""
        whole = year_ends(year)
        rows = [each for each in self.lots if each.year == year]
        keys = sorted({(each.income, each.rate_percent) for each in rows}, key=_place)
        return [_sum([r for r in rows if (r.income, r.rate_percent) == key], period=whole) for key in keys]

    def by_period(self, year: int) -> list[TaxSum]:
        """Sums of a financial year by kind of income and period of advance tax, of those that have lots."""
        rows = [each for each in self.lots if each.year == year]
        keys = sorted({(each.income, each.period) for each in rows}, key=_place)
        return [_sum([r for r in rows if (r.income, r.period) == key], period=key[1]) for key in keys]

    def notes(self, year: int) -> list[str]:
        """What a reader of the figures of a year has to know."""
        sums = self.by_income(year)
        found = [DISCLAIMER]
        if any(each.income is Income.LONG_TERM for each in sums):
            gain = sum(each.taxable for each in sums if each.income is Income.LONG_TERM)
            free = exemption(year)
            above = format_money(max(gain - free, 0))
            found.append(f"Long-term gains up to {format_money(free)} a year are not taxed: {above} is above it.")
        if any(each.income in BUSINESS for each in sums):
            found.append("Business income is taxed at the rates of its recipient; STT and CTT are deducted from it.")
        if any(each.income is Income.DIGITAL_ASSET and not each.rate_percent for each in sums):
            found.append("The table has no rate of digital assets before 1 April 2022.")
        if self.currency != "INR":
            found.append(
                f"Amounts are in {self.currency}; the law wants rupees, at rates that this report does not have."
            )
        return found + dividend_notes(self.dividends, year) + _unconfirmed(self.lots, year)


def tax_report(closed: Iterable[ClosedLot], *, currency: str = "INR", moves: Iterable[CashMoved] = ()) -> TaxReport:
    """The report of what an account closed (`AccountLots.closed`) and of the dividends among its moves of cash.

    Raises `UncoveredDate` for what was closed or paid on a date that the table of income tax does not cover.
    """
    return TaxReport(
        lots=[tax_lot(each, zone=ZONE) for each in closed], currency=currency, dividends=dividends(moves, zone=ZONE)
    )


def lots_csv(report: TaxReport, year: int | None = None) -> str:
    """One line a closed lot, of one financial year or of all; dates as ISO-8601, amounts exact in the account's
    currency."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(LOT_COLUMNS)
    writer.writerows(_line(each) for each in report.lots if year is None or each.year == year)
    return text.getvalue()


def tables(report: TaxReport, year: int) -> Iterator[tuple[str, Table]]:
    """The figures of a financial year for people: by kind of income and rate, then by period of advance tax."""
    name = year_name(year)
    numbers = (
        "Rate",
        "Lots",
        "Consideration",
        "Cost",
        "Deducted",
        "STT, CTT",
        "Gains",
        "Losses",
        "Taxable",
        "Turnover",
    )
    columns = [Column("Income"), *(Column(each, number=True) for each in numbers)]
    sums = report.by_income(year)
    yield f"Financial year {name}", Table(columns, [_income_row(each, report.currency) for each in sums])
    columns = [Column("Income"), Column("Period"), *(Column(each, number=True) for each in ("Lots", "Taxable"))]
    rows = [_period_row(each, report.currency) for each in report.by_period(year)]
    yield f"Periods of advance tax {name}", Table(columns, rows)
    if received := by_instrument(report.dividends, year):
        yield f"Dividends {name}", dividend_table(received, report.currency)


def _place(key: tuple[Income, object]) -> tuple[int, object]:
    rank = list(Income).index(key[0])
    return (rank, float(key[1] or 0)) if isinstance(key[1], str) else (rank, key[1])


def _sum(rows: Sequence[TaxLot], *, period: tuple[date, date]) -> TaxSum:
    names = ("cost", "consideration", "charges", "transaction_tax", "deducted", "turnover")
    gains = [each.gain for each in rows]
    return TaxSum(
        income=rows[0].income,
        period=period,
        rate_percent=rows[0].rate_percent,
        lots=len(rows),
        gains=sum(gain for gain in gains if gain > 0),
        losses=sum(gain for gain in gains if gain < 0),
        **{name: sum(getattr(each, name) for each in rows) for name in names},
    )


def _unconfirmed(lots: Sequence[TaxLot], year: int) -> list[str]:
    """The kinds of income whose rate has a source that was not seen."""
    rows = {each.income: rate(each.income, each.closed) for each in lots if each.year == year}
    names = [str(income).replace("_", " ") for income, row in rows.items() if row and "[unconfirmed]" in row.source]
    return [f"Not confirmed, see income_tax.csv: the rate of {', '.join(names)}."] if names else []


def _income_row(each: TaxSum, currency: str) -> list[Cell]:
    money = (each.consideration, each.cost, each.deducted, each.transaction_tax, each.gains, each.losses)
    tone = "gain" if each.taxable > 0 else "loss" if each.taxable < 0 else ""
    return [
        Cell(LABELS[each.income], "name"),
        Cell(f"{each.rate_percent} %" if each.rate_percent else NONE, "number"),
        Cell(f"{each.lots:,}", "number"),
        *(Cell(format_money(amount, currency), "number") for amount in money),
        Cell(format_money(each.taxable, currency), "number", tone),
        Cell(format_money(each.turnover, currency) if each.income in BUSINESS else NONE, "number"),
    ]


def _period_row(each: TaxSum, currency: str) -> list[Cell]:
    first, last = each.period
    tone = "gain" if each.taxable > 0 else "loss" if each.taxable < 0 else ""
    return [
        Cell(LABELS[each.income], "name"),
        Cell(f"{first} to {last}", "time"),
        Cell(f"{each.lots:,}", "number"),
        Cell(format_money(each.taxable, currency), "number", tone),
    ]


def _line(each: TaxLot) -> list[object]:
    money = (each.cost, each.consideration, each.gross, each.charges, each.transaction_tax, each.deducted, each.gain)
    return [
        each.income, year_name(each.year), *each.period, each.instrument, "long" if each.side > 0 else "short",
        to_text(each.quantity), each.opened, each.closed, *map(to_text, money), to_text(each.turnover),
        each.rate_percent, each.opening_order, each.closing_order, each.opening_reason, each.closing_reason,
    ]  # fmt: skip
