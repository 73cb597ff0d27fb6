"""Shares in delivery at the end of a run as a table for people, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from tradsys.core.units import to_text
from tradsys.portfolio.holdings import Holding
from tradsys.portfolio.tables import Cell, Column, Table

FIELDS = ("quantity", "settled", "awaiting", "bought_today", "sold_today", "deliverable")
LABELS = ("Held", "Settled", "Awaiting settlement", "Bought today", "Sold today", "May be delivered")


def table(holdings: Sequence[Holding]) -> Table | None:
    """One row a strategy and instrument; None where nothing is held."""
    if not holdings:
        return None
    columns = [Column("Strategy"), Column("Instrument"), *(Column(label, number=True) for label in LABELS)]
    rows = [
        [Cell(each.strategy, "name"), Cell(each.instrument, "name")]
        + [Cell(to_text(getattr(each, name)), "number") for name in FIELDS]
        for each in holdings
    ]
    return Table(columns, rows)


def holdings_csv(holdings: Sequence[Holding]) -> str:
    """One line a strategy and instrument, quantities exact."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("strategy", "instrument", *FIELDS))
    for each in holdings:
        writer.writerow((each.strategy, each.instrument, *(to_text(getattr(each, name)) for name in FIELDS)))
    return text.getvalue()
