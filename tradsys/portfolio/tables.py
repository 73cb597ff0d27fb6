"""Figures, trades, refusals and findings as rows of text for people: every number with its unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tradsys.core.units import DAY, HOUR, MINUTE, SCALE, SECOND, format_money, to_text
from tradsys.portfolio.charts import item_label
from tradsys.portfolio.result import RefusedRule, RoundTrip, RunResult
from tradsys.reference.clock import text

NONE = "–"
SHOWN_AT_EACH_END = 25
SHORT_ENTRY = 8


class Cell(NamedTuple):
    """One cell: `kind` is number, time, name or words; `tone` is gain, loss or empty."""

    text: str
    kind: str = "words"
    tone: str = ""


class Column(NamedTuple):
    """Heading of a column; `number` aligns it right."""

    name: str
    number: bool = False


class Table(NamedTuple):
    """Headings and rows of one length."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


WHAT_AND_VALUE = (Column("What"), Column("Value"))


class Row(NamedTuple):
    """One figure with its name."""

    label: str
    value: str
    tone: str = ""


class Group(NamedTuple):
    """Figures that belong together."""

    title: str
    rows: Sequence[Row]


FORMATS = {
    "Return": {
        "net_pnl": ("Net profit", "money"),
        "gross_pnl": ("Profit before charges", "money"),
        "net_return": ("Return, net", "percent"),
        "gross_return": ("Return before charges", "percent"),
        "benchmark_return": ("Return of the benchmark", "percent"),
        "cagr": ("Annual growth (CAGR)", "percent"),
        "start_equity": ("Equity at the start", "amount"),
        "final_equity": ("Equity at the end", "amount"),
    },
    "Risk": {
        "volatility": ("Volatility a year", "size"),
        "sharpe": ("Sharpe ratio", "ratio"),
        "sortino": ("Sortino ratio", "ratio"),
        "calmar": ("Calmar ratio", "ratio"),
        "max_drawdown": ("Deepest drawdown", "percent"),
        "max_drawdown_days": ("… from peak to recovery or end", "days"),
        "longest_drawdown_days": ("Longest time below a peak", "days"),
        "value_at_risk_95": ("Daily value at risk, 95%", "percent"),
        "value_at_risk_99": ("Daily value at risk, 99%", "percent"),
        "conditional_value_at_risk_95": ("Mean of the worst 5% of days", "percent"),
        "conditional_value_at_risk_99": ("Mean of the worst 1% of days", "percent"),
    },
    "Trades": {
        "trades": ("Closed trades", "count"),
        "open_trades": ("Still open", "count"),
        "win_rate": ("Share of trades that won", "size"),
        "profit_factor": ("Profit factor (won : lost)", "ratio"),
        "expectancy": ("Mean result of a trade", "money"),
        "average_win": ("Mean win", "money"),
        "average_loss": ("Mean loss", "money"),
        "best_trade": ("Best trade", "money"),
        "worst_trade": ("Worst trade", "money"),
        "longest_losing_streak": ("Longest run of losses", "count"),
        "average_holding_seconds": ("Mean time held", "seconds"),
        "exposure": ("Share of time with a position", "size"),
    },
    "Activity and cost": {
        "orders": ("Orders", "count"),
        "fills": ("Fills", "count"),
        "refused": ("Refused orders", "count"),
        "traded_value": ("Value traded", "amount"),
        "turnover": ("Turnover a year (equity replaced)", "times"),
        "charges": ("Charges", "amount"),
        "charges_of_gross": ("Charges as share of gross profit", "size"),
        "break_even_move": ("Break-even move", "basis"),
    },
}
"""Metric to label and way of writing, in the order of the page."""


