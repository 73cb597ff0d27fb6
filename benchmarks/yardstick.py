"""How fast this machine runs Python: a bare loop over the bars of `sma_cross`, to read the other figures by."""

from __future__ import annotations

import json
import statistics
import time
from collections import deque
from typing import Any

from benchmarks.agreement import shared_bars

FAST, SLOW = 10, 50


class BareCross:
    """Two running means and a position, and nothing of a backtester around them."""

    def __init__(self) -> None:
        self.window: deque[float] = deque()
        self.fast = self.slow = 0.0
        self.long = False
        self.orders = 0

    def on_bar(self, open: float, high: float, low: float, close: float, volume: float) -> None:
        """Move both means, and count an order where they cross."""
        window = self.window
        window.append(close)
        self.fast += close
        self.slow += close
        if len(window) > FAST:
            self.fast -= window[-FAST - 1]
        if len(window) > SLOW:
            self.slow -= window.popleft()
        if len(window) == SLOW:
            long = self.fast / FAST > self.slow / SLOW
            if long is not self.long:
                self.long = long
                self.orders += 1


def bars_a_second(bars: dict[str, Any], *, times: int = 3) -> float:
    """Median speed of the bare loop, called once a bar with five floats."""
    columns = [bars[name].tolist() for name in ("open", "high", "low", "close", "volume")]
    speeds = []
    for _ in range(times):
        on_bar = BareCross().on_bar
        began = time.perf_counter()
        for row in zip(*columns, strict=True):
            on_bar(*row)
        speeds.append(len(columns[0]) / (time.perf_counter() - began))
    return statistics.median(speeds)


if __name__ == "__main__":
    print(json.dumps({"per_sec": bars_a_second(shared_bars().bars(1_000_000))}))
