"""Momentum: how fast price moves, and where it stands in its range."""

from __future__ import annotations

from tradsys.numerics.indicators.base import Indicator, SourceIndicator


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


class Stochastic(Indicator, frozen=True):
    """Stochastic oscillator (Lane): %K, the close's place in the range of `period` bars, and %D, its mean.

    Convention: `smoothing` 1 is the fast stochastic of StockCharts and `ta`, 3 the slow one (TA-Lib's STOCH). 50 where
    the range is nothing.
    """

    kernel = "momentum.stochastic"
    outputs = ("k", "d")
    measures = ("ratio", "ratio")

    period: int = 14
    smoothing: int = 3
    signal: int = 3

    @property
    def warmup(self) -> int:
        return self.period + self.smoothing + self.signal - 3

    def sizes(self) -> tuple[int, int]:
        return 7, 2 * self.period + self.smoothing + self.signal


class StochasticRSI(SourceIndicator, frozen=True):
    """Stochastic of the RSI (Chande and Kroll 1994), 0 to 100: %K and %D.

    Convention: percent as in TA-Lib (whose STOCHRSI is `smoothing` 1); `ta` gives fractions. 50 where the RSI's
    range is nothing.
    """

    kernel = "momentum.stochastic_rsi"
    outputs = ("k", "d")
    measures = ("ratio", "ratio")

    period: int = 14
    reach: int = 14
    smoothing: int = 3
    signal: int = 3

    @property
    def warmup(self) -> int:
        return self.period + self.reach + self.smoothing + self.signal - 3

    def sizes(self) -> tuple[int, int]:
        return 10, 2 * self.reach + self.smoothing + self.signal + 1


class WilliamsR(Indicator, frozen=True):
    """Williams %R: the close's distance below the highest high of `period` bars, -100 to 0; -50 without range."""

    kernel = "momentum.williams_r"
    measures = ("ratio",)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period


class UltimateOscillator(Indicator, frozen=True):
    """Williams' ultimate oscillator (1985): buying pressure over true range, three windows weighted 4, 2, 1.

    Convention: starts at the second bar, the first that has a close before it.
    """

    kernel = "momentum.ultimate_oscillator"
    measures = ("ratio",)

    short: int = 7
    middle: int = 14
    long: int = 28

    @property
    def warmup(self) -> int:
        return max(self.short, self.middle, self.long)

    def sizes(self) -> tuple[int, int]:
        return 9, 2 * (self.short + self.middle + self.long) + 1


class TSI(SourceIndicator, frozen=True):
    """True strength index (Blau 1991): the twice-smoothed change over the twice-smoothed absolute change, in percent.

    Convention: both EMAs are seeded by means; `ta` starts from the first value. 0 where nothing has moved.
    """

    kernel = "momentum.true_strength_index"
    measures = ("ratio",)

    slow: int = 25
    fast: int = 13

    @property
    def warmup(self) -> int:
        return self.slow + self.fast - 1

    def sizes(self) -> tuple[int, int]:
        return 6, 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.fast < self.slow, rule="fast must be below slow")


class AwesomeOscillator(Indicator, frozen=True):
    """Williams' awesome oscillator: the difference of two simple means of the bars' midpoints."""

    kernel = "momentum.awesome_oscillator"
    reads = "high_low"

    fast: int = 5
    slow: int = 34

    @property
    def warmup(self) -> int:
        return self.slow - 1

    def sizes(self) -> tuple[int, int]:
        return 4, self.fast + self.slow

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.fast < self.slow, rule="fast must be below slow")


class ROC(SourceIndicator, frozen=True):
    """Rate of change over `period` bars, in percent."""

    kernel = "momentum.rate_of_change"
    measures = ("ratio",)

    period: int = 12

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 1, self.period


class Momentum(SourceIndicator, frozen=True):
    """The change over `period` bars."""

    kernel = "momentum.momentum"

    period: int = 10

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 1, self.period


class CMO(SourceIndicator, frozen=True):
    """Chande's momentum oscillator (1994): (gains - losses) / (gains + losses) over `period` changes, in percent.

    Convention: plain sums, as Chande has it; TA-Lib smooths by Wilder's method. 0 where nothing has moved.
    """

    kernel = "momentum.chande_momentum"
    measures = ("ratio",)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period + 1


class CoppockCurve(SourceIndicator, frozen=True):
    """Coppock's curve (1962): the weighted mean, over `period`, of the sum of two rates of change in percent."""

    kernel = "momentum.coppock_curve"
    measures = ("ratio",)

    period: int = 10
    long: int = 14
    short: int = 11

    @property
    def warmup(self) -> int:
        return max(self.long, self.short) + self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 5, self.long + self.short + 2 * self.period


class FisherTransform(Indicator, frozen=True):
    """Ehlers' Fisher transform (2002) of the midpoint's place in its range, and its value one bar before (the trigger).

    Convention: starts from 0; the place is smoothed 0.33 to 0.67 and held within 0.999, as published.
    """

    kernel = "momentum.fisher_transform"
    reads = "high_low"
    outputs = ("fisher", "trigger")
    measures = ("ratio", "ratio")

    period: int = 10

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 5, 2 * self.period


class RelativeVigor(Indicator, frozen=True):
    """Relative vigour index (Ehlers 2002): close - open over high - low, weighted 1 2 2 1 and summed, and its signal.

    Convention: 0 where the bars have no range.
    """

    kernel = "momentum.relative_vigor"
    reads = "open_high_low_close"
    outputs = ("vigor", "signal")
    measures = ("ratio", "ratio")

    period: int = 10

    @property
    def warmup(self) -> int:
        return self.period + 5

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period + 9


class BalanceOfPower(Indicator, frozen=True):
    """Balance of power (Livshin): (close - open) / (high - low), bar by bar; 0 where the bar has no range."""

    kernel = "momentum.balance_of_power"
    reads = "open_high_low_close"
    measures = ("ratio",)

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 0, 0


class EfficiencyRatio(SourceIndicator, frozen=True):
    """Kaufman's efficiency ratio: the way made over the way gone in `period` bars, 0 to 1; 0 when flat."""

    kernel = "momentum.efficiency_ratio"
    measures = ("ratio",)

    period: int = 10

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period + 1
