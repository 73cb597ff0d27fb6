"""Charts of a run as plotly figures: plain dicts of `data` and `layout` that plotly.js, or a dashboard, can draw.

Colours of text and grid are left to whoever draws, so that one figure serves light, dark and print. Long series are
thinned to what a screen shows; every thinning keeps extremes, and the figure's `note` says what was done.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tradsys.core.units import SCALE, to_text
from tradsys.portfolio.performance import charges_paid, drawdown, monthly_returns
from tradsys.portfolio.result import Floats, Integers, Prices, RoundTrip, RunResult
from tradsys.reference.clock import text, to_local

Figure = dict[str, Any]

NET, GROSS, BENCHMARK = "#2f6fde", "#8fb1ee", "#c08a2d"
GAIN, LOSS, NEUTRAL = "#1c9a79", "#d24b5c", "#8a8f98"
STEPS = 900
MOST_CANDLES = 900
MOST_MARKERS = 2_000
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def equity(result: RunResult) -> Figure:
    """Equity after charges, the same before charges, and buy-and-hold, in currency units over exchange time."""
    net = result.equity / SCALE
    curves = [("net of charges", net, {"color": NET, "width": 2})]
    if len(result.fills):
        curves.append(("before charges", net + charges_paid(result), {"color": GROSS, "width": 1.4, "dash": "dot"}))
    if result.benchmark is not None:
        curves.append((result.benchmark_name, result.benchmark, {"color": BENCHMARK, "width": 1.2}))
    data = [_line(result, values, name=name, line=line, hover="%{y:$,.2f}") for name, values, line in curves]
    layout = _layout(height=380, y={"tickformat": "$,~f"}, x={"type": "date"}, hovermode="x unified")
    return {"data": data, "layout": layout, "note": _thinning(len(result.at))}


def drawdowns(result: RunResult) -> Figure:
    """Fraction below the highest equity so far, over exchange time."""
    depth = drawdown(result.equity, result.start_cash)
    trace = _line(result, depth, name="drawdown", line={"color": LOSS, "width": 1}, hover="%{y:.2%}")
    trace |= {"fill": "tozeroy", "fillcolor": "rgba(210,75,92,0.18)"}
    layout = _layout(height=200, y={"tickformat": ".1%", "rangemode": "tozero"}, x={"type": "date"})
    if not depth.any():
        layout["yaxis"]["range"] = [-0.01, 0]
    return {"data": [trace], "layout": layout, "note": _thinning(len(depth))}


def monthly_heat_map(result: RunResult) -> Figure:
    """Net return of each calendar month, years down, months across, with the year's total."""
    months = monthly_returns(result)
    years = sorted({year for year, _, _ in months})
    grid = np.full((len(years), 13), np.nan)
    for year, month, value in months:
        grid[years.index(year), month - 1] = value
    for row in range(len(years)):
        grid[row, 12] = np.prod(1 + grid[row, :12][~np.isnan(grid[row, :12])]) - 1
    scale = float(np.nanmax(np.abs(grid[:, :12]))) if np.isfinite(grid[:, :12]).any() else 0.0
    trace = {
        "type": "heatmap",
        "x": [*MONTHS, "Year"],
        "y": [str(year) for year in years],
        "z": _nulls(grid),
        "text": [["" if np.isnan(cell) else f"{cell:.2%}" for cell in row] for row in grid],
        "texttemplate": "%{text}",
        "hovertemplate": "%{x} %{y}: %{text}<extra></extra>",
        "colorscale": [[0, "rgba(210,75,92,0.80)"], [0.5, "rgba(138,143,152,0.06)"], [1, "rgba(28,154,121,0.80)"]],
        "zmin": -max(scale, 1e-9),
        "zmax": max(scale, 1e-9),
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
    }
    layout = _layout(height=70 + 34 * len(years), x={"side": "top", "showgrid": False}, y={"autorange": "reversed"})
    layout["yaxis"] |= {"type": "category", "showgrid": False}
    return {"data": [trace], "layout": layout, "note": ""}


def cost_waterfall(result: RunResult) -> Figure:
    """From profit before charges, through cash moves and each charge item, to the net profit, in currency units."""
    net = int(result.equity[-1]) - result.start_cash
    charges = int(result.fills.charges.sum())
    moves = {name: amount for name, amount in result.cash_moves.items() if amount}
    items = {name: -amount for name, amount in result.charge_items.items() if amount}
    gross = net + charges - sum(moves.values())
    rest = -charges - sum(items.values())
    steps = {"trading profit": gross, **moves, **items, **({"other charges": rest} if rest else {})}
    trace = {
        "type": "waterfall",
        "x": [*(html.escape(item_label(name)) for name in steps), "net profit"],
        "y": [*(amount / SCALE for amount in steps.values()), net / SCALE],
        "measure": ["absolute", *["relative"] * (len(steps) - 1), "total"],
        "texttemplate": "%{delta:$,.2f}",
        "textposition": "outside",
        "hovertemplate": "%{x}: %{delta:$,.2f}, leaves %{y:$,.2f}<extra></extra>",
        "increasing": {"marker": {"color": GAIN}},
        "decreasing": {"marker": {"color": LOSS}},
        "totals": {"marker": {"color": NET}},
        "connector": {"line": {"color": NEUTRAL, "width": 1, "dash": "dot"}},
        "cliponaxis": False,
    }
    layout = _layout(height=360, y={"tickformat": "$,~f"}, x={"type": "category", "showgrid": False})
    return {"data": [trace], "layout": layout, "note": ""}


