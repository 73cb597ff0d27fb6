"""One self-contained HTML page about a run: it opens with the network off and forbids itself to load anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

from tradsys.core.units import format_money
from tradsys.portfolio import attribution_tables, charts, holdings_tables, page, risk_tables, tables
from tradsys.portfolio.performance import measure
from tradsys.portfolio.result import RunResult
from tradsys.reference.clock import text

MOST_PRICE_CHARTS = 6


class Card(NamedTuple):
    """A headline figure; `tone` is gain, loss or empty."""

    label: str
    value: str
    detail: str = ""
    tone: str = ""


class PriceChart(NamedTuple):
    """The chart of one instrument: id of its figure and the words above it."""

    id: str
    name: str


def render(result: RunResult) -> str:
    """The tear sheet as HTML text. Metrics are taken from `result.metrics`, or measured where that is empty."""
    from markupsafe import Markup

    metrics = result.metrics or measure(result)
    price_charts, figures = _price_charts(result)
    figures |= _figures(result)
    template = page.environment().get_template("tear_sheet.html.j2")
    return template.render(
        **_words(result, metrics),
        cards=_cards(result, metrics),
        groups=tables.groups(metrics, result.currency),
        risk=risk_tables.section(result),
        attribution=attribution_tables.section(result.attribution, result.currency),
        price_charts=price_charts,
        trade_table=tables.trades(result),
        holdings=holdings_tables.table(result.holdings),
        refusals=tables.refusals(result),
        risk_events=tables.risk_events(result),
        findings=tables.findings(result),
        manifest=tables.manifest(result),
        figures=figures,
        figures_json=Markup(page.embedded(figures)),
        money_json=Markup(page.embedded(page.money_format(result.currency))),
        plotly=Markup(page.plotly()),
    )


def _figures(result: RunResult) -> dict[str, charts.Figure]:
    figures = {
        "equity": charts.equity(result),
        "drawdown": charts.drawdowns(result),
        "monthly-returns": charts.monthly_heat_map(result),
    }
    if len(result.fills):
        figures |= {
            "cost-waterfall": charts.cost_waterfall(result),
            "profit-by-strategy": charts.profit_bars(result.profit_by_strategy),
            "profit-by-instrument": charts.profit_bars(result.profit_by_instrument),
        }
    if any(not trip.is_open for trip in result.trades):
        figures["trade-results"] = charts.trade_distribution(result.trades)
    return figures


def _price_charts(result: RunResult) -> tuple[list[PriceChart], dict[str, charts.Figure]]:
    """Charts of the instruments traded most, and their figures."""
    counts = Counter(trip.instrument for trip in result.trades)
    drawable = [series for series in result.prices if len(series.at)]
    chosen = sorted(drawable, key=lambda series: -counts[series.instrument])[:MOST_PRICE_CHARTS]
    items, figures = [], {}
    for number, series in enumerate(chosen):
        trades = [trip for trip in result.trades if trip.instrument == series.instrument]
        item = PriceChart(f"price-{number}", f"{series.instrument} · {len(trades):,} trades")
        figures[item.id] = charts.trades_on_price(series, trades, zone=result.zone)
        items.append(item)
    return items, figures


def _cards(result: RunResult, metrics: Mapping[str, object]) -> list[Card]:
    def written(name: str, how: str) -> str:
        return tables.figure(metrics.get(name), how, currency=result.currency).value

    def card(label: str, name: str, how: str, detail: str) -> Card:
        row = tables.figure(metrics.get(name), how, currency=result.currency)
        return Card(label, row.value, detail, row.tone)

    start, whole = written("start_equity", "amount"), written("net_return", "percent")
    factor = written("profit_factor", "ratio")
    open_trades = metrics.get("open_trades")
    still_open = f"{open_trades} more open, " if open_trades else ""
    held = f"{result.benchmark_name} {written('benchmark_return', 'percent')} over the run"
    return [
        card("Net profit", "net_pnl", "money", f"{whole} on {start}"),
        card("Growth a year", "cagr", "percent", held if result.benchmark is not None else "over the run"),
        card("Sharpe ratio", "sharpe", "ratio", f"Sortino {written('sortino', 'ratio')}"),
        card("Deepest drawdown", "max_drawdown", "percent", _recovery(metrics)),
        card("Trades", "trades", "count", f"{still_open}{written('win_rate', 'size')} won, profit factor {factor}"),
        card("Profit before charges", "gross_pnl", "money", f"{written('gross_return', 'percent')} of the start cash"),
        card("Charges", "charges", "amount", _share_of_profit(metrics, written)),
        card("Break-even move", "break_even_move", "basis", "the move that pays a round trip's charges"),
    ]


def _share_of_profit(metrics: Mapping[str, object], written: Callable[[str, str], str]) -> str:
    """What charges took of the profit before them; there is no such share of a loss."""
    if metrics.get("charges_of_gross") is None:
        return "on top of a loss before charges"
    return f"{written('charges_of_gross', 'size')} of the profit before charges"


def _recovery(metrics: Mapping[str, object]) -> str:
    days = metrics.get("max_drawdown_days")
    if not isinstance(days, float):
        return ""
    return (
        f"recovered after {days:,.1f} d" if metrics.get("max_drawdown_recovered") else f"not recovered in {days:,.1f} d"
    )


def _words(result: RunResult, metrics: Mapping[str, object]) -> dict[str, object]:
    return {
        "title": result.name,
        "period": f"{text(int(result.at[0]), result.zone)} to {text(int(result.at[-1]), result.zone)}",
        "subject": _subject(result),
        "zone": f"in exchange time ({result.zone})",
        "interrupted": result.interrupted,
        "halted": [
            {
                "strategy": halt.strategy,
                "when": text(halt.at, result.zone, seconds=True),
                "error": halt.error,
                "traceback": halt.traceback,
            }
            for halt in result.halted
        ],
        "no_trades": not len(result.fills),
        "why": list(result.why_no_trades),
        "assumptions": list(result.assumptions),
        "has_benchmark": result.benchmark is not None,
        "benchmark_name": result.benchmark_name,
        "days_a_year": result.days_a_year,
        "undefined": _undefined(metrics),
        "cost_sentence": _cost_sentence(result, metrics),
        "price_sentence": _price_sentence(result),
        "trade_sentence": tables.trade_sentence(result),
    }


def _subject(result: RunResult) -> str:
    strategies = list(result.profit_by_strategy) or sorted({trip.strategy for trip in result.trades})
    instruments = [series.instrument for series in result.prices] or list(result.profit_by_instrument)
    return " · ".join(filter(None, (_some(strategies), _some(instruments), result.currency)))


def _some(names: list[str], *, most: int = 6) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(name for name in names[:most] if name) + rest


def _undefined(metrics: Mapping[str, object]) -> str:
    reasons = metrics.get("undefined")
    if not isinstance(reasons, Mapping):
        return ""
    labels = {name: label for rows in tables.FORMATS.values() for name, (label, _) in rows.items()}
    grouped: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        grouped.setdefault(str(reason), []).append(labels.get(str(name), str(name)))
    return "; ".join(f"{', '.join(names)} ({reason})" for reason, names in grouped.items())


def _cost_sentence(result: RunResult, metrics: Mapping[str, object]) -> str:
    move = tables.figure(metrics.get("break_even_move"), "basis", currency=result.currency).value
    charges = format_money(int(result.fills.charges.sum()), result.currency)
    return (
        f"Charges took {charges} over {len(result.fills):,} fills. On average a trade had to move {move} in its favour "
        "before it earned anything."
    )


def _price_sentence(result: RunResult) -> str:
    count = len(result.prices)
    if count <= MOST_PRICE_CHARTS:
        return "Bars stand side by side: nights and weekends take no room."
    return f"The {MOST_PRICE_CHARTS} most traded of {count} instruments; bars stand side by side."