def figure(value: object, how: str, *, currency: str) -> Row:
    """A metric as text, without label; `–` for None. Only `money` and `percent` carry a tone."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Row("", NONE)
    tone = "" if how not in ("money", "percent") or not value else "gain" if value > 0 else "loss"
    return Row("", _write(value, how, currency), tone)


def groups(metrics: Mapping[str, object], currency: str) -> list[Group]:
    """All figures, then what was paid by charge item."""

    def labelled(name: str, label: str, how: str) -> Row:
        return figure(metrics.get(name), how, currency=currency)._replace(label=label)

    made = [
        Group(title, [labelled(name, label, how) for name, (label, how) in rows.items()])
        for title, rows in FORMATS.items()
    ]
    items = metrics.get("charges_by_item")
    if isinstance(items, Mapping) and items:
        rows = [Row(item_label(name), _write(amount, "amount", currency)) for name, amount in items.items()]
        made.append(Group("Charges by item", rows))
    return made


def trades(result: RunResult) -> Table | None:
    """First and last trades of the run; all of them are in trades.csv."""
    if not result.trades:
        return None
    zone = _zone_name(result)
    owners = _owners(result)
    names = (*owners, "Side", f"Opened ({zone})", f"Closed ({zone})", "Held")
    numbers = ("Quantity", "Entry", "Exit", "Gross", "Charges", "Net", "Break-even", "Worst", "Best")
    columns = [*(Column(name) for name in names), *(Column(name, number=True) for name in numbers)]
    shown, rest = list(result.trades), len(result.trades) - 2 * SHOWN_AT_EACH_END
    if rest > 0:
        shown = shown[:SHOWN_AT_EACH_END] + shown[-SHOWN_AT_EACH_END:]
    rows = [_trade(trip, result, owners.values()) for trip in shown]
    if rest > 0:
        rows.insert(SHOWN_AT_EACH_END, [Cell(f"… {rest:,} more", "name"), *[Cell("")] * (len(columns) - 1)])
    return Table(columns, rows)


def trade_sentence(result: RunResult) -> str:
    """Which of the trades the table shows."""
    count = len(result.trades)
    which = (
        f"The first and last {SHOWN_AT_EACH_END} of {count:,}; all are in trades.csv."
        if count > 2 * SHOWN_AT_EACH_END
        else "All trades, as in trades.csv."
    )
    return (
        f"{which} One row pairs an entry order with the exit order that closed it, first in, first out. Worst and best "
        "are the furthest moves against and for the trade; an open trade is valued at its last price."
    )


def refusals(result: RunResult) -> Table | None:
    """Refused orders by rule, most frequent first, each with its first case and who made the rule."""
    if not result.refusals:
        return None
    names = ("First case", "Limit", "Value", "What to do", "Source")
    columns = [Column("Rule"), Column("About"), Column("Times", number=True), *map(Column, names)]
    ordered = sorted(result.refusals, key=lambda each: (-each.count, each.rule))
    return Table(columns, [_refusal(each, result.zone) for each in ordered])


def _refusal(each: RefusedRule, zone: str) -> list[Cell]:
    when = f"{each.instrument} {text(each.at, zone)}".strip() if each.at else ""
    words = (when, each.limit, each.value, each.fix, each.source)
    return [Cell(each.rule), Cell(each.title), Cell(f"{each.count:,}", "number"), *map(Cell, words)]


def risk_events(result: RunResult) -> Table | None:
    """Alerts, tripped breakers and forced closings, in the order of their first cases."""
    if not result.risk_events:
        return None
    names = ("Rule", "Of", "What", "First", "Value", "Limit")
    columns = [*(Column(name) for name in names), Column("Times", number=True)]
    rows = [
        [
            Cell(each.rule),
            Cell(each.subject or "the account", "name"),
            Cell(each.what),
            _when(each.first, result.zone),
            Cell(each.value),
            Cell(each.limit),
            Cell(f"{each.count:,}", "number"),
        ]
        for each in result.risk_events
    ]
    return Table(columns, rows)


def findings(result: RunResult) -> Table | None:
    """Defects of the data, as found."""
    if not result.findings:
        return None
    names = ("Kind", "Instrument", "First", "Last", "Detail")
    columns = [
        *(Column(name) for name in names[:2]),
        Column("Count", number=True),
        *(Column(name) for name in names[2:]),
    ]
    rows = [
        [
            Cell(each.kind.replace("_", " ")),
            Cell(each.instrument),
            Cell(f"{each.count:,}", "number"),
            _when(each.first, result.zone),
            _when(each.last, result.zone),
            Cell(each.detail),
        ]
        for each in result.findings
    ]
    return Table(columns, rows)


def manifest(result: RunResult) -> list[tuple[str, Table]]:
    """What is needed to run it again: short entries in one table without title, each long one in a table of its own."""
    short: list[Sequence[Cell]] = []
    long: list[tuple[str, Table]] = []
    for name, value in result.manifest.items():
        rows = [[Cell(_spaced(key)), Cell(words)] for key, words in _leaves(name, value)]
        if len(rows) <= SHORT_ENTRY:
            short.extend(rows)
        else:
            long.append((_spaced(name), Table(WHAT_AND_VALUE, rows)))
    return [("", Table(WHAT_AND_VALUE, short or [[Cell("the run wrote no manifest"), Cell(NONE)]])), *long]


def duration(nanoseconds: int) -> str:
    """`3 d 4 h`, `25 min`: the two largest units."""
    for unit, name, smaller, smaller_name in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", SECOND, "s"),
    ):
        if nanoseconds >= unit:
            rest = nanoseconds % unit // smaller
            return f"{nanoseconds // unit} {name} {rest} {smaller_name}" if rest else f"{nanoseconds // unit} {name}"
    return f"{nanoseconds / SECOND:.3g} s"


def _owners(result: RunResult) -> dict[str, str]:
    """Columns that tell trades apart, and the field each shows; none where all trades agree."""
    fields = {"Instrument": "instrument", "Strategy": "strategy"}
    return {name: key for name, key in fields.items() if len({getattr(trip, key) for trip in result.trades}) > 1}


def _trade(trip: RoundTrip, result: RunResult, owners: Iterable[str]) -> list[Cell]:
    tone = "gain" if trip.net > 0 else "loss" if trip.net < 0 else ""
    money = (trip.entry_price, trip.exit_price, trip.gross, trip.charges)
    moves = (trip.adverse, trip.favourable)
    return [
        *(Cell(getattr(trip, key), "name") for key in owners),
        Cell("long" if trip.side > 0 else "short", "name"),
        _brief(trip.entered_at, result.zone),
        Cell("open") if trip.is_open else _brief(trip.exited_at, result.zone),
        Cell(NONE if trip.held is None else duration(trip.held), "time"),
        Cell(to_text(trip.quantity), "number"),
        *(Cell(format_money(amount, result.currency), "number") for amount in money),
        Cell(format_money(trip.net, result.currency), "number", tone),
        Cell(format_money(trip.break_even_move, result.currency), "number"),
        *(Cell(NONE if move is None else f"{move:.2%}", "number") for move in moves),
    ]


def _zone_name(result: RunResult) -> str:
    return text(int(result.at[-1]), result.zone).rsplit(" ", 1)[-1]


def _brief(at: int, zone: str) -> Cell:
    return Cell(text(at, zone)[:16], "time")


def _when(at: int, zone: str) -> Cell:
    return Cell(text(at, zone) if at else NONE, "time")


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    """A nested value as paths and texts, lists in one line."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaves(f"{name} · {key}", part)
    elif isinstance(value, list | tuple) and not any(isinstance(part, Mapping) for part in value):
        yield name, ", ".join(str(part) for part in value) or NONE
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value, start=1):
            yield from _leaves(f"{name} · {number}", part)
    else:
        yield name, NONE if value is None or value == "" else f"{value:.3g}" if isinstance(value, float) else str(value)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _write(value: float, how: str, currency: str) -> str:
    match how:
        case "money" | "amount":
            return format_money(round(value * SCALE), currency)
        case "percent" | "size":
            return f"{value:,.2%}"
        case "basis":
            return f"{value * 10_000:,.2f} bp"
        case "times":
            return f"{value:,.2f} ×"
        case "days":
            return f"{value:,.1f} d"
        case "seconds":
            return duration(round(value * SECOND))
        case "count":
            return f"{value:,}"
        case _:
            return f"{value:,.2f}"
