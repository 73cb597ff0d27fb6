"""Breaks SEBI's rules on purpose, one after the other, to show what refuses each: `configs/sebi_rules.toml`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tradsys.core.events import Bar, Decision
from tradsys.core.ports import Account
from tradsys.strategies.base import Strategy
from tradsys.strategies.context import Context
from tradsys.strategies.parameters import Param

_INDIA = 330 * 60 * 10**9
_MINUTE = 60 * 10**9
_FLOOD = range(9 * 60 + 45, 10 * 60 + 5)
"""Minutes of the day in which orders come and go without a trade."""

Deed = Callable[["RuleBreaker", Bar], list[Decision]]


class RuleBreaker(Strategy):
    """What it does on which day of the run at which time of the share's minutes stands in `PLAN`."""

    scope = "portfolio"
    share: str = Param("NSE:FEDERALBNK")
    watched: str = Param("NSE:FORTIS")
    future: str = Param("NFO:FEDERALBNK15SEPFUT")
    index_future: str = Param("NFO:NIFTY15SEPFUT")
    option: str = Param("NFO:NIFTY15SEP1CE")
    lot: int = Param(8_000, low=1, high=100_000)

    def on_start(self, ctx: Context) -> None:
        """Nothing has been seen."""
        self.day = self.date = -1
        self.last: dict[str, float] = {}

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        """The deed of this minute."""
        self.last[bar.instrument] = bar.close
        if bar.instrument != self.share:
            return
        minute = (bar.at + _INDIA) // _MINUTE
        if minute // 1_440 != self.date:
            self.date, self.day = minute // 1_440, self.day + 1
        clock = minute % 1_440
        deed = PLAN.get((self.day, f"{clock // 60:02}:{clock % 60:02}"))
        if deed is not None:
            yield from deed(self, bar)
        elif self.day == 1 and clock in _FLOOD:
            yield from self.flood(bar)

    def flood(self, bar: Bar) -> Iterator[Decision]:
        """Four orders far from the market, withdrawn a minute later."""
        yield self.cancel(bar)
        for _ in range(4):
            yield self.buy(bar, 1, limit=0.94 * bar.close, reason="flood")


def _self_trade(strategy: RuleBreaker, bar: Bar) -> list[Decision]:
    resting = strategy.buy(bar, 10, limit=0.97 * bar.close, product="MIS", reason="resting")
    return [resting, strategy.sell(bar, 10, limit=0.96 * bar.close, product="MIS", reason="against our own")]


PLAN: Mapping[tuple[int, str], Deed] = {
    (0, "09:30"): lambda s, bar: [s.buy(bar, 1, limit=bar.close, reason="no close of the day before")],
    (1, "09:17"): lambda s, bar: [s.buy(bar, 1, limit=bar.close, reason="before the log-in")],
    (1, "09:30"): lambda s, bar: [s.buy(bar, 1, limit=1.25 * bar.close, reason="outside the band")],
    (1, "09:31"): lambda s, bar: [_buy(s, s.watched, 1, 1.0, product="MIS", reason="intraday, trade for trade")],
    (1, "09:32"): lambda s, bar: [_buy(s, s.future, s.lot, 1.0, reason="in the ban period")],
    (1, "09:33"): lambda s, bar: [_buy(s, s.index_future, 2_000, 1.0, reason="above the freeze quantity")],
    (1, "09:34"): lambda s, bar: [
        s.buy(s.option, 25, trigger=1.01 * s.last[s.option], product="NRML", reason="SL-M on an option")
    ],
    (1, "09:35"): lambda s, bar: [_buy(s, s.option, 25, 1.5, reason="half above the reference price")],
    (1, "09:36"): _self_trade,
    (1, "09:37"): lambda s, bar: [s.cancel(bar)],
    (1, "09:40"): lambda s, bar: [s.buy(bar, 1, limit=0.97 * bar.close, reason="one of nine") for _ in range(9)],
    (1, "09:41"): lambda s, bar: [s.cancel(bar)],
    (1, "15:25"): lambda s, bar: [
        s.buy(bar, 1, trigger=1.01 * bar.close, limit=1.02 * bar.close, reason="a stop in the closing auction")
    ],
    (2, "09:30"): lambda s, bar: [_buy(s, s.future, 13 * s.lot, 1.0, reason="more than a tenth of the limit")],
    (2, "10:00"): lambda s, bar: [s.buy(bar, 100, limit=1.005 * bar.close, product="MIS", reason="as it should be")],
    (3, "09:30"): lambda s, bar: [_buy(s, s.future, s.lot, 1.0, reason="on the day of expiry")],
}


def _buy(strategy: RuleBreaker, instrument: str, quantity: float, times: float, **details: Any) -> Decision:
    given = {"product": "NRML" if instrument.startswith("NFO:") else "CNC", **details}
    return strategy.buy(instrument, quantity, limit=times * strategy.last[instrument], **given)


class Unregistered(Strategy):
    """Buys a share a day; its code is not what `configs/sebi_facts/registrations.csv` says was registered."""

    def on_bar(self, bar: Bar, account: Account) -> Iterator[Decision]:
        """At ten in the morning."""
        if (bar.at + _INDIA) // _MINUTE % 1_440 == 600:
            yield self.buy(bar, 1, limit=bar.close)
