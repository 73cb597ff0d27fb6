"""Every indicator of the table on 100,000 bars, the twelve common ones apart, and one streaming step of all.

Prints one JSON line: `seconds` is the sum of every indicator's batch, `common12_s` that of the twelve, `each_ms` the
twelve by their usual names, `all_ms` every indicator, `streaming_us` one bar through all steppers, `setup_seconds` the
time spent compiling (0 when the cache had everything).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

import tradsys
from benchmarks.agreement import shared_bars
from tradsys.numerics import indicators as i
from tradsys.numerics.compilation import compile_seconds
from tradsys.numerics.indicators.base import ROWS, Array, Indicator
from tradsys.numerics.table import TABLE

COMMON = {
    "sma": i.SMA(20),
    "ema": i.EMA(20),
    "rsi": i.RSI(14),
    "macd": i.MACD(12, 26, 9),
    "bbands": i.BollingerBands(20, 2.0),
    "atr": i.ATR(14),
    "adx": i.ADX(14),
    "stoch": i.Stochastic(5, 3, 3),
    "cci": i.CCI(20),
    "obv": i.OBV(),
    "mfi": i.MFI(14),
    "willr": i.WilliamsR(14),
}


def best_seconds(call: Callable[[], object], *, times: int) -> float:
    """The fastest of `times` calls after one to warm up, as the peers' scripts take it."""
    call()
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        spent.append(time.perf_counter() - started)
    return min(spent)


def batch_seconds(indicator: Indicator, matrix: Array) -> float:
    """Seconds for one batch over all bars."""
    return best_seconds(lambda: indicator.batch(matrix), times=5)


def streaming_seconds(matrix: Array) -> float:
    """Seconds to take one bar through a stepper of every indicator, the bar written once."""
    bar = np.empty((5, 1))
    steps = [row.indicator.stepper(bar).advance for row in TABLE]
    columns = [tuple(column) for column in matrix[:, :2000].T.tolist()]

    def all_bars() -> None:
        for column in columns:
            bar[:, 0] = column
            for step in steps:
                step()

    return best_seconds(all_bars, times=5) / len(columns)


def main() -> None:
    """Measure and print one line."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    data = shared_bars()
    bars = data.bars(count)
    matrix = np.ascontiguousarray(np.stack([bars[row] for row in ROWS]))
    common = {name: batch_seconds(indicator, matrix) for name, indicator in COMMON.items()}
    every = {type(row.indicator).__name__: batch_seconds(row.indicator, matrix) for row in TABLE}
    columns = sum(len(row.indicator.outputs) for row in TABLE)
    data.emit(
        "TradSys",
        getattr(tradsys, "__version__", "source"),
        "indicators",
        count,
        sum(every.values()),
        compile_seconds(),
        {"functions": len(TABLE), "columns": columns},
        common12_s=round(sum(common.values()), 5),
        each_ms={name: round(seconds * 1e3, 3) for name, seconds in common.items()},
        all_ms={name: round(seconds * 1e3, 3) for name, seconds in every.items()},
        streaming_us=round(streaming_seconds(matrix) * 1e6, 2),
    )


if __name__ == "__main__":
    main()
