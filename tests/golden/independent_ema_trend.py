"""EMA trend on hourly FEDERALBNK through its bonus of 2015-07-03, computed again; writes `ema_trend.json` when run."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.golden.independent_rules import Account, Delivery, bars, record, result

BONUS = "2015-07-03"
FAST, SLOW = 21, 70


def means(prices: list[float], period: int) -> list[float | None]:
    """Exponential means, seeded by the plain mean of the first `period` prices."""
    found: list[float | None] = [None] * (period - 1)
    mean = sum(prices[:period]) / period
    found.append(mean)
    for price in prices[period:]:
        mean += 2 / (period + 1) * (price - mean)
        found.append(mean)
    return found


def compute() -> dict[str, Any]:
    """Fills and final equity."""
    hours = bars("FEDERALBNK", minutes=60)
    one_unit = [bar.close * (2.0 if bar.day >= BONUS else 1.0) for bar in hours]
    fast, slow = means(one_unit, FAST), means(one_unit, SLOW)
    run = Delivery(Account(Fraction(500_000), "delivery"), bonus_on=BONUS)
    for bar, quick, steady in zip(hours, fast, slow, strict=True):
        run.begin(bar)
        if quick is not None and steady is not None:
            run.wish(bar, quick > steady)
    return result(run.account, hours[-1])


if __name__ == "__main__":
    record("ema_trend", compute())
