"""The account as its monitor sees it at one instant: plain, exact."""

from __future__ import annotations

import msgspec

from tradsys.risk.monitoring.measures import Measure


class Exposure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What positions in one instrument are worth as risk at the last price, money 1e-8: the sizes added up, and what is
    left where opposite ones cancel."""

    instrument: str
    gross: int
    net: int


class LastPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Since when an instrument whose market is open has said no price (UTC nanoseconds)."""

    instrument: str
    silent_since: int


class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """Money in 1e-8 of `currency`. `day_start` is the worth at the end of the day before, `peak` the highest there was.

    `margin` is what positions must keep, `funds` what covers it: cash, and what leveraged positions are worth beside
    it. `uses` are other limits with what is used of them.
    """

    at: int
    currency: str
    equity: int
    day_start: int
    peak: int
    margin: int = 0
    funds: int = 0
    exposures: tuple[Exposure, ...] = ()
    prices: tuple[LastPrice, ...] = ()
    uses: tuple[Measure, ...] = ()


class Worth(msgspec.Struct, kw_only=True):
    """The worth of an account through time: of now, of the day's start and the highest, on trading `date` (YYYYMMDD).

    The day's loss counts from the last worth of the day before, or the first there is; a date that goes back starts no
    day.
    """

    date: int = 0
    equity: int | None = None
    day_start: int = 0
    peak: int = 0

    def take(self, equity: int, *, date: int) -> None:
        """The account is worth so much now."""
        if self.equity is None:
            self.day_start = self.peak = equity
            self.date = date
        elif date > self.date:
            self.day_start, self.date = self.equity, date
        self.equity = equity
        self.peak = max(self.peak, equity)
