"""What surveillance found, for people and for other tools: CSV, and one HTML page that opens with the network off."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from tradsys.compliance.surveillance.alerts import Alert
from tradsys.compliance.surveillance.order_to_trade import RatioOfDay
from tradsys.compliance.surveillance.surveillance import Finding
from tradsys.core.errors import ResourceError
from tradsys.core.units import format_money, to_text
from tradsys.portfolio import page
from tradsys.portfolio.tables import Cell, Column, Table
from tradsys.reference.clock import iso, text

ALERTS, RATIOS, PAGE = "alerts.csv", "order_to_trade.csv", "surveillance.html"
ALERT_COLUMNS = (
    "at", "pattern", "clause", "score", "instrument", "accounts", "group", "begins", "ends", "quantity", "orders",
    "trades", "measures",
)  # fmt: skip
RATIO_COLUMNS = ("date", "member", "segment", "counted", "exempt", "trades", "ratio", "charge")
MOST_ROWS = 500
FEWEST_MESSAGES = 10
"""A member's day with fewer messages is left out of the list of ratios: in a market of strangers that is nearly all."""


def words(pattern: str) -> str:
    """A pattern's name for people."""
    return pattern.replace("_", " ")


def write(finding: Finding, folder: Path, *, source: str, zone: str, settings: Any) -> list[Path]:
    """Write the three files into a folder, over what is there. Raises `ResourceError`."""
    files = {
        ALERTS: alerts_csv(finding, zone),
        RATIOS: ratios_csv(finding),
        PAGE: render(finding, source=source, zone=zone, settings=settings),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise ResourceError(
            f"cannot write the report to {folder}: {error.strerror or error}",
            value=str(folder),
            fix="choose another --out",
        ) from error
    return [folder / name for name in files]


def alerts_csv(finding: Finding, zone: str) -> str:
    """One row an alert: times as ISO-8601 with offset, lists separated by spaces, measures as JSON."""
    return _csv(ALERT_COLUMNS, (_alert_row(each, zone) for each in finding.alerts))


def listed_ratios(finding: Finding) -> list[RatioOfDay]:
    """Ratios of members with enough messages for one to mean something."""
    return [each for each in finding.ratios if each.counted + each.exempt >= FEWEST_MESSAGES]


def ratios_csv(finding: Finding) -> str:
    """One row a member, segment and day; charge in rupees."""
    rows = (msgspec.structs.asdict(each) | {"charge": to_text(each.charge)} for each in listed_ratios(finding))
    return _csv(RATIO_COLUMNS, ([row[name] for name in RATIO_COLUMNS] for row in rows))


def _csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text_of = io.StringIO()
    writer = csv.writer(text_of)
    writer.writerow(columns)
    writer.writerows(rows)
    return text_of.getvalue()


def _alert_row(each: Alert, zone: str) -> list[object]:
    return [
        iso(each.at, zone), each.pattern, each.clause, each.score, each.instrument, " ".join(each.accounts), each.group,
        iso(each.begins, zone), iso(each.ends, zone), to_text(each.quantity), " ".join(map(str, each.orders)),
        " ".join(map(str, each.trades)), json.dumps(each.measures),
    ]  # fmt: skip


def render(finding: Finding, *, source: str, zone: str, settings: Any) -> str:
    """The page. All names are escaped; it loads nothing."""
    from markupsafe import Markup

    figures = {"alerts": _chart(finding, zone)} if finding.alerts else {}
    template = page.environment("tradsys.engine.surveillance").get_template("surveillance.html.j2")
    return template.render(
        source=source,
        period=f"{text(finding.begins, zone)} to {text(finding.ends, zone)}",
        cards=_cards(finding),
        patterns=_patterns(finding),
        alerts=_alerts(finding, zone),
        left_out=max(len(finding.alerts) - MOST_ROWS, 0),
        composite=_composite(finding),
        ratios=_ratios(finding),
        thresholds=_thresholds(settings),
        figures=figures,
        figures_json=Markup(page.embedded(figures)),
        money_json=Markup(page.embedded(page.money_format("INR"))),
        plotly=Markup(page.plotly() if figures else ""),
    )


def _chart(finding: Finding, zone: str) -> dict[str, Any]:
    """Alerts by time and score, a colour a pattern."""
    by_pattern: dict[str, list[Alert]] = {}
    for each in finding.alerts:
        by_pattern.setdefault(each.pattern, []).append(each)
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": words(pattern),
            "x": [iso(each.at, zone)[:19] for each in found],
            "y": [each.score for each in found],
            "marker": {"size": 10, "opacity": 0.8},
            "hovertemplate": "%{x}<br>score %{y:.2f}",
        }
        for pattern, found in sorted(by_pattern.items())
    ]
    clear = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    layout = clear | {
        "height": 300,
        "margin": {"l": 48, "r": 12, "t": 8, "b": 36},
        "xaxis": {"type": "date"},
        "yaxis": {"range": [0, 1.05], "title": {"text": "score"}},
        "legend": {"orientation": "h"},
    }
    return {"data": data, "layout": layout, "note": ""}


