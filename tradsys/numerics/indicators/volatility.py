"""Volatility: how wide price moves."""

from __future__ import annotations

from tradsys.numerics.indicators.base import Indicator, SourceIndicator


class TrueRange(Indicator, frozen=True):
    """Wilder's true range; the first bar's is high - low."""

    kernel = "volatility.true_ranges"

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 0, 1


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


class StandardDeviation(SourceIndicator, frozen=True):
    """Rolling standard deviation. Convention: of the population, dividing by `period` (TA-Lib)."""

    kernel = "volatility.standard_deviation"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 4, 2 * self.period


class KeltnerChannel(Indicator, frozen=True):
    """Keltner channel: the EMA of the close, and `multiple` average true ranges above and below it.

    Convention: Raschke's form (StockCharts), ATR by Wilder's smoothing over `reach`; Keltner's own used simple means.
    """

    kernel = "volatility.keltner_channel"
    outputs = ("upper", "middle", "lower")
    measures = ("price", "price", "price")

    period: int = 20
    reach: int = 10
    multiple: float = 2.0

    @property
    def warmup(self) -> int:
        return max(self.period, self.reach) - 1

    def sizes(self) -> tuple[int, int]:
        return 4, 1


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


class UlcerIndex(SourceIndicator, frozen=True):
    """Martin's ulcer index (1987): the root mean square of the percentage drawdown from the highest of `period` values.

    Convention: while fewer than `period` values are known, the highest is of those (StockCharts, `ta`).
    """

    kernel = "volatility.ulcer_index"
    measures = ("ratio",)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 4, 3 * self.period


class ChaikinVolatility(Indicator, frozen=True):
    """Chaikin's volatility: the rate of change over `lag` bars, in percent, of the EMA of high - low."""

    kernel = "volatility.chaikin_volatility"
    reads = "high_low"
    measures = ("ratio",)

    period: int = 10
    lag: int = 10

    @property
    def warmup(self) -> int:
        return self.period - 1 + self.lag

    def sizes(self) -> tuple[int, int]:
        return 3, self.lag


class HistoricalVolatility(SourceIndicator, frozen=True):
    """Close-to-close volatility: the sample deviation of `period` log returns times sqrt(bars_a_year), a fraction."""

    kernel = "volatility.historical_volatility"
    measures = ("ratio",)
    least = (
        ("period", 2),
        ("bars_a_year", 1.0),
    )

    period: int = 20
    bars_a_year: float = 252.0

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 4, 2 * self.period + 1


class ParkinsonVolatility(Indicator, frozen=True):
    """Parkinson's volatility (1980): sqrt(bars_a_year * mean(ln(high / low)^2) / (4 ln 2)), a fraction."""

    kernel = "volatility.parkinson"
    reads = "high_low"
    measures = ("ratio",)
    least = (("bars_a_year", 1.0),)

    period: int = 20
    bars_a_year: float = 252.0

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, self.period


class GarmanKlassVolatility(Indicator, frozen=True):
    """Garman and Klass' volatility (1980), a fraction a year.

    sqrt(bars_a_year * mean(0.5 ln(high / low)^2 - (2 ln 2 - 1) ln(close / open)^2)).
    """

    kernel = "volatility.garman_klass"
    reads = "open_high_low_close"
    measures = ("ratio",)
    least = (("bars_a_year", 1.0),)

    period: int = 20
    bars_a_year: float = 252.0

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 2, self.period


class ChoppinessIndex(Indicator, frozen=True):
    """Dreiss' choppiness index: 100 * log(sum of true ranges / whole range) / log(period); 100 where nothing moves."""

    kernel = "volatility.choppiness"
    measures = ("ratio",)
    least = (("period", 2),)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 4, 3 * self.period + 1
