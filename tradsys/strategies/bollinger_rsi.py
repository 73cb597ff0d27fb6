"""Bollinger and RSI mean reversion."""

from collections.abc import Iterator, Mapping
from typing import Any

from tradsys import RSI, Account, Bar, BollingerBands, Context, Param, Strategy
from tradsys.core.events import Decision


class BollingerRsi(Strategy):
    """Buy a close below the lower band while RSI says oversold; sell back at the mean, or when patience ends.

    Idea: without news a fall that is unusual for its own recent past tends to be given back. A fall with news is not:
    the wait is bounded, and after one in vain only a return to the mean lets it in. Long only. Sources: Bollinger,
    Bollinger on Bollinger Bands (2001), 20 bars and 2 deviations; Wilder, New Concepts in Technical Trading Systems
    (1978), RSI of 14 below 30.
    """

    period: int = Param(20, low=5, high=200, doc="bars of the bands")
    deviations: float = Param(2.0, low=0.5, high=4.0, doc="width of the bands in standard deviations")
    rsi_period: int = Param(14, low=2, high=100, doc="bars of the RSI")
    oversold: float = Param(30.0, low=5.0, high=50.0, doc="RSI below which to buy")
    patience: int = Param(50, low=1, high=1000, doc="bars to hold at most")

    def on_start(self, ctx: Context) -> None:
        self.bands = ctx.indicator(BollingerBands(self.period, self.deviations))
        self.rsi = ctx.indicator(RSI(self.rsi_period))
        self.armed, self.held = True, 0

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        if not (self.bands.ready and self.rsi.ready):
            return
        self.held += account.position(bar.instrument) > 0
        if bar.close >= self.bands.middle:
            self.armed, self.held = True, 0
            yield self.signal(bar, 0, reason="back at the mean")
        elif self.held >= self.patience:
            yield self.signal(bar, 0, reason="patience ended")
        elif self.armed and bar.close < self.bands.lower and self.rsi.value < self.oversold:
            self.armed, self.held = False, 0
            yield self.signal(bar, 1, reason="below the band and oversold")

    def state(self) -> dict[str, Any]:
        return {"armed": self.armed, "held": self.held}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.armed, self.held = state["armed"], state["held"]
