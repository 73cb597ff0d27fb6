"""Trend: which way, how strongly, and when it turns."""

from __future__ import annotations

from tradsys.numerics.indicators.base import Indicator, SourceIndicator


class MACD(SourceIndicator, frozen=True):
    """Moving average convergence divergence (Appel 1979): EMA(fast) - EMA(slow), its EMA, and the difference.

    Convention: both EMAs are seeded by the mean of their own first values (StockCharts); TA-Lib delays the fast one to
    start with the slow, `ta` starts from the first value.
    """

    kernel = "trend.macd"
    outputs = ("macd", "signal", "histogram")
    measures = ("price", "price", "price")

    fast: int = 12
    slow: int = 26
    signal: int = 9

    @property
    def warmup(self) -> int:
        return self.slow + self.signal - 2

    def sizes(self) -> tuple[int, int]:
        return 6, 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.fast < self.slow, rule="fast must be below slow")


class ADX(Indicator, frozen=True):
    """Average directional index with its +DI and -DI (Wilder 1978).

    Convention: smoothing is seeded by plain means from the second bar on (StockCharts); TA-Lib's seed has one value
    less. 0 where nothing has moved.
    """

    kernel = "trend.adx"
    outputs = ("adx", "plus", "minus")
    measures = ("ratio", "ratio", "ratio")

    period: int = 14

    @property
    def warmup(self) -> int:
        return 2 * self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 6, 3


class Aroon(Indicator, frozen=True):
    """Aroon up, down and their difference (Chande 1995): bars since the highest high and lowest low, in percent.

    Convention: the window is `period` + 1 bars and the latest of equal extremes counts (TA-Lib).
    """

    kernel = "trend.aroon"
    reads = "high_low"
    outputs = ("up", "down", "oscillator")
    measures = ("ratio", "ratio", "ratio")

    period: int = 25

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 6, 4 * (self.period + 1)


class CCI(Indicator, frozen=True):
    """Commodity channel index (Lambert 1980), constant 0.015, mean absolute deviation; 0 where nothing has moved."""

    kernel = "trend.cci"
    measures = ("ratio",)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, 2 * self.period


class DPO(SourceIndicator, frozen=True):
    """Detrended price oscillator: the value period / 2 + 1 bars ago less the simple mean. It does not look ahead."""

    kernel = "trend.dpo"

    period: int = 20

    @property
    def warmup(self) -> int:
        return max(self.period - 1, self.period // 2 + 1)

    def sizes(self) -> tuple[int, int]:
        return 3, self.period + self.period // 2 + 1


class Ichimoku(Indicator, frozen=True):
    """Ichimoku's lines (Hosoda 1969): conversion, base, and the two leading spans.

    Convention: spans stand at the bar they are computed on; a chart draws them `base` bars later. The lagging span is
    left out: it is the close, drawn in the past.
    """

    kernel = "trend.ichimoku"
    reads = "high_low"
    outputs = ("conversion", "base", "span_a", "span_b")
    measures = ("price", "price", "price", "price")

    conversion: int = 9
    base: int = 26
    span: int = 52

    @property
    def warmup(self) -> int:
        return max(self.conversion, self.base, self.span) - 1

    def sizes(self) -> tuple[int, int]:
        return 9, 2 * (self.conversion + self.base + self.span)


class KST(SourceIndicator, frozen=True):
    """Pring's know sure thing (1992) and its signal: four smoothed rates of change weighted 1 to 4.

    Convention: Pring's daily set, rates over 10, 15, 20, 30 bars smoothed over 10, 10, 10, 15.
    """

    kernel = "trend.kst"
    outputs = ("kst", "signal")
    measures = ("ratio", "ratio")

    signal: int = 9

    @property
    def warmup(self) -> int:
        return 43 + self.signal

    def sizes(self) -> tuple[int, int]:
        return 14, 120 + self.signal


class MassIndex(Indicator, frozen=True):
    """Dorsey's mass index (1992): the sum over `total` bars of EMA(range) / EMA(EMA(range)).

    Convention: EMAs seeded by means; `ta` starts from the first value. A bar's ratio is 1 where ranges are nothing.
    """

    kernel = "trend.mass_index"
    reads = "high_low"
    measures = ("ratio",)

    period: int = 9
    total: int = 25

    @property
    def warmup(self) -> int:
        return 2 * (self.period - 1) + self.total - 1

    def sizes(self) -> tuple[int, int]:
        return 6, self.total


class ParabolicSAR(Indicator, frozen=True):
    """Wilder's parabolic stop and reverse (1978).

    Convention: the first side follows the directional movement of the second bar, and the first stop is the first
    bar's opposite extreme (TA-Lib).
    """

    kernel = "reversal.parabolic_sar"
    reads = "high_low"

    step: float = 0.02
    most: float = 0.2

    @property
    def warmup(self) -> int:
        return 1

    def sizes(self) -> tuple[int, int]:
        return 4, 2


class TRIX(SourceIndicator, frozen=True):
    """The one-bar rate of change, in percent, of a triple exponential mean (Hutson 1983).

    Convention: each EMA is seeded by the mean of its first `period` inputs (TA-Lib).
    """

    kernel = "trend.trix"
    measures = ("ratio",)

    period: int = 15

    @property
    def warmup(self) -> int:
        return 3 * (self.period - 1) + 1

    def sizes(self) -> tuple[int, int]:
        return 6, 1


class Vortex(Indicator, frozen=True):
    """The vortex indicator (Botes and Siepman 2010): rising and falling movement over true range; 1 when flat."""

    kernel = "trend.vortex"
    outputs = ("plus", "minus")
    measures = ("ratio", "ratio")

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 4, 3 * self.period + 3


class SuperTrend(Indicator, frozen=True):
    """SuperTrend (Seban): a band of `multiple` average true ranges that only tightens, and the side, +1 or -1.

    Convention: Wilder's smoothing seeded by a mean; the first side is long.
    """

    kernel = "reversal.supertrend"
    outputs = ("value", "side")
    measures = ("price", "ratio")

    period: int = 10
    multiple: float = 3.0

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 3


class SchaffTrendCycle(SourceIndicator, frozen=True):
    """Schaff's trend cycle (1999): a stochastic, twice, of the MACD line, 0 to 100.

    Convention: EMAs seeded by means; a cycle without range keeps the value before.
    """

    kernel = "reversal.schaff_trend_cycle"
    measures = ("ratio",)

    fast: int = 23
    slow: int = 50
    cycle: int = 10
    smoothing: int = 3

    @property
    def warmup(self) -> int:
        return self.slow - 1 + 2 * (self.cycle - 1 + self.smoothing - 1)

    def sizes(self) -> tuple[int, int]:
        return 16, 4 * self.cycle

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.fast < self.slow, rule="fast must be below slow")
