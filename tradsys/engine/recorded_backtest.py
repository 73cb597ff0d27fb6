"""A backtest on recorded ticks and books: the same engine, a venue to which orders travel, bars made of the records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from msgspec.structs import replace

from tradsys.core.events import Approved, Bar, Depth, SessionChange, Tick
from tradsys.engine.driver import Driver
from tradsys.engine.engine import Engine
from tradsys.engine.feed import CHUNK
from tradsys.engine.markets import Market
from tradsys.engine.record_feed import RecordFeed
from tradsys.engine.schedule import FAR, Due, Schedule
from tradsys.exchange.recorded_events import OrderChange, Trade
from tradsys.exchange.recorded_venue import RecordedVenue


class RecordedBacktest(Driver):
    """One run on records. The venue meets a record only while an order of ours is on its way or at work, except where
    records say a part of the book alone (`books`: those instruments' venues follow every one)."""

    def __init__(
        self,
        engine: Engine,
        venue: RecordedVenue,
        schedule: Schedule,
        cutoffs: dict[str, int],
        *,
        feed: RecordFeed,
        books: Iterable[str] = (),
        single_orders: bool = False,
    ) -> None:
        super().__init__(engine, venue, schedule, cutoffs)
        self._recorded = venue
        self._orders_out, self._reports_out, self._ends = venue.travelling
        self._records_of = feed
        self._books = frozenset(books)
        self._silent = Tick if single_orders else None
        self._awaited: set[str] = set(self._books)
        self._priceless: set[str] = set(self._books)
        self._bars: Iterator[Bar] = iter(())
        self._next: Bar | None = None

    def _loop(self, progress: Callable[[int], None], stop: Callable[[], bool]) -> None:
        feed = self._records_of
        self._bars = (bar for rows in _chunks(len(feed.bars)) for bar in feed.bars.bars(rows))
        self._next = next(self._bars, None)
        for rows in _chunks(len(feed)):
            if stop():
                self.interrupted = True
                return
            self._records(feed, rows)
            self.bars = min(rows.stop, len(feed))
            progress(self.bars)
        self._bars_before(FAR)

    def _end(self) -> None:
        """Orders and reports still on their way arrive."""
        self._hear(FAR)
        super()._end()

    def _records(self, feed: RecordFeed, rows: slice) -> None:
        """Some records, in stretches between which a bar ends or something is due."""
        times, records = feed.records.times(rows), feed.records.records(rows)
        row = 0
        while row < len(times):
            at = int(times[row])
            self._bars_before(at)
            self._advance(at)
            pause = min(self._schedule.next_at, FAR if self._next is None else self._next.at)
            if self._attending is not None:
                pause = at
            end = int(np.searchsorted(times, pause, side="right"))
            stretch = records if end == len(times) else islice(records, end - row)
            for entries in self._engine.sweep_records(stretch, awaited=self._awaited, meet=self._meet):
                self._route(entries)
            self._attend(at)
            row = end

    def _bars_before(self, at: int) -> None:
        """Bars that end before an instant, and what is due between them."""
        while self._next is not None and self._next.at < at:
            bar, self._next = self._next, next(self._bars, None)
            self._advance(bar.at)
            self._hear(bar.at)
            if self.watch is not None:
                self._route(self.watch.release(at=bar.at))
            self._route(self._engine.process(bar))
            self._attend(bar.at)
            if self.watch is not None:
                self._route(self.watch.look(at=bar.at))

    def _meet(self, record: Any) -> None:
        """A record meets the orders at the venue, after all that is heard before it. Where `single_orders`
        are recorded, a tick says nothing more: the venue has met the order that made it."""
        if self._priceless and record.instrument in self._priceless:
            self._first_quote(record)
        kind = type(record)
        if kind is self._silent:
            return
        if kind is Trade:
            self._price(record.instrument, record.price, record.at)
        if self._orders_out or self._reports_out or self._ends:
            self._hear(record.at - 1)
        events = self._recorded.match(record)
        if events:
            self._feed(events)
            if self._recorded.idle:
                self._awaited.intersection_update(self._books)

    def _price(self, instrument: str, price: float, at: int) -> None:
        """What the market is worth from now on, until a trade or a bar says otherwise."""
        market = self._engine.markets[instrument]
        market.seen, market.seen_at = price, at
        self._priceless.discard(instrument)

    def _first_quote(self, record: Tick | Depth | OrderChange) -> None:
        """Until a trade is told, the middle of the first book of two sides."""
        if type(record) is Depth and record.bids and record.asks:
            self._price(record.instrument, (record.bids[0][0] + record.asks[0][0]) / 2, record.at)
        elif type(record) is Tick and record.bid > 0 and record.ask > 0:
            self._price(record.instrument, (record.bid + record.ask) / 2, record.at)

    def _hear(self, until: int) -> None:
        """Reports that arrive by an instant, and what they bring about."""
        while events := self._recorded.advance(until):
            self._feed(events)

    def _due(self, event: Due) -> None:
        self._hear(event.at - 1)
        if type(event) is SessionChange:
            for market in self._engine.markets.values():
                if market.instrument.exchange == event.exchange:
                    market.tick = None
        super()._due(event)

    def _deliver(self) -> None:
        if len(self._awaited) < len(self._engine.markets):
            self._await_all()
        super()._deliver()

    def _await_all(self) -> None:
        """Before an order leaves, its instrument's venue is shown the last tick that nobody was waiting for, with the
        last trade, which may be older."""
        for each in self._outbox:
            if isinstance(each, Approved) and each.order.instrument not in self._awaited:
                market = self._engine.markets[each.order.instrument]
                if market.tick is not None:
                    self._recorded.match(_with_last_trade(market.tick, market))
        self._awaited.update(self._engine.markets)


def _with_last_trade(tick: Tick, market: Market) -> Tick:
    if tick.last == tick.last or not market.seen_at:
        return tick
    return replace(tick, last=market.seen)


def _chunks(rows: int) -> Iterator[slice]:
    return (slice(start, start + CHUNK) for start in range(0, rows, CHUNK))
