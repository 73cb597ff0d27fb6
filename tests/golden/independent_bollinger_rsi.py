"""Bollinger and RSI reversion on quarter hours of FORTIS, computed again; writes its golden file when run."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.golden.independent_rules import Account, Delivery, bars, record, result

PERIOD, DEVIATIONS, RSI_PERIOD, OVERSOLD, PATIENCE = 20, 2, 14, 30.0, 50


def strength(closes: list[int]) -> list[float | None]:
    """Wilder's RSI, seeded by the mean of the first changes; the first close has no change."""
    found: list[float | None] = [None] * RSI_PERIOD
    changes = [after - before for before, after in pairwise(closes)]
    gain = sum(max(change, 0) for change in changes[:RSI_PERIOD]) / RSI_PERIOD
    loss = sum(max(-change, 0) for change in changes[:RSI_PERIOD]) / RSI_PERIOD
    found.append(100 * gain / (gain + loss))
    for change in changes[RSI_PERIOD:]:
        gain += (max(change, 0) - gain) / RSI_PERIOD
        loss += (max(-change, 0) - loss) / RSI_PERIOD
        found.append(100 * gain / (gain + loss))
    return found


def compute() -> dict[str, Any]:
    """Fills and final equity; comparisons with the bands are exact, in whole paise."""
    quarters = bars("FORTIS", minutes=15)
    closes = [bar.close for bar in quarters]
    rsi = strength(closes)
    run = Delivery(Account(Fraction(500_000), "delivery"))
    armed, held = True, 0
    for i, bar in enumerate(quarters):
        run.begin(bar)
        weakness = rsi[i]
        if i < PERIOD - 1 or weakness is None:
            continue
        held += run.account.shares > 0
        window = closes[i - PERIOD + 1 : i + 1]
        total = sum(window)
        # n² × variance, so that below the band is (total - n × close)² > deviations² × this.
        spread = PERIOD * sum(close * close for close in window) - total * total
        below = total - PERIOD * bar.close
        if below <= 0:
            armed, held = True, 0
            run.wish(bar, False)
        elif held >= PATIENCE:
            run.wish(bar, False)
        elif armed and below * below > DEVIATIONS**2 * spread and weakness < OVERSOLD:
            armed, held = False, 0
            run.wish(bar, True)
    return result(run.account, quarters[-1])


if __name__ == "__main__":
    record("bollinger_rsi", compute())