def profit_bars(profits: Mapping[str, int], *, most: int = 20) -> Figure:
    """Net profit of each name (1e-8 in, currency units drawn), largest first; the rest as one bar."""
    ordered = sorted(profits.items(), key=lambda row: (-row[1], row[0]))
    if len(ordered) > most:
        half = most // 2
        middle = ordered[half : len(ordered) - half]
        rest = (f"{len(middle)} others", sum(amount for _, amount in middle))
        ordered = [*ordered[:half], rest, *ordered[len(ordered) - half :]]
    values = [amount / SCALE for _, amount in ordered]
    trace = {
        "type": "bar",
        "orientation": "h",
        "y": [html.escape(name) for name, _ in ordered],
        "x": values,
        "marker": {"color": [GAIN if value >= 0 else LOSS for value in values]},
        "texttemplate": "%{x:$,.2f}",
        "hovertemplate": "%{y}: %{x:$,.2f}<extra></extra>",
        "width": 0.55,
    }
    layout = _layout(height=70 + 34 * len(ordered), x={"tickformat": "$,~f", "zeroline": True}, y={"type": "category"})
    layout["yaxis"] |= {"autorange": "reversed", "showgrid": False}
    return {"data": [trace], "layout": layout, "note": ""}


def trade_distribution(trades: Sequence[RoundTrip]) -> Figure:
    """How many closed trades ended in each range of net profit, currency units; no range spans zero."""
    net = np.array([trip.net for trip in trades if not trip.is_open], np.float64) / SCALE
    width = _nice(float(np.ptp(net)) / 40) if len(net) else 1.0
    edges = np.arange(np.floor(net.min() / width), np.floor(net.max() / width) + 2) * width if len(net) else np.zeros(1)
    counts, _ = np.histogram(net, bins=edges) if len(net) else (np.zeros(0), edges)
    middles = edges[:-1] + width / 2
    trace = {
        "type": "bar",
        "x": middles.tolist(),
        "y": counts.tolist(),
        "width": width * 0.94,
        "customdata": [[float(edge), float(edge + width)] for edge in edges[:-1]],
        "marker": {"color": [GAIN if middle > 0 else LOSS for middle in middles]},
        "hovertemplate": "%{customdata[0]:$,.2f} to %{customdata[1]:$,.2f}: %{y} trades<extra></extra>",
    }
    layout = _layout(
        height=280,
        x={"tickformat": "$,~f", "title": {"text": "net profit of a trade"}},
        y={"title": {"text": "trades"}},
    )
    return {"data": [trace], "layout": layout, "note": ""}


def trades_on_price(series: Prices, trades: Sequence[RoundTrip], *, zone: str) -> Figure:
    """Candles of one instrument with entries and exits. Bars stand side by side: nights and weekends take no room."""
    size = -(-len(series.at) // MOST_CANDLES)
    starts = np.arange(0, len(series.at), size)
    ends = np.append(starts[1:], len(series.at)) - 1
    candles = {
        "type": "candlestick",
        "name": "price",
        "x": _packed(starts.astype(np.float64)),
        "open": _packed(series.open[starts]),
        "high": _packed(np.maximum.reduceat(series.high, starts)),
        "low": _packed(np.minimum.reduceat(series.low, starts)),
        "close": _packed(series.close[ends]),
        "text": [text(at, zone) for at in series.at[ends].tolist()],
        "hoverinfo": "text+y",
        "increasing": {"line": {"color": GAIN, "width": 1}},
        "decreasing": {"line": {"color": LOSS, "width": 1}},
        "opacity": 0.75,
    }
    shown = list(trades[:MOST_MARKERS])
    layout = _layout(height=420, x=_time_ticks(series, ends, zone), y={"tickformat": ",~f"})
    layout["xaxis"] |= {"rangeslider": {"visible": False}, "range": [-size, len(series.at) - 1 + size]}
    notes = [f"Each candle stands for {size} bars."] if size > 1 else []
    if len(shown) < len(trades):
        notes.append(f"Markers of the first {len(shown):,} of {len(trades):,} trades; all are in trades.csv.")
    return {"data": [candles, *_markers(series, shown, zone)], "layout": layout, "note": " ".join(notes)}


def item_label(name: str) -> str:
    """A charge item for people: `stt` as STT, `stamp` as it is."""
    return name.upper() if name in ("stt", "gst", "sebi", "ipft", "dp", "tds") else name.replace("_", " ")


# --- how


def _markers(series: Prices, trades: Sequence[RoundTrip], zone: str) -> list[Figure]:
    closed = [trip for trip in trades if not trip.is_open]
    size = 9 if len(trades) <= 100 else 6 if len(trades) <= 400 else 4
    entries = [
        _points(
            series,
            [trip for trip in trades if trip.side == side],
            zone,
            name=name,
            symbol=symbol,
            color=color,
            size=size,
        )
        for side, name, symbol, color in (
            (1, "buy to open", "triangle-up", NET),
            (-1, "sell to open", "triangle-down", "#8b5fd6"),
        )
    ]
    won, lost = [trip for trip in closed if trip.net > 0], [trip for trip in closed if trip.net <= 0]
    exits = [
        _points(
            series, won, zone, name="closed with a gain", symbol="circle-open", color=GAIN, size=size, leaving=True
        ),
        _points(
            series, lost, zone, name="closed without a gain", symbol="x-thin-open", color=LOSS, size=size, leaving=True
        ),
    ]
    return [trace for trace in (*entries, *exits) if trace["text"]]


def _points(
    series: Prices,
    trades: Sequence[RoundTrip],
    zone: str,
    *,
    name: str,
    symbol: str,
    color: str,
    size: int,
    leaving: bool = False,
) -> Figure:
    """Markers at the trade's own price; an entry before a split sits on the bar, in the price of its day."""
    at = np.array([trip.exited_at if leaving else trip.entered_at for trip in trades], np.int64)
    price = np.array([trip.exit_price if leaving else trip.entry_price for trip in trades], np.float64) / SCALE
    where = np.minimum(np.searchsorted(series.at, at), len(series.at) - 1)
    restated = np.array([trip.crossed_split and not leaving for trip in trades], bool)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": _packed(where.astype(np.float64)),
        "y": _packed(np.where(restated, series.close[where], price)),
        "text": [_describe(trip, zone, leaving=leaving) for trip in trades],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": symbol, "color": color, "size": size, "line": {"width": size / 6, "color": color}},
    }


