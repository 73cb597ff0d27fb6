"""Moving averages."""

from __future__ import annotations

import math

import numpy as np

from tradsys.numerics.indicators.base import Array, Indicator, SourceIndicator


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


class SMMA(SourceIndicator, frozen=True):
    """Smoothed moving average, Wilder's (RMA): an exponential mean with alpha = 1 / period.

    Convention: seeded by the mean of the first `period` values (Wilder 1978).
    """

    kernel = "averages.smma"

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, 0


class WMA(SourceIndicator, frozen=True):
    """Linearly weighted moving average: weight 1 for the oldest value, `period` for the newest."""

    kernel = "averages.wma"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period


class DEMA(SourceIndicator, frozen=True):
    """Double exponential moving average (Mulloy 1994): 2 EMA - EMA(EMA).

    Convention: each EMA is seeded by the mean of its first `period` inputs (TA-Lib).
    """

    kernel = "averages.dema"

    period: int = 20

    @property
    def warmup(self) -> int:
        return 2 * (self.period - 1)

    def sizes(self) -> tuple[int, int]:
        return 4, 0


class TEMA(SourceIndicator, frozen=True):
    """Triple exponential moving average (Mulloy 1994): 3 EMA - 3 EMA(EMA) + EMA(EMA(EMA)).

    Convention: each EMA is seeded by the mean of its first `period` inputs (TA-Lib).
    """

    kernel = "averages.tema"

    period: int = 20

    @property
    def warmup(self) -> int:
        return 3 * (self.period - 1)

    def sizes(self) -> tuple[int, int]:
        return 6, 0


class TRIMA(SourceIndicator, frozen=True):
    """Triangular moving average: a simple mean of a simple mean, the two windows covering `period` values (TA-Lib)."""

    kernel = "averages.trima"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 4, (self.period + 1) // 2 + self.period // 2 + 1


class HMA(SourceIndicator, frozen=True):
    """Hull moving average (Hull 2005): WMA over sqrt(period) of 2 WMA(period / 2) - WMA(period).

    Convention: half and root are rounded down.
    """

    kernel = "averages.hma"
    least = (("period", 2),)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1 + math.isqrt(self.period) - 1

    def sizes(self) -> tuple[int, int]:
        return 9, 2 * (self.period + self.period // 2 + math.isqrt(self.period))


class KAMA(SourceIndicator, frozen=True):
    """Kaufman's adaptive moving average (1995): smoothing follows the efficiency ratio between `fast` and `slow`.

    Convention: the value before the first one is the price at that bar (StockCharts, TA-Lib, `ta`); the first value is
    the one after.
    """

    kernel = "averages.kama"

    period: int = 10
    fast: int = 2
    slow: int = 30

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period + 2

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.fast < self.slow, rule="fast must be below slow")


class T3(SourceIndicator, frozen=True):
    """Tillson's T3 (1998): six exponential means combined by the volume factor `factor`.

    Convention: each EMA is seeded by the mean of its first `period` inputs (TA-Lib).
    """

    kernel = "averages.t3"

    period: int = 5
    factor: float = 0.7

    @property
    def warmup(self) -> int:
        return 6 * (self.period - 1)

    def sizes(self) -> tuple[int, int]:
        return 12, 0


class ZLEMA(SourceIndicator, frozen=True):
    """Zero-lag exponential moving average (Ehlers 2010): the EMA of 2 x - x[(period - 1) / 2 bars ago]."""

    kernel = "averages.zlema"
    least = (("period", 3),)

    period: int = 20

    @property
    def warmup(self) -> int:
        return (self.period - 1) // 2 + self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, (self.period - 1) // 2


class VWMA(Indicator, frozen=True):
    """Volume-weighted moving average of the close.

    Convention: the close itself where nothing traded in the whole window.
    """

    kernel = "averages.vwma"
    reads = "close_volume"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period


class ALMA(SourceIndicator, frozen=True):
    """Arnaud Legoux moving average (2009).

    Gaussian weights centred at `offset` of the window, of width period / `sigma`.
    """

    kernel = "averages.alma"
    least = (("sigma", 0.01),)

    period: int = 9
    offset: float = 0.85
    sigma: float = 6.0

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 1, self.period

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.offset <= 1.0, rule="offset must be from 0 to 1")

    def parameters(self) -> Array:
        """The normalised weights, oldest first."""
        ages = np.arange(self.period) - self.offset * (self.period - 1)
        weights = np.exp(-0.5 * np.square(ages * self.sigma / self.period))
        return np.asarray(weights / weights.sum())


class McGinleyDynamic(SourceIndicator, frozen=True):
    """McGinley's dynamic (1990): m += (x - m) / (period * (x / m)^4).

    Convention: starts at the first value, so it has no warm-up.
    """

    kernel = "averages.mcginley"

    period: int = 14

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 1, 0
