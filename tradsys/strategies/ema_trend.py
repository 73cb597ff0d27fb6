"""EMA trend following."""

from collections.abc import Iterator

from tradsys import EMA, Account, Bar, Context, Param, Strategy
from tradsys.core.errors import ConfigError
from tradsys.core.events import Decision


class EmaTrend(Strategy):
    """Long while the fast exponential mean is above the slow one; flat, or short, while it is below.

    Idea: trends last longer than chance would have it, so be on their side and pay for it with many small losses when
    there is none. Source: Murphy, Technical Analysis of the Financial Markets (1999), chapter 9, the crossover of two
    averages. The means see prices in one unit, so a bonus issue or a split is no crossing.
    """

    fast: int = Param(20, low=2, high=200, doc="bars of the fast mean")
    slow: int = Param(60, low=5, high=1000, doc="bars of the slow mean")
    shorts: bool = Param(False, doc="go short below, where the product allows it (MIS, futures)")

    def on_start(self, ctx: Context) -> None:
        if self.fast >= self.slow:
            raise ConfigError("EmaTrend: fast must be below slow", value=self.fast, limit=self.slow, fix="lower fast")
        self.fast_mean = ctx.indicator(EMA(self.fast))
        self.slow_mean = ctx.indicator(EMA(self.slow))

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        if self.slow_mean.ready:
            above = self.fast_mean.value > self.slow_mean.value
            below = -1 if self.shorts else 0
            yield self.signal(bar, 1 if above else below, reason="fast above slow" if above else "fast below slow")
