"""Momentum: how fast price moves, and where it stands in its range."""

from __future__ import annotations

from tradsys.numerics.indicators.base import SourceIndicator


class RSI(SourceIndicator, frozen=True):
    """Relative strength index (Wilder 1978): 100 * gain / (gain + loss), both by Wilder's smoothing.

    Convention: seeded by the mean of the first `period` changes (Wilder, StockCharts, TA-Lib). Where nothing has moved
    it is 50; TA-Lib says 0 and `ta` 100.
    """

    kernel = "momentum.rsi"
    measures = ("ratio",)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 3, 1
