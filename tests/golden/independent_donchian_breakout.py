"""Donchian breakout on hourly FEDERALBNK through its bonus, computed again; writes its golden file when run."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.golden.independent_rules import Account, Delivery, bars, record, result

BONUS = "2015-07-03"
ENTRY, EXIT = 20, 10


def compute() -> dict[str, Any]:
    """Fills and final equity."""
    hours = bars("FEDERALBNK", minutes=60)
    unit = [2 if bar.day >= BONUS else 1 for bar in hours]
    highs = [bar.high * each for bar, each in zip(hours, unit, strict=True)]
    lows = [bar.low * each for bar, each in zip(hours, unit, strict=True)]
    run = Delivery(Account(Fraction(500_000), "delivery"), bonus_on=BONUS)
    for i, bar in enumerate(hours):
        run.begin(bar)
        close = bar.close * unit[i]
        if i >= max(ENTRY, EXIT) and close > max(highs[i - ENTRY : i]):
            run.wish(bar, True)
        elif i >= max(ENTRY, EXIT) and close < min(lows[i - EXIT : i]):
            run.wish(bar, False)
    return result(run.account, hours[-1])


if __name__ == "__main__":
    record("donchian_breakout", compute())
