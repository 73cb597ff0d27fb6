"""QuantLib's side of `options`: price, delta, gamma, vega, theta, rho of each option, one by one from Python."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import QuantLib as ql

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.option_market import COUNT, best_seconds, market, show


def valued(row: tuple[float, ...]) -> tuple[float, ...]:
    """Everything that one BlackCalculator says."""
    spot, strike, years, volatility, rate, carried, right = row
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if right > 0 else ql.Option.Put, strike)
    forward = spot * math.exp((rate - carried) * years)
    one = ql.BlackCalculator(payoff, forward, volatility * math.sqrt(years), math.exp(-rate * years))
    first = (one.value(), one.delta(spot), one.gamma(spot))
    return (*first, one.vega(years), one.theta(spot, years), one.rho(years))


def main() -> None:
    """Measure and print one line."""
    rows = list(zip(*(column.tolist() for column in market().values()), strict=True))
    total = math.fsum(valued(row)[0] for row in rows)
    seconds = best_seconds(lambda: [valued(row) for row in rows], times=2)
    show(
        "QuantLib",
        version=ql.__version__,
        count=COUNT,
        seconds=seconds,
        total=total,
        note="QuantLib: one BlackCalculator an option, over Python",
    )


if __name__ == "__main__":
    main()