def _describe(trip: RoundTrip, zone: str, *, leaving: bool) -> str:
    at, price = (trip.exited_at, trip.exit_price) if leaving else (trip.entered_at, trip.entry_price)
    verb = "closes" if leaving else "opens"
    outcome = f", net {trip.net / SCALE:,.2f}" if leaving else ""
    reason = trip.exit_reason if leaving else trip.entry_reason
    parts = [
        f"{trip.strategy} {verb} {to_text(trip.quantity)} at {price / SCALE:,.2f}{outcome}",
        text(at, zone),
        reason,
    ]
    return "<br>".join(html.escape(part) for part in parts if part)


def _line(result: RunResult, values: Floats, *, name: str, line: Figure, hover: str) -> Figure:
    kept = thin(values, steps=STEPS)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": html.escape(name),
        "x": _packed(to_local(result.at[kept], result.zone) / 1e6),
        "y": _packed(values[kept]),
        "line": line,
        "hovertemplate": hover,
    }


def thin(values: Floats, *, steps: int) -> Integers:
    """Indices that keep first, lowest, highest and last of each of `steps` equal runs; all where that saves nothing."""
    count = len(values)
    if count <= 4 * steps:
        return np.arange(count)
    size = -(-count // steps)
    filled = np.pad(values, (0, -count % size), mode="edge").reshape(-1, size)
    begins = np.arange(len(filled)) * size
    picked = [begins, begins + filled.argmin(axis=1), begins + filled.argmax(axis=1), begins + size - 1]
    return np.unique(np.minimum(np.concatenate(picked), count - 1))


def _thinning(count: int) -> str:
    if count <= 4 * STEPS:
        return ""
    return f"Drawn from {count:,} points as first, lowest, highest and last of each of {STEPS} steps."


def _time_ticks(series: Prices, ends: Integers, zone: str) -> Figure:
    chosen = ends[np.unique(np.linspace(0, len(ends) - 1, 7).astype(np.int64))]
    words = [text(at, zone) for at in series.at[chosen].tolist()]
    same_day = len({word[:10] for word in words}) < len(words)
    labels = [word[:16].replace(" ", "<br>") if same_day else word[:10] for word in words]
    return {"type": "linear", "tickvals": chosen.tolist(), "ticktext": labels, "showgrid": False}


def _layout(*, height: int, x: Figure | None = None, y: Figure | None = None, **more: object) -> Figure:
    axis: Figure = {"automargin": True, "zeroline": False, "ticks": ""}
    return {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 28, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "xaxis": axis | (x or {}),
        "yaxis": axis | (y or {}),
        **more,
    }


def _packed(values: Floats) -> Figure:
    """An array in plotly's base64 form: a third of the JSON text and no parsing."""
    raw = np.ascontiguousarray(values, "<f8").tobytes()
    return {"dtype": "f8", "bdata": base64.b64encode(raw).decode("ascii")}


def _nulls(grid: Floats) -> list[list[float | None]]:
    return [[None if np.isnan(cell) else float(cell) for cell in row] for row in grid]


def _nice(width: float) -> float:
    """The next of 1, 2, 5 × 10ⁿ above a width; 1 for none."""
    if width <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(width))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= width))
