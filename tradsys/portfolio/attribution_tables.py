"""The parts of a profit as tables for people, and as CSV: in each, the rows add up to the net profit."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from tradsys.core.units import format_money, to_text
from tradsys.portfolio.attribution import CASH, CAUSES, CHARGES, EXECUTION, MARKET, grouped, total
from tradsys.portfolio.charts import item_label
from tradsys.portfolio.result import ProfitPart
from tradsys.portfolio.tables import Cell, Column, Table

MOST_ROWS = 12
COLUMNS = ("strategy", "instrument", "reason", "cause", "item", "amount")
LABELS = {MARKET: "Market moves", EXECUTION: "Execution", CHARGES: "Charges", CASH: "Cash moves"}
FIELDS = {"strategy": "Strategy", "instrument": "Instrument", "reason": "Signal"}
NAMELESS = {"strategy": "the account", "instrument": "no instrument", "reason": "no signal"}


class AttributionSection(NamedTuple):
    """A table of the causes, and one for each field by which the parts differ."""

    causes: Table
    tables: Sequence[Table]


def section(parts: Sequence[ProfitPart], currency: str) -> AttributionSection | None:
    """The tables of a run; None where it has no parts."""
    if not parts:
        return None
    return AttributionSection(_causes(parts, currency), [_by(parts, field, currency) for field in FIELDS])


def parts_csv(parts: Sequence[ProfitPart]) -> str:
    """One line a part, amounts exact in the account's currency."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for each in parts:
        writer.writerow([*(getattr(each, name) for name in COLUMNS[:-1]), to_text(each.amount)])
    return text.getvalue()


def _causes(parts: Sequence[ProfitPart], currency: str) -> Table:
    sums: dict[tuple[str, str], int] = {}
    for each in parts:
        sums[each.cause, each.item] = sums.get((each.cause, each.item), 0) + each.amount
    rows = [
        [Cell(_cause(cause, item), "name"), _money(sums[cause, item], currency)]
        for cause, item in sorted(sums, key=lambda key: (CAUSES.index(key[0]), key[1]))
    ]
    return Table([Column("Cause"), Column("Amount", True)], [*rows, [_whole(), _money(total(parts), currency)]])


def _cause(cause: str, item: str) -> str:
    return f"{LABELS[cause]}: {item_label(item)}" if item else LABELS[cause]


def _by(parts: Sequence[ProfitPart], field: str, currency: str) -> Table:
    """Largest results first, whatever their sign; those beyond `MOST_ROWS` in one row."""
    sums = grouped(parts, field)
    names = sorted(sums, key=lambda name: (-abs(sum(sums[name].values())), name))
    rows = [_row(name or NAMELESS[field], sums[name], currency) for name in names[:MOST_ROWS]]
    if rest := names[MOST_ROWS:]:
        left = {cause: sum(sums[name][cause] for name in rest) for cause in CAUSES}
        rows.append(_row(f"{len(rest):,} more", left, currency))
    whole = {cause: sum(each[cause] for each in sums.values()) for cause in CAUSES}
    columns = [Column(FIELDS[field]), *(Column(LABELS[cause], True) for cause in CAUSES), Column("Net", True)]
    return Table(columns, [*rows, [_whole(), *_row("", whole, currency)[1:]]])


def _row(name: str, sums: dict[str, int], currency: str) -> list[Cell]:
    return [
        Cell(name, "name"),
        *(_money(sums[cause], currency) for cause in CAUSES),
        _money(sum(sums.values()), currency),
    ]


def _whole() -> Cell:
    return Cell("All", "name")


def _money(amount: int, currency: str) -> Cell:
    return Cell(format_money(amount, currency), "number", "gain" if amount > 0 else "loss" if amount < 0 else "")
