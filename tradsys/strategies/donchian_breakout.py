"""Donchian momentum breakout."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tradsys import ROC, Account, Bar, Context, DonchianChannel, Param, Strategy
from tradsys.core.events import Decision


class DonchianBreakout(Strategy):
    """Buy a close above the highest high of the `entry` bars before; sell a close below the lowest low of `exit` bars.

    Idea: a price that nobody has paid for weeks takes something new, and news is absorbed slowly. Long only. Sources:
    Donchian's four-week rule; Faith, Way of the Turtle (2007), system 1: a 20-day high in, a 10-day low out, here on
    the close and without its filter and its pyramiding.

    What is kept from one bar to the next is how far off the channel was in percent, to be compared with the change of
    the next close: a ratio stays true over a bonus issue, a price does not.
    """

    entry: int = Param(20, low=2, high=1000, doc="bars whose highest high is to be exceeded")
    exit: int = Param(10, low=2, high=1000, doc="bars whose lowest low ends it")

    def on_start(self, ctx: Context) -> None:
        self.upper = ctx.indicator(DonchianChannel(self.entry))
        self.lower = ctx.indicator(DonchianChannel(self.exit))
        self.change = ctx.indicator(ROC(1))
        self.rise_needed, self.fall_needed = math.inf, -math.inf

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        if self.change.value > self.rise_needed:
            yield self.signal(bar, 1, reason=f"above the high of {self.entry} bars")
        elif self.change.value < self.fall_needed:
            yield self.signal(bar, 0, reason=f"below the low of {self.exit} bars")
        if self.upper.ready and self.lower.ready:
            self.rise_needed = 100.0 * (self.upper.upper - bar.close) / bar.close
            self.fall_needed = 100.0 * (self.lower.lower - bar.close) / bar.close

    def state(self) -> dict[str, Any]:
        return {"rise_needed": self.rise_needed, "fall_needed": self.fall_needed}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.rise_needed, self.fall_needed = state["rise_needed"], state["fall_needed"]
