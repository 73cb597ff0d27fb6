"""Honest strategies that use what could raise a false alarm: sessions, timers, brackets, square-offs."""

from __future__ import annotations

from collections.abc import Iterator

from tradsys import SMA, Account, Bar, Context, Strategy
from tradsys.core.events import Decision, SessionChange, Timer


class Intraday(Strategy):
    """Brackets through the day, left to the square-off; a market order at a time of day."""

    def on_start(self, ctx: Context) -> None:
        self.mean = ctx.indicator(SMA(5))
        self.where = ctx.instruments[0]
        ctx.every_session_at("14:30", name="late")

    def on_session(self, change: SessionChange, account: Account) -> None:
        self.bars = 0

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        self.bars = getattr(self, "bars", 0) + 1
        if self.mean.ready and self.bars % 13 == 0 and account.position(bar.instrument) == 0:
            yield self.buy(bar, 10, stop=bar.close * 0.99, target=bar.close * 1.01, product="MIS")

    def on_timer(self, timer: Timer, account: Account) -> Iterator[Decision]:
        yield self.buy(self.where, 5, product="MIS")


class Halting(Strategy):
    """Raises in the middle: that is the same in every run."""

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        self.count = getattr(self, "count", 0) + 1
        if self.count == 300:
            raise ValueError("enough")
        yield self.target(bar, self.count % 7)
