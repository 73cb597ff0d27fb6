"""What a day of the run may cost, whether that would have held in the run itself, and its worst days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from tradsys.numerics import coverage, tail_risk
from tradsys.portfolio.performance import daily_returns, last_of_each
from tradsys.portfolio.result import Floats, RunResult
from tradsys.portfolio.tables import NONE, Cell, Column, Table
from tradsys.reference.clock import local_days
from tradsys.reference.stress_days import stress_days

CONFIDENCES = (0.95, 0.99)
WINDOW, LEAST_TESTED = 250, 100
"""Days that a forecast is taken from, and days to test it on without which a test says nothing."""

SHOWN_WORST = 5
METHODS = {
    "historical": "Historical",
    "age_weighted": "Historical, recent days weigh more (0.995 a day)",
    "filtered": "Historical, scaled to today's volatility",
    "normal": "Normal",
    "cornish_fisher": "Normal with skewness and kurtosis (Cornish-Fisher)",
}


class RiskSection(NamedTuple):
    """Three tables, and the sentences that stand below them; `tested` is None where the run is too short."""

    tails: Table
    undefined: str
    tested: Table | None
    test_sentence: str
    worst: Table


def section(result: RunResult) -> RiskSection:
    """Risk of the run's daily returns, as fractions of equity; a loss is positive."""
    daily = daily_returns(result)
    tails, undefined = _tails(daily)
    tested = _tested(daily) if np.isfinite(daily).all() and len(daily) >= WINDOW + LEAST_TESTED else None
    return RiskSection(tails, undefined, tested, _test_sentence(daily, tested), _worst(result, daily))


def _tails(daily: Floats) -> tuple[Table, str]:
    found = {confidence: tail_risk.by_method(daily, confidence=confidence) for confidence in CONFIDENCES}
    columns = [Column("Method")]
    for confidence in CONFIDENCES:
        columns += [
            Column(f"Value at risk {confidence:.0%}", True),
            Column(f"Expected shortfall {confidence:.0%}", True),
        ]
    rows = [
        [Cell(label), *_figures([found[each][method] for each in CONFIDENCES])] for method, label in METHODS.items()
    ]
    reasons = {
        f"{METHODS[method]}, {confidence:.0%} ({risk.undefined})": None
        for confidence in CONFIDENCES
        for method, risk in found[confidence].items()
        if risk.undefined
    }
    return Table(columns, rows), "; ".join(reasons)


def _figures(risks: list[tail_risk.TailRisk]) -> Iterator[Cell]:
    for risk in risks:
        for value in (risk.value_at_risk, risk.expected_shortfall):
            yield Cell(NONE if risk.undefined else f"{value:.2%}", "number")


def _tested(daily: Floats) -> Table:
    names = ("Forecast", "Days", "Losses beyond it", "Expected", "Kupiec p", "Christoffersen p", "Zone")
    rows = [_test(daily, confidence) for confidence in CONFIDENCES]
    return Table([Column(name, name != "Forecast") for name in names], rows)


def _test(daily: Floats, confidence: float) -> list[Cell]:
    forecasts = coverage.rolling_value_at_risk(daily, window=WINDOW, confidence=confidence)
    hits = coverage.exceeded(daily[WINDOW:], value_at_risk=forecasts)
    count, days = int(hits.sum()), len(hits)
    frequency = coverage.kupiec(count, days=days, confidence=confidence)
    both = coverage.christoffersen_coverage(hits, confidence=confidence)
    zone = coverage.traffic_light(count, days=days, confidence=confidence)
    figures = (
        f"{days:,}",
        f"{count:,}",
        f"{days * (1.0 - confidence):,.1f}",
        f"{frequency.p_value:.3f}",
        f"{both.p_value:.3f}",
    )
    tone = "gain" if zone is coverage.Zone.GREEN else "loss"
    return [
        Cell(f"Historical, {confidence:.0%}"),
        *(Cell(each, "number") for each in figures),
        Cell(str(zone), "number", tone),
    ]


def _test_sentence(daily: Floats, tested: Table | None) -> str:
    if tested is not None:
        return (
            f"Each day's loss against the historical value at risk of the {WINDOW} days before it. p below 0.05: too "
            "many or too few losses beyond it (Kupiec); that, or bunched ones (Christoffersen, conditional coverage)."
        )
    if not np.isfinite(daily).all():
        return "Forecasts were not tested: equity fell to zero or below."
    return f"Forecasts were not tested: that needs {WINDOW + LEAST_TESTED} daily returns, the run has {len(daily)}."


def _worst(result: RunResult, daily: Floats) -> Table:
    """The worst days, and all that the table of stress days names, in order of time."""
    days = [date(1970, 1, 1) + timedelta(int(day)) for day in _days(result)]
    events = _events()
    known = np.where(np.isfinite(daily), daily, -np.inf)
    worst = np.argsort(known, kind="stable")[:SHOWN_WORST].tolist()
    chosen = sorted({*worst, *(i for i, day in enumerate(days) if day in events)})
    rows = [[Cell(days[i].isoformat(), "time"), _move(float(daily[i])), Cell(events.get(days[i], ""))] for i in chosen]
    return Table([Column("Day"), Column("Return", True), Column("Stress day")], rows)


def _days(result: RunResult) -> list[int]:
    days = local_days(result.at, result.zone)
    found: list[int] = days[last_of_each(days)].tolist()
    return found


def _move(value: float) -> Cell:
    known = bool(np.isfinite(value))
    return Cell(
        f"{value:.2%}" if known else NONE, "number", "" if not known or not value else "gain" if value > 0 else "loss"
    )


def _events() -> dict[date, str]:
    moves: dict[date, list[str]] = {}
    for each in stress_days():
        moves.setdefault(each.day, [f"{each.event}:"]).append(f"{each.market} {each.move:+.2%}")
    return {day: " ".join(words) for day, words in moves.items()}
