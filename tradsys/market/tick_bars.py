"""Bars from ticks, one tick at a time: by time, number of ticks, volume or traded value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tradsys.core.errors import ConfigError, DataError
from tradsys.core.events import Bar
from tradsys.market.intervals import span_of
from tradsys.reference.clock import iso


class Trade(NamedTuple):
    """What a bar is made of: when (UTC nanoseconds), price, quantity in units."""

    at: int
    price: float
    quantity: float


@dataclass(slots=True)
class _Open:
    """The bar being built. `first` and `last` are the times that decide its open and close."""

    first: int
    last: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    value: float
    count: int

    def add(self, trade: Trade) -> None:
        if trade.at < self.first:
            self.first, self.open = trade.at, trade.price
        if trade.at >= self.last:
            self.last, self.close = trade.at, trade.price
        self.high, self.low = max(self.high, trade.price), min(self.low, trade.price)
        self.volume += trade.quantity
        self.value += trade.price * trade.quantity
        self.count += 1

    def bar(self, instrument: str, *, at: int, span: int) -> Bar:
        return Bar(at, at, instrument, span, self.open, self.high, self.low, self.close, self.volume)


def _opened(trade: Trade) -> _Open:
    at, price, quantity = trade
    return _Open(at, at, price, price, price, price, quantity, price * quantity, 1)


def _check(trade: Trade) -> None:
    if not (0.0 < trade.price < float("inf") and 0.0 <= trade.quantity < float("inf")):
        raise DataError(
            f"a tick at {iso(trade.at)} cannot be traded on",
            value=f"{trade.price} × {trade.quantity}",
            limit="price above zero, quantity not negative",
            fix="drop it at the feed",
        )


class ThresholdBars:
    """Bars that end with the tick which reaches a number of ticks, a volume or a traded value.

    A trade is never split, so a bar may hold more than the threshold. Its `at` is the time of its latest tick. A tick
    older than the open bar (or than the last bar, when none is open) goes to `late` and into no bar.
    Not modelled: thresholds that adapt.
    """

    def __init__(self, instrument: str, *, measure: str, size: float) -> None:
        measures: dict[str, Callable[[_Open], float]] = {
            "tick": lambda bar: bar.count,
            "volume": lambda bar: bar.volume,
            "dollar": lambda bar: bar.value,
        }
        if measure not in measures or not size > 0:
            raise ConfigError(
                "no such bars", value=f"{measure} {size}", limit="tick, volume or dollar, above 0", fix="correct it"
            )
        self.instrument = instrument
        self.late: list[Trade] = []
        self._measure = measures[measure]
        self._size = size
        self._open: _Open | None = None
        self._since = 0

    def add(self, trade: Trade) -> Bar | None:
        """The bar that a tick completes, if it does. Raises `DataError` for an impossible tick."""
        _check(trade)
        if trade.at < self._since:
            self.late.append(trade)
            return None
        if self._open is None:
            self._open = _opened(trade)
            self._since = trade.at
        else:
            self._open.add(trade)
        return self.finish() if self._measure(self._open) >= self._size else None

    def finish(self) -> Bar | None:
        """The unfinished bar, when the feed ends."""
        if self._open is None:
            return None
        bar, self._open = self._open, None
        self._since = bar.last
        return bar.bar(self.instrument, at=bar.last, span=bar.last - bar.first)


class TimeBars:
    """Bars of a fixed interval within one stretch of trading, counted from its open: `start <= tick < end`.

    A tick at the very close belongs to the last bar. A bar is complete when time passes its end (`advance`, or a later
    tick). A tick older than the open interval goes to `late`, one outside the stretch to `outside`: never into a bar,
    never lost. An interval without ticks gives no bar.
    """

    def __init__(self, instrument: str, *, interval: str, opens: int, closes: int) -> None:
        if not opens < closes:
            raise ConfigError("a session ends before it starts", value=f"{iso(opens)} … {iso(closes)}")
        self.instrument = instrument
        self.span = span_of(interval)
        self.late: list[Trade] = []
        self.outside: list[Trade] = []
        self._opens, self._closes = opens, closes
        self._start = opens
        self._open: _Open | None = None

    def add(self, trade: Trade) -> Bar | None:
        """The earlier bar that a tick shows to be complete, if any. Raises `DataError` for an impossible tick."""
        _check(trade)
        if not self._opens <= trade.at <= self._closes:
            self.outside.append(trade)
            return None
        if trade.at < self._start:
            self.late.append(trade)
            return None
        done = self.advance(min(trade.at, self._closes - 1))
        if self._open is None:
            self._open = _opened(trade)
        else:
            self._open.add(trade)
        return done

    def advance(self, at: int) -> Bar | None:
        """The bar that is complete once the time is `at`, if one is open; later ticks of its interval are late."""
        if at < self._end():
            return None
        done = self._open.bar(self.instrument, at=self._end(), span=self.span) if self._open else None
        self._open = None
        elapsed = (at - self._opens) // self.span * self.span
        self._start = self._closes + 1 if at >= self._closes else self._opens + elapsed
        return done

    def _end(self) -> int:
        return min(self._start + self.span, self._closes)
