"""A report as one HTML page that opens with the network off: figures, drawings, then the tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tradsys.core.units import SCALE, format_money, to_text
from tradsys.engine.reports.drawings import Drawing
from tradsys.engine.reports.sheets import Heading, Sheet
from tradsys.portfolio import page
from tradsys.portfolio.tables import NONE, Cell, Column, Table
from tradsys.portfolio.tear_sheet import Card
from tradsys.reference.clock import text

MOST_ROWS = 1_000
"""Rows of a table on a page, half of them from each end; the CSV has all."""

NUMBERS = frozenset({"count", "exact", "money", "share", "figure", "estimate"})
_WIDE = 60
"""Longer text may be broken; a shorter one stands in a line."""


_TONES = {("status", "evidenced"): "gain", ("contradicted", "yes"): "loss"}


class Section(NamedTuple):
    """A table on a page, and what was left out of it."""

    title: str
    lead: str
    table: Table
    note: str


class Report(NamedTuple):
    """One report: its tables, of which the first gives it its name, and what stands above them."""

    sheets: Sequence[Sheet]
    cards: Sequence[Card] = ()
    drawings: Sequence[Drawing] = ()
    notes: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Name of its files."""
        return self.sheets[0].name


def render(report: Report, *, source: str, period: str) -> str:
    """The page. Whatever came from outside is escaped; it loads nothing and forbids itself to."""
    from markupsafe import Markup

    figures = {name: figure for name, _, figure in report.drawings}
    template = page.environment("tradsys.engine.reports").get_template("report.html.j2")
    return template.render(
        title=report.sheets[0].title,
        source=source,
        period=period,
        notes=report.notes,
        cards=report.cards,
        drawings=[(name, words) for name, words, _ in report.drawings],
        sections=[_section(each) for each in report.sheets],
        figures=figures,
        figures_json=Markup(page.embedded(figures)),
        money_json=Markup(page.embedded(page.money_format(report.sheets[0].currency))),
        plotly=Markup(page.plotly() if figures else ""),
    )


def _section(sheet: Sheet) -> Section:
    half, rows = MOST_ROWS // 2, list(sheet.rows)
    left = len(rows) - MOST_ROWS
    shown = [*rows[:half], *rows[-half:]] if left > 0 else rows
    # A column without any value says nothing to people; the CSV keeps it.
    kept = [i for i, _ in enumerate(sheet.headings) if any(row[i] not in (None, "") for row in shown)]
    headings = [sheet.headings[i] for i in kept]
    table = Table(
        [Column(each.words, each.kind in NUMBERS) for each in headings],
        [[_cell(row[i], sheet.headings[i], sheet) for i in kept] for row in shown],
    )
    note = f"{left:,} rows in the middle are left out: {sheet.name}.csv has all of them." if left > 0 else ""
    return Section(sheet.title, sheet.lead, table, note)


def _cell(value: Any, heading: Heading, sheet: Sheet) -> Cell:
    kind = heading.kind
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return Cell(NONE, "number" if kind in NUMBERS else "words")
    if kind in NUMBERS:
        return Cell(_number(value, kind, sheet.currency), "number", _tone(value, heading))
    if kind in ("utc", "local"):
        return Cell(text(value, "UTC" if kind == "utc" else sheet.zone, seconds=True), "time")
    words = str(value)
    how = "time" if kind == "date" else "name" if len(words) < _WIDE else "words"
    return Cell(words, how, _TONES.get((heading.name, words), ""))


def _number(value: Any, kind: str, currency: str) -> str:
    match kind:
        case "money":
            return format_money(value, currency)
        case "estimate":
            return format_money(round(value * SCALE), currency)
        case "exact":
            return to_text(value)
        case "share":
            return f"{value:.2%}"
        case "figure":
            return f"{value:,.2f}"
        case _:
            # A number that names something is not grouped.
            return str(value)


def _tone(value: Any, heading: Heading) -> str:
    if heading.name not in ("profit", "cash", "drawdown") or not value:
        return ""
    return "gain" if value > 0 else "loss"
