"""NSE opening-range breakout."""

from collections.abc import Iterator, Mapping
from typing import Any

from tradsys import Account, Bar, Context, Param, Strategy
from tradsys.core.events import Decision, Phase, SessionChange, Timer
from tradsys.core.units import MINUTE


class OpeningRange(Strategy):
    """Follow the first close outside the range of the session's first minutes; out at the other side, or by the bell.

    Idea: the opening digests the night's news, and a price that leaves its range has found a direction. Once a side and
    session; stop at the range's other side, target at a multiple of its height, sized to lose `risk` of the account at
    the stop. Source: Crabel, Day Trading with Short Term Price Patterns and Opening Range Breakout (1990). For MIS.
    """

    minutes: int = Param(15, low=1, high=180, doc="length of the opening range")
    risk: float = Param(0.005, low=0.0001, high=0.05, doc="fraction of the allotted equity lost at the stop")
    exposure: float = Param(1.0, low=0.05, high=5.0, doc="largest position as a fraction of the allotted equity")
    reward: float = Param(2.0, low=0.25, high=20.0, doc="target in heights of the range")
    last_entry: str = Param("14:30", doc="no entry from this exchange time on")
    flat_at: str = Param("15:10", doc="out at this time, before the broker squares off for a fee")

    def on_start(self, ctx: Context) -> None:
        ctx.every_session_at(self.last_entry, name="last_entry")
        ctx.every_session_at(self.flat_at, name="flat_at")
        self.instrument, self.until, self.high, self.low = ctx.instrument, 0, 0.0, 0.0
        self.sides: list[int] = []

    def on_session(self, change: SessionChange, account: Account) -> None:
        if change.phase is Phase.OPEN:
            self.until, self.high, self.low, self.sides = change.at + self.minutes * MINUTE, 0.0, 0.0, [1, -1]

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        if bar.at <= self.until:
            self.high, self.low = max(self.high, bar.high), min(self.low or bar.low, bar.low)
        elif self.high > self.low > 0.0 and not account.position(bar.instrument):
            side = (bar.close > self.high) - (bar.close < self.low)
            if side in self.sides:
                self.sides.remove(side)
                height = self.high - self.low
                quantity = account.allotment * min(self.risk / height, self.exposure / bar.close)
                enter, stop = (self.buy, self.low) if side > 0 else (self.sell, self.high)
                target = bar.close + side * self.reward * height
                yield enter(bar, quantity, stop=stop, target=target, reason="range broken")

    def on_timer(self, timer: Timer, account: Account) -> Iterator[Decision]:
        self.sides = []
        if timer.name == "flat_at":
            yield self.cancel(self.instrument, reason="end of the day")
            yield self.target(self.instrument, 0, reason="end of the day")

    def state(self) -> dict[str, Any]:
        return {"until": self.until, "high": self.high, "low": self.low, "sides": list(self.sides)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
