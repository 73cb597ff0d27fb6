"""Moving averages."""

from __future__ import annotations

from tradsys.numerics.indicators.base import SourceIndicator


class SMA(SourceIndicator, frozen=True):
    """Simple moving average: the mean of the last `period` values."""

    kernel = "averages.sma"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, self.period


class EMA(SourceIndicator, frozen=True):
    """Exponential moving average, alpha = 2 / (period + 1).

    Convention: seeded by the mean of the first `period` values (StockCharts, TA-Lib); `ta` starts from the first value.
    """

    kernel = "averages.ema"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, 0
