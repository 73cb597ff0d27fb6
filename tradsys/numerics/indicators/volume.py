"""Volume: how much trades behind a move."""

from __future__ import annotations

from tradsys.numerics.indicators.base import Indicator


class OBV(Indicator, frozen=True):
    """On-balance volume (Granville 1963), from 0 at the first bar.

    Convention: a bar with an unchanged close adds nothing (Granville, StockCharts, TA-Lib); `ta` adds its volume.
    TA-Lib starts from the first bar's volume.
    """

    kernel = "volume.on_balance_volume"
    reads = "close_volume"
    measures = ("volume",)

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 1, 1


class AccumulationDistribution(Indicator, frozen=True):
    """Chaikin's accumulation/distribution line; a bar without range adds nothing."""

    kernel = "volume.accumulation_distribution"
    reads = "high_low_close_volume"
    measures = ("volume",)

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 1, 0


class ChaikinOscillator(Indicator, frozen=True):
    """EMA(fast) - EMA(slow) of the accumulation/distribution line.

    Convention: EMAs seeded by means; TA-Lib starts from the first value.
    """

    kernel = "volume.chaikin_oscillator"
    reads = "high_low_close_volume"
    measures = ("volume",)

    fast: int = 3
    slow: int = 10

    @property
    def warmup(self) -> int:
        return self.slow - 1

    def sizes(self) -> tuple[int, int]:
        return 5, 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuse_unless(self.fast < self.slow, rule="fast must be below slow")


class ChaikinMoneyFlow(Indicator, frozen=True):
    """Chaikin's money flow: the sum of signed volume over the sum of volume; 0 where nothing traded."""

    kernel = "volume.chaikin_money_flow"
    reads = "high_low_close_volume"
    measures = ("ratio",)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period


class MFI(Indicator, frozen=True):
    """Money flow index (Quong and Soudack 1989).

    Convention: an unchanged typical price flows neither way (StockCharts), also where rounding sets two equal ones
    apart, which TA-Lib takes for a move. 50 where nothing flowed.
    """

    kernel = "volume.money_flow_index"
    reads = "high_low_close_volume"
    measures = ("ratio",)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period + 1


class ForceIndex(Indicator, frozen=True):
    """Elder's force index (1993): the EMA of change * volume.

    Convention: seeded by the mean of the first `period` forces; StockCharts' sheet and `ta` start from the first.
    """

    kernel = "volume.force_index"
    reads = "close_volume"
    measures = ("money",)

    period: int = 13

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 2, 1


class EaseOfMovement(Indicator, frozen=True):
    """Arms' ease of movement: the mean of the midpoint's change times range over volume, times `scale`.

    Convention: `scale` is 1e8 as in StockCharts and `ta`. A bar without volume counts 0.
    """

    kernel = "volume.ease_of_movement"
    reads = "high_low_close_volume"
    measures = ("price_squared_per_volume",)
    least = (("scale", 1e-08),)

    period: int = 14
    scale: float = 100000000.0

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 2, self.period + 1


class VolumePriceTrend(Indicator, frozen=True):
    """Volume price trend: the sum of volume times fractional change, from 0 at the first bar."""

    kernel = "volume.volume_price_trend"
    reads = "close_volume"
    measures = ("volume",)

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 1, 1


class NegativeVolumeIndex(Indicator, frozen=True):
    """Fosback's negative volume index: compounds the changes of bars with falling volume, from 1000."""

    kernel = "volume.negative_volume_index"
    reads = "close_volume"
    measures = ("ratio",)

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 0, 3


class PositiveVolumeIndex(Indicator, frozen=True):
    """Fosback's positive volume index: compounds the changes of bars with rising volume, from 1000."""

    kernel = "volume.positive_volume_index"
    reads = "close_volume"
    measures = ("ratio",)

    @property
    def warmup(self) -> int:
        return 0

    def sizes(self) -> tuple[int, int]:
        return 0, 3


class VWAP(Indicator, frozen=True):
    """Volume-weighted average of the typical price over the last `period` bars; the typical price where nothing traded.

    Convention: a rolling window, as in `ta`. It knows no sessions; one anchored at the session's open is another.
    """

    kernel = "volume.vwap"
    reads = "high_low_close_volume"

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 3, 2 * self.period
