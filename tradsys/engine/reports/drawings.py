"""Drawings of the reports as plotly figures: plain dicts, coloured as those of the tear sheet."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tradsys.core.units import SCALE
from tradsys.engine.reports.account import Trade
from tradsys.engine.reports.daily_risk import RiskDay
from tradsys.engine.reports.orders import OrderLife
from tradsys.engine.reports.violations import KINDS, Violation
from tradsys.portfolio.charts import BENCHMARK, GAIN, LOSS, NET, NEUTRAL, Figure, item_label

Drawing = tuple[str, str, Figure]
"""Identifier, the words above it, and the figure."""

PALETTE = (NET, BENCHMARK, GAIN, "#8b5fd6", LOSS, "#3fa7c4", NEUTRAL, "#b86fa0", "#6b8e23", "#a0522d")
_MOST = 20


def of_orders(chosen: Sequence[OrderLife]) -> list[Drawing]:
    """How orders ended."""
    counts = Counter(str(each.state) for each in chosen)
    return [("order-states", "How orders ended", bars(counts, color=NET))] if counts else []


def of_trades(chosen: Sequence[Trade]) -> list[Drawing]:
    """What trades cost, by item, in currency units."""
    items: Counter[str] = Counter()
    for each in chosen:
        items.update(dict(each.items))
    paid = {item_label(name): amount / SCALE for name, amount in items.items() if amount}
    return [("charges-by-item", "Charges by item", bars(paid, color=BENCHMARK, format="$,.2f"))] if paid else []


def of_violations(chosen: Sequence[Violation]) -> list[Drawing]:
    """How often each rule spoke, a colour a kind."""
    found = []
    for number, kind in enumerate(KINDS):
        counts = Counter(each.rule for each in chosen if each.kind == kind)
        if counts:
            words = f"{kind.replace('_', ' ').capitalize()}, by rule"
            found.append((f"rules-{kind}", words, bars(counts, color=PALETTE[number])))
    return found


def of_risk(days: Sequence[RiskDay]) -> list[Drawing]:
    """Equity, profit beside value at risk, drawdown, exposure over time and at the last close, refusals."""
    if not days:
        return []
    x = [each.day.isoformat() for each in days]
    found = [
        ("equity-at-close", "Equity at each close", _over_time(x, {"equity": [each.equity / SCALE for each in days]})),
        ("profit-and-risk", "Profit of each day, and the value at risk that the close before gave", _profits(x, days)),
        ("drawdown-at-close", "Fraction below the highest close so far", _drawdown(x, days)),
        ("exposure", "Exposure at each close", _exposure(x, days)),
    ]
    held = {each.instrument: each.net / SCALE for each in days[-1].held}
    if held:
        found.append(("held", f"Net exposure at the close of {days[-1].day}", bars(held, color=NET, format="$,.2f")))
    refused = _refused(x, days)
    return [*found, ("refusals", "Refusals of each day, by rule", refused)] if refused else found


def bars(values: Mapping[str, float], *, color: str, format: str = ",d") -> Figure:
    """A bar a name, largest first; the smallest together as one where there are many."""
    ordered = sorted(values.items(), key=lambda row: (-abs(row[1]), row[0]))
    shown, rest = ordered[:_MOST], ordered[_MOST:]
    if rest:
        shown.append((f"{len(rest)} others", sum(value for _, value in rest)))
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [html.escape(name) for name, _ in shown],
        "x": [value for _, value in shown],
        "marker": {"color": color},
        "texttemplate": f"%{{x:{format}}}",
        "hovertemplate": f"%{{y}}: %{{x:{format}}}<extra></extra>",
        "width": 0.55,
    }
    layout = _layout(height=70 + 34 * len(shown), x={"tickformat": format}, y={"type": "category"})
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False}
    return {"data": [trace], "layout": layout, "note": ""}


def _over_time(x: Sequence[str], curves: Mapping[str, Sequence[float | None]]) -> Figure:
    data = [
        {
            "type": "scatter",
            "mode": "lines" if len(x) > 1 else "markers",
            "name": name,
            "x": list(x),
            "y": list(values),
            "line": {"color": PALETTE[number], "width": 1.6},
            "hovertemplate": "%{y:$,.2f}",
        }
        for number, (name, values) in enumerate(curves.items())
    ]
    layout = _layout(height=300, x={"type": "date"}, y={"tickformat": "$,~f"}, hovermode="x unified")
    return {"data": data, "layout": layout, "note": ""}


def _profits(x: Sequence[str], days: Sequence[RiskDay]) -> Figure:
    """The loss that a close gave stands beside the profit of the day after it."""
    profits = [each.profit / SCALE for each in days]
    given: list[float | None] = [None]
    for each in days[:-1]:
        tail = each.tails[0.95]
        given.append(None if tail.undefined else -tail.value_at_risk)
    data: list[dict[str, Any]] = [
        {
            "type": "bar",
            "name": "profit",
            "x": list(x),
            "y": profits,
            "marker": {"color": [GAIN if each >= 0 else LOSS for each in profits]},
            "hovertemplate": "%{y:$,.2f}",
        },
        {
            "type": "scatter",
            "mode": "lines+markers" if len(x) < 60 else "lines",
            "name": "value at risk 95 %, as a loss",
            "x": list(x),
            "y": given,
            "line": {"color": NEUTRAL, "width": 1.2, "dash": "dot"},
            "hovertemplate": "%{y:$,.2f}",
        },
    ]
    layout = _layout(height=280, x={"type": "date"}, y={"tickformat": "$,~f", "zeroline": True}, hovermode="x unified")
    return {"data": data, "layout": layout, "note": ""}


def _drawdown(x: Sequence[str], days: Sequence[RiskDay]) -> Figure:
    trace = {
        "type": "scatter",
        "mode": "lines",
        "name": "drawdown",
        "x": list(x),
        "y": [each.drawdown for each in days],
        "line": {"color": LOSS, "width": 1},
        "fill": "tozeroy",
        "fillcolor": "rgba(210,75,92,0.18)",
        "hovertemplate": "%{y:.2%}",
    }
    layout = _layout(height=200, x={"type": "date"}, y={"tickformat": ".1%", "rangemode": "tozero"})
    if all(each.drawdown == 0 for each in days):
        layout["yaxis"]["range"] = [-0.01, 0]
    return {"data": [trace], "layout": layout, "note": ""}


def _exposure(x: Sequence[str], days: Sequence[RiskDay]) -> Figure:
    known = [None if each.margin.amount is None else each.margin.amount / SCALE for each in days]
    curves: dict[str, Sequence[float | None]] = {
        "gross": [each.gross / SCALE for each in days],
        "net": [each.net / SCALE for each in days],
    }
    if any(known):
        curves["margin in use"] = known
    return _over_time(x, curves)


def _refused(x: Sequence[str], days: Sequence[RiskDay]) -> Figure | None:
    rules = Counter({rule: 0 for each in days for rule in each.refused})
    for each in days:
        rules.update(each.refused)
    if not rules:
        return None
    named = [rule for rule, _ in rules.most_common(len(PALETTE))]
    data = [
        {
            "type": "bar",
            "name": html.escape(rule),
            "x": list(x),
            "y": [each.refused.get(rule, 0) for each in days],
            "marker": {"color": PALETTE[number]},
            "hovertemplate": "%{y}",
        }
        for number, rule in enumerate(named)
    ]
    layout = _layout(height=240, x={"type": "date"}, y={"tickformat": ",d"}, barmode="stack", hovermode="x unified")
    left = len(rules) - len(named)
    return {"data": data, "layout": layout, "note": f"{left} rarer rules are left out." if left else ""}


def _layout(*, height: int, x: Figure, y: Figure, **more: object) -> Figure:
    axis: Figure = {"automargin": True, "zeroline": False, "ticks": ""}
    return {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 28, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": axis | x,
        "yaxis": axis | y,
        **more,
    }
