"""Recorded market events by row: what a live run is fed with, and what a replay finds again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec

from tradsys.core.events import Bar, MarketEvent
from tradsys.engine.assemble import Wired
from tradsys.engine.recorded_data import records_of

_encode = msgspec.msgpack.Encoder().encode


class Feed(Protocol):
    """Events of a market in time order, each with a row number that never changes."""

    name: str

    def __len__(self) -> int: ...

    def known_at(self, row: int) -> int:
        """When a row's event was known."""
        ...

    def events(self, first: int, *, last: int) -> Sequence[MarketEvent]:
        """The events of some rows, both ends included."""
        ...


class EventFeed:
    """Events in memory."""

    def __init__(self, name: str, events: Sequence[MarketEvent]) -> None:
        self.name = name
        self._events = events

    def __len__(self) -> int:
        return len(self._events)

    def known_at(self, row: int) -> int:
        """See `Feed`."""
        return self._events[row].at

    def events(self, first: int, *, last: int) -> Sequence[MarketEvent]:
        """See `Feed`."""
        return self._events[first : last + 1]


def digest(events: Sequence[MarketEvent]) -> str:
    """SHA-256 of what some events say."""
    return hashlib.sha256(_encode(events)).hexdigest()


def recorded_feed(wired: Wired) -> EventFeed:
    """All that a run's data holds: its bars, and where it has records, each bar after the records known by its end."""
    bars = wired.bars.bars(slice(0, len(wired.bars)))
    name = hashlib.sha256("".join(each.sha256 for each in wired.data.series.values()).encode()).hexdigest()
    if not wired.data.recordings:
        return EventFeed(name, list(bars))
    spans = max(series.span for series in wired.data.series.values())
    begin = int(wired.bars.times(slice(0, 1))[0]) - spans
    end = max(int(series.at[-1]) for series in wired.data.series.values())
    records = records_of(wired.data.recordings, begin=begin - 1, end=end)
    return EventFeed(name, list(_interleaved(records.records(slice(0, len(records))), bars)))


def _interleaved(records: Iterator[MarketEvent], bars: Iterator[Bar]) -> Iterator[MarketEvent]:
    bar = next(bars, None)
    for record in records:
        while bar is not None and bar.at < record.at:
            yield bar
            bar = next(bars, None)
        yield record
    if bar is not None:
        yield bar
    yield from bars
