"""Statistics of a rolling window."""

from __future__ import annotations

from tradsys.numerics.indicators.base import Indicator, SourceIndicator


class LinearRegression(SourceIndicator, frozen=True):
    """Least-squares line through the last `period` values: its end, its slope a bar, and r squared (0 if flat)."""

    kernel = "rolling.linear_regression"
    outputs = ("value", "slope", "r_squared")
    measures = ("price", "price", "ratio")
    least = (("period", 2),)

    period: int = 14

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 5, 3 * self.period


class Correlation(Indicator, frozen=True):
    """Pearson's correlation of close and volume over `period` bars; 0 where either does not change."""

    kernel = "rolling.correlation"
    reads = "close_volume"
    measures = ("ratio",)
    least = (("period", 2),)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 8, 5 * self.period


class ZScore(SourceIndicator, frozen=True):
    """Distance from the simple mean in population deviations; 0 in a flat window."""

    kernel = "rolling.z_score"
    measures = ("ratio",)
    least = (("period", 2),)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 4, 2 * self.period


class PercentRank(SourceIndicator, frozen=True):
    """Percent of the `period` values before the present one that lie below it (Connors)."""

    kernel = "rolling.percent_rank"
    measures = ("ratio",)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period

    def sizes(self) -> tuple[int, int]:
        return 1, self.period


class Median(SourceIndicator, frozen=True):
    """Rolling median; the mean of the two middle values where `period` is even. O(period) a bar."""

    kernel = "rolling.median"

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 1, 2 * self.period


class DistributionShape(SourceIndicator, frozen=True):
    """Rolling skewness and excess kurtosis.

    Convention: population moments without bias correction (as scipy); pandas corrects for bias. 0 in a flat window.
    """

    kernel = "rolling.distribution_shape"
    outputs = ("skewness", "kurtosis")
    measures = ("ratio", "ratio")
    least = (("period", 4),)

    period: int = 20

    @property
    def warmup(self) -> int:
        return self.period - 1

    def sizes(self) -> tuple[int, int]:
        return 6, 4 * self.period
