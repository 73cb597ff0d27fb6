"""The whole risk report of 200 positions over 500 days, made anew as after a change of every price.

One call builds the portfolio from its positions and measures value at risk and expected shortfall at 95 and 99 % by
history, normal and Cornish-Fisher, components of both by position, exposure, and concentration in four groupings.
`ms` has the least, the median and the 99th percentile of many calls one after the other; `setup_seconds` is
compiling.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from importlib.metadata import version

import numpy as np

from tradsys.numerics.compilation import compile_seconds
from tradsys.risk.measures.history import History
from tradsys.risk.measures.positions import Portfolio, Position
from tradsys.risk.measures.report import RiskReport, measure

DAYS, POSITIONS = 500, 200
CONFIDENCES = (0.95, 0.99)


def positions() -> list[Position]:
    """Long and short shares of twelve sectors, three of four in rupees."""
    drawn = np.random.default_rng(200)
    prices, sizes = drawn.uniform(50.0, 5000.0, POSITIONS), drawn.normal(0.0, 4e5, POSITIONS)
    return [
        Position(
            instrument=f"NSE:S{i:03}",
            quantity=round(sizes[i] / prices[i]),
            price=float(prices[i]),
            currency="USD" if i % 4 == 0 else "INR",
            sector=f"sector {i % 12}",
            market="NIFTY",
            beta=1.0,
        )
        for i in range(POSITIONS)
    ]


def history() -> History:
    """Fat-tailed returns with a market in common."""
    drawn = np.random.default_rng(500)
    market = drawn.standard_t(4, DAYS) * 0.008
    return History({f"NSE:S{i:03}": market + drawn.standard_t(5, DAYS) * 0.012 for i in range(POSITIONS)})


def checked(report: RiskReport) -> RiskReport:
    """The report, if it has every figure and its components add up."""
    for at in report.at.values():
        whole = at.by_method["historical"].value_at_risk
        if report.undefined or abs(at.historical_components.value_at_risk.sum() - whole) > 1e-9 * abs(whole):
            raise SystemExit(f"figures do not add up: {report.undefined}")
    return report


def main() -> None:
    """Measure and print one line."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    held, past = positions(), history()

    def recompute() -> RiskReport:
        return measure(Portfolio(held), history=past, equity=1e7, confidences=CONFIDENCES)

    report = checked(recompute())
    spent, busy = np.empty(rounds), np.empty(rounds)
    for i in range(rounds):
        began, work = time.perf_counter(), time.thread_time()
        recompute()
        spent[i], busy[i] = time.perf_counter() - began, time.thread_time() - work
    least, median, slow = np.quantile(spent * 1e3, (0.0, 0.5, 0.99)).tolist()
    own = float(np.median(busy)) * 1e3
    line = {
        "peer": "TradSys",
        "version": version("tradsys"),
        "workload": "risk",
        "n": POSITIONS,
        "seconds": round(float(spent.sum()), 4),
        "per_sec": round(1e3 / median, 1),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "setup_seconds": round(compile_seconds(), 3),
        "ms": {
            "least": round(least, 4),
            "median": round(median, 4),
            "p99": round(slow, 4),
            "cpu_median": round(own, 4),
        },
        "note": f"milliseconds a recomputation: least {least:.3f}, median {median:.3f}, p99 {slow:.3f} "
        f"of {rounds:,}; median of its own time on the processor {own:.3f}",
        "result": {"historical_99": round(report.at[0.99].by_method["historical"].value_at_risk, 2)},
    }
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
