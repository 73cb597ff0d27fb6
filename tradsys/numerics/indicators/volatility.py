"""Volatility: how wide price moves."""

from __future__ import annotations

from tradsys.numerics.indicators.base import Indicator, SourceIndicator


class ATR(Indicator, frozen=True):
    """Average true range (Wilder 1978), by Wilder's smoothing.

    Convention: the first bar's range is high - low, and the first value is the mean of the first `period` ranges
    (StockCharts, `ta`); TA-Lib leaves the first bar out and starts one bar later.
    """

    kernel = "volatility.atr"

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, 1


class BollingerBands(SourceIndicator, frozen=True):
    """Bollinger bands: the simple mean, and `deviations` standard deviations above and below it.

    Convention: the population deviation (Bollinger, StockCharts, TA-Lib, `ta`), not the sample's.
    """

    kernel = "volatility.bollinger_bands"
    outputs = ("upper", "middle", "lower")
    measures = ("price", "price", "price")

    period: int = 20
    deviations: float = 2.0

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 4, 2 * self.period


class DonchianChannel(Indicator, frozen=True):
    """Highest high and lowest low of the last `period` bars, the present bar included, and their midpoint."""

    kernel = "volatility.donchian_channel"
    reads = "high_low"
    outputs = ("upper", "middle", "lower")
    measures = ("price", "price", "price")

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period
