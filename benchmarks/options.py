"""100,000 European options: prices with first-order Greeks, and by `mode` second-order Greeks, implied volatilities,
and 1,000 American options.

Prints one JSON line each, `seconds` the best of some calls, from columns of numbers to columns of numbers on one
thread. `setup_seconds` is the time spent compiling (0 when the cache had everything).
"""

from __future__ import annotations

import math
from importlib.metadata import version

from benchmarks.option_market import COUNT, best_seconds, market, show
from tradsys.numerics.compilation import compile_seconds
from tradsys.numerics.options import Options, american_price, greeks, implied_volatility, second_order_greeks

AMERICAN = 1_000


def main() -> None:
    """Measure and print the lines."""
    columns, few = market(), market(AMERICAN)
    prices = greeks(Options.on_spot(**columns)).price
    implied = implied_volatility(Options.on_spot(**columns), price=prices).volatility
    if abs(implied - columns["volatility"]).max() > 1e-9:
        raise SystemExit("implied volatilities are not those that made the prices")
    total, american = float(prices.sum()), float(american_price(Options.on_spot(**few)).sum())
    if not math.isfinite(american):
        raise SystemExit("an American option has no price")
    second_order_greeks(Options.on_spot(**columns))
    compiling = compile_seconds()
    first = best_seconds(lambda: greeks(Options.on_spot(**columns)), times=20)
    second = best_seconds(lambda: second_order_greeks(Options.on_spot(**columns)), times=20)
    back = best_seconds(lambda: implied_volatility(Options.on_spot(**columns), price=prices), times=5)
    early = best_seconds(lambda: american_price(Options.on_spot(**few)), times=2)
    for mode, count, seconds, result in (
        ("prices and first-order Greeks", COUNT, first, total),
        ("second-order Greeks", COUNT, second, total),
        ("implied volatilities", COUNT, back, total),
        ("American prices", AMERICAN, early, american),
    ):
        show(
            "TradSys",
            version=version("tradsys"),
            count=count,
            seconds=seconds,
            total=result,
            mode=mode,
            setup_seconds=round(compiling, 3),
        )


if __name__ == "__main__":
    main()
