"""Days on which markets moved as they seldom do, each with its source."""

from __future__ import annotations

import csv
import math
from datetime import date
from functools import cache

import msgspec

from tradsys.reference.dated import DATA


class StressDay(msgspec.Struct, frozen=True, kw_only=True):
    """The move of one market on one day.

    `move` is a fraction (-0.0593 is 5.93 % down), close to close. `volatility` is the change of its implied
    volatility, a fraction a year too (0.0581 is 5.81 points up), NaN where no source gives one.
    """

    day: date
    market: str
    move: float
    volatility: float
    event: str
    source: str


@cache
def stress_days(market: str = "") -> tuple[StressDay, ...]:
    """All rows of `stress_days.csv`, or those of one market (`NIFTY`, `SPX`, `BTC`), oldest first."""
    with (DATA / "stress_days.csv").open(newline="", encoding="utf-8") as file:
        days = [_day(line) for line in csv.DictReader(file)]
    return tuple(day for day in sorted(days, key=lambda each: (each.day, each.market)) if market in ("", day.market))


def _day(line: dict[str, str]) -> StressDay:
    points = line["volatility_points"]
    return StressDay(
        day=date.fromisoformat(line["date"]),
        market=line["market"],
        move=float(line["percent"]) / 100.0,
        volatility=float(points) / 100.0 if points else math.nan,
        event=line["event"],
        source=line["source"],
    )