def _cards(finding: Finding) -> list[tuple[str, str, str]]:
    accounts = len(finding.composite)
    return [
        ("Alerts", f"{len(finding.alerts):,}", f"{accounts:,} accounts in question"),
        ("Alerts for 10,000 orders", f"{finding.a_10000_orders:.2f}", "all of them, right and wrong"),
        ("Orders", f"{finding.orders:,}", f"{finding.messages:,} messages"),
        ("Trades", f"{finding.trades:,}", f"{len(finding.watched)} patterns looked for"),
    ]


def _numbers(*names: str) -> list[Column]:
    return [Column(name.lstrip("#"), number=name.startswith("#")) for name in names]


def _patterns(finding: Finding) -> Table:
    counts = Counter(each.pattern for each in finding.alerts)
    highest = {name: max(each.score for each in finding.alerts if each.pattern == name) for name in counts}
    names = dict.fromkeys((*finding.watched, *counts))
    rows = [
        [
            Cell(words(name)),
            Cell(f"{counts[name]:,}", "number"),
            Cell(f"{highest[name]:.2f}" if name in highest else "–", "number"),
        ]
        for name in names
    ]
    return Table(_numbers("Pattern", "#Alerts", "#Highest score"), rows)


def _alerts(finding: Finding, zone: str) -> Table:
    found = sorted(finding.alerts, key=lambda each: (-each.score, each.at))[:MOST_ROWS]
    rows = [
        [
            Cell(text(each.at, zone, seconds=True), "time"),
            Cell(words(each.pattern), "name"),
            Cell(each.clause),
            Cell(f"{each.score:.2f}", "number"),
            Cell(each.instrument, "name"),
            Cell(", ".join(each.accounts), "name"),
            Cell(to_text(each.quantity), "number"),
            Cell(", ".join(f"{name} {value:g}" for name, value in each.measures.items())),
            Cell(f"{_some(each.orders)} / {_some(each.trades)}"),
        ]
        for each in found
    ]
    names = ("At", "Pattern", "Clause", "#Score", "Instrument", "Accounts", "#Quantity", "Measures", "Orders / trades")
    return Table(_numbers(*names), rows)


def _some(numbers: tuple[int, ...], *, most: int = 8) -> str:
    rest = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return " ".join(map(str, numbers[:most])) + rest or "–"


def _composite(finding: Finding) -> Table:
    rows = [[Cell(account, "name"), Cell(f"{score:.2f}", "number")] for account, score in finding.composite.items()]
    return Table(_numbers("Account", "#Composite score"), rows[:MOST_ROWS])


def _ratios(finding: Finding) -> Table:
    worst = sorted(listed_ratios(finding), key=lambda row: (-row.ratio, row.date, row.member))[:50]
    rows = [
        [
            Cell(each.date, "time"), Cell(each.member, "name"), Cell(each.segment), Cell(f"{each.counted:,}", "number"),
            Cell(f"{each.exempt:,}", "number"), Cell(f"{each.trades:,}", "number"), Cell(f"{each.ratio:.2f}", "number"),
            Cell(format_money(each.charge), "number"),
        ]
        for each in worst
    ]  # fmt: skip
    return Table(
        _numbers("Date", "Member", "Segment", "#Counted", "#Exempt", "#Trades", "#Ratio", "#Charge of the day"), rows
    )


def _thresholds(settings: Any) -> Table:
    tables = msgspec.to_builtins(settings)
    rows = [
        [Cell(f"{table}.{name}", "name"), Cell(str(value))]
        for table, values in tables.items()
        if isinstance(values, dict)
        for name, value in values.items()
    ]
    return Table(_numbers("Setting", "Value"), rows)
