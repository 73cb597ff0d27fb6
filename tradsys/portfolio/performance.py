"""The figures of a run. Every definition is in docs/metrics.md; ratios are fractions, money is in currency units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tradsys.core.units import DAY, SCALE
from tradsys.numerics import statistics
from tradsys.portfolio.result import Floats, Integers, RoundTrip, RunResult
from tradsys.reference.clock import local_days

Metrics = dict[str, object]

TRADE_FIGURES = (
    "win_rate", "profit_factor", "expectancy", "average_win", "average_loss", "best_trade", "worst_trade",
    "average_holding_seconds",
)  # fmt: skip


def measure(result: RunResult) -> Metrics:
    """Every metric of a run, ready for JSON: a figure that is not defined is None, with its reason in `undefined`.

    Daily figures use the last equity of each exchange date, annualised by `days_a_year` (`annualisation`).
    """
    ends = last_of_each(local_days(result.at, result.zone))
    daily = _since_start(result, ends)
    metrics: Metrics = {
        **_account(result),
        **_annual(daily, result.days_a_year),
        **_drawdowns(result),
        **_trading(result),
        "turnover": _turnover(result, ends),
        **_trades(result.trades),
    }
    metrics["calmar"] = _ratio(metrics["cagr"], metrics["max_drawdown"], sign=-1)
    metrics["undefined"] = _reasons(metrics, daily)
    return metrics


def last_of_each(groups: Integers) -> Integers:
    """Index of the last element of every run of equal values; `groups` must not be empty."""
    return np.append(np.flatnonzero(np.diff(groups)), len(groups) - 1)


def daily_returns(result: RunResult) -> Floats:
    """Simple returns between the last equities of successive exchange dates, the first against the start cash."""
    return _since_start(result, last_of_each(local_days(result.at, result.zone)))


def monthly_returns(result: RunResult) -> list[tuple[int, int, float]]:
    """Year, month and simple return of each calendar month of the exchange, the first against the start cash."""
    days = local_days(result.at, result.zone).astype("datetime64[D]")
    months: Integers = days.astype("datetime64[M]").astype(np.int64)
    ends = last_of_each(months)
    returns = _since_start(result, ends)
    return [
        (1970 + month // 12, month % 12 + 1, value)
        for month, value in zip(months[ends].tolist(), returns.tolist(), strict=True)
    ]


def drawdown(equity: Integers, start_cash: int) -> Floats:
    """Fraction below the highest equity so far, start included; 0 at a peak, same shape as `equity`."""
    curve = equity.astype(np.float64)
    peaks = np.maximum(np.maximum.accumulate(curve), start_cash)
    result: Floats = curve / peaks - 1
    return result


def charges_paid(result: RunResult) -> Floats:
    """Charges paid up to each point of the equity curve, currency units, float64[n]."""
    paid = np.concatenate([[0], np.cumsum(result.fills.charges)])
    found: Floats = paid[np.searchsorted(result.fills.at, result.at, side="right")] / SCALE
    return found


def _since_start(result: RunResult, ends: Integers) -> Floats:
    """Simple returns between the equities at `ends`, the first against the start cash; NaN after a ruin."""
    curve = np.concatenate([[result.start_cash], result.equity[ends]]).astype(np.float64)
    returns: Floats = curve[1:] / np.where(curve[:-1] > 0, curve[:-1], np.nan) - 1
    return returns


def _account(result: RunResult) -> Metrics:
    start, final = result.start_cash, int(result.equity[-1])
    charges = int(result.fills.charges.sum())
    gross = final - start + charges
    metrics: Metrics = {
        "start_equity": start / SCALE,
        "final_equity": final / SCALE,
        "net_pnl": (final - start) / SCALE,
        "gross_pnl": gross / SCALE,
        "charges": charges / SCALE,
        "charges_by_item": {name: amount / SCALE for name, amount in result.charge_items.items()},
        "cash_moves": {name: amount / SCALE for name, amount in result.cash_moves.items()},
        "pnl_by_strategy": {name: amount / SCALE for name, amount in result.profit_by_strategy.items()},
        "pnl_by_instrument": {name: amount / SCALE for name, amount in result.profit_by_instrument.items()},
        "net_return": _ratio(final - start, start),
        "gross_return": _ratio(gross, start),
        "charges_of_gross": _ratio(charges, gross) if gross > 0 else None,
        "benchmark_return": None,
    }
    if result.benchmark is not None:
        metrics["benchmark_return"] = _ratio(float(result.benchmark[-1]) - start / SCALE, start / SCALE)
    return metrics


def _annual(daily: Floats, days_a_year: int) -> Metrics:
    names = (
        "cagr", "volatility", "sharpe", "sortino",
        "value_at_risk_95", "value_at_risk_99", "conditional_value_at_risk_95", "conditional_value_at_risk_99",
    )  # fmt: skip
    metrics: Metrics = {"annualisation": days_a_year, "days": len(daily), **dict.fromkeys(names)}
    if len(daily) < 2 or not np.isfinite(daily).all():
        return metrics
    figures = (
        statistics.cagr(daily, annualisation=days_a_year),
        statistics.volatility(daily, annualisation=days_a_year),
        statistics.sharpe(daily, annualisation=days_a_year),
        statistics.sortino(daily, annualisation=days_a_year),
        statistics.value_at_risk(daily, level=0.95),
        statistics.value_at_risk(daily, level=0.99),
        statistics.conditional_value_at_risk(daily, level=0.95),
        statistics.conditional_value_at_risk(daily, level=0.99),
    )
    return metrics | {name: _finite(value) for name, value in zip(names, figures, strict=True)}


def _drawdowns(result: RunResult) -> Metrics:
    """Depth at every point of the curve (not only day ends), and how long it took to come back, in calendar days."""
    depth = drawdown(result.equity, result.start_cash)
    lowest = int(np.argmin(depth))
    peaks = np.flatnonzero(depth >= 0)
    before, after = peaks[peaks <= lowest], peaks[peaks > lowest]
    began = result.at[before[-1]] if len(before) else result.at[0]
    ended = result.at[after[0]] if len(after) else result.at[-1]
    marks = np.concatenate([result.at[:1], result.at[peaks], result.at[-1:]])
    return {
        "max_drawdown": min(float(depth[lowest]), 0.0),
        "max_drawdown_days": float(ended - began) / DAY if depth[lowest] < 0 else 0.0,
        "max_drawdown_recovered": bool(len(after)) or not depth[lowest] < 0,
        "longest_drawdown_days": _longest_under_water(depth, result.at, marks),
    }


def _longest_under_water(depth: Floats, at: Integers, marks: Integers) -> float:
    return float(np.diff(marks).max()) / DAY if (depth < 0).any() else 0.0


def _trading(result: RunResult) -> Metrics:
    traded = int(result.fills.notional.sum())
    return {
        "orders": result.orders,
        "fills": len(result.fills),
        "refused": sum(each.count for each in result.refusals),
        "refused_by_rule": {each.rule: each.count for each in result.refusals},
        "traded_value": traded / SCALE,
        "exposure": _exposure(result),
        "break_even_move": _ratio(2 * int(result.fills.charges.sum()), traded),
    }


def _turnover(result: RunResult, ends: Integers) -> float | None:
    """Value traded on each exchange date against the equity at its end; a fill after the last point counts with it."""
    day = np.minimum(np.searchsorted(result.at[ends], result.fills.at), len(ends) - 1)
    traded = np.bincount(day, weights=result.fills.notional.astype(np.float64), minlength=len(ends)).astype(np.float64)
    equity = result.equity[ends].astype(np.float64)
    return _finite(statistics.turnover(traded=traded, equity=equity, annualisation=result.days_a_year))


def _exposure(result: RunResult) -> float:
    """Fraction of the points of the curve at which any position was open."""
    entered = np.array([trip.entered_at for trip in result.trades], np.int64)
    exited = np.array([trip.exited_at for trip in result.trades if not trip.is_open], np.int64)
    count = len(result.at)
    begins = np.bincount(np.searchsorted(result.at, entered), minlength=count + 1)
    ends = np.bincount(np.searchsorted(result.at, exited), minlength=count + 1)
    return statistics.time_in_market(np.cumsum(begins - ends)[:count].astype(np.float64))


def _trades(trades: Sequence[RoundTrip]) -> Metrics:
    closed = [trip for trip in trades if not trip.is_open]
    net = np.array([trip.net for trip in closed], np.float64) / SCALE
    wins, losses = net[net > 0], net[net < 0]
    return {
        "trades": len(closed),
        "open_trades": len(trades) - len(closed),
        "win_rate": _finite(statistics.win_rate(net)),
        "profit_factor": _finite(statistics.profit_factor(net)),
        "expectancy": _mean(net),
        "average_win": _mean(wins),
        "average_loss": _mean(losses),
        "best_trade": float(net.max()) if len(net) else None,
        "worst_trade": float(net.min()) if len(net) else None,
        "longest_losing_streak": _longest_run(net < 0),
        "average_holding_seconds": _mean(np.array([trip.exited_at - trip.entered_at for trip in closed]) / 1e9),
    }


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _ratio(numerator: object, denominator: object, *, sign: int = 1) -> float | None:
    if not isinstance(numerator, int | float) or not isinstance(denominator, int | float) or not denominator:
        return None
    return _finite(sign * numerator / denominator)


def _reasons(metrics: Mapping[str, object], returns: Floats) -> dict[str, str]:
    """Why each figure that is None is not defined."""
    traded, days = bool(metrics["fills"]), len(returns)
    daily = f"needs two daily returns, the run has {days}" if days < 2 else "the daily returns do not vary"
    if not np.isfinite(returns).all():
        daily = "equity fell to zero or below"
    special = {
        "benchmark_return": "no benchmark was given",
        "charges_of_gross": "no profit before charges" if traded else "no trade was made",
        "calmar": "no drawdown" if metrics["cagr"] is not None else daily,
        **dict.fromkeys(TRADE_FIGURES, "no closed trade"),
        "break_even_move": "no trade was made",
    }
    if metrics["trades"]:
        special |= {"profit_factor": "no closed trade lost", "average_win": "no trade won", "average_loss": "none lost"}
    return {name: special.get(name, daily) for name, value in metrics.items() if value is None}
