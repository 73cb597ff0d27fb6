"""Feeds the engine from history and a simulated venue. The loop a live run replaces; the engine stays the same."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tradsys.core.events import (
    Approved,
    Bar,
    CancelRequested,
    CorporateAction,
    Entry,
    OrderEvent,
    Phase,
    SessionChange,
)
from tradsys.engine.duties import SQUARE_OFF
from tradsys.engine.engine import Engine
from tradsys.engine.feed import CHUNK, BarFeed
from tradsys.engine.schedule import Cutoff, Due, Roll, Schedule
from tradsys.exchange.bar_venue import BarVenue


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for reference cycles a hundred times less often: the log holds hundreds of thousands of objects that have
    none, and every collection walks them all."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Backtest:
    """One run: owns the decision log while it goes."""

    def __init__(self, engine: Engine, venue: BarVenue, schedule: Schedule, cutoffs: dict[str, int]) -> None:
        self._engine = engine
        self._venue = venue
        self._schedule = schedule
        self._cutoffs = cutoffs
        self.log: list[Entry] = []
        self.forced: list[tuple[str, int]] = []
        self.bars = 0
        self.interrupted = False

    def run(self, feed: BarFeed, *, progress: Callable[[int], None], stop: Callable[[], bool]) -> None:
        """Process every bar. `progress` gets the number done; `stop`, asked between chunks, ends the run early."""
        with _rare_collections():
            self._loop(feed, progress, stop)
        self._end()

    def _loop(self, feed: BarFeed, progress: Callable[[int], None], stop: Callable[[], bool]) -> None:
        process, working = self._engine.process, self._venue.working
        due = self._schedule.next_at
        for chunk in feed.chunks():
            if stop():
                self.interrupted = True
                break
            for bar in chunk:
                if bar.at > due:
                    due = self._advance(bar.at)
                if working and bar.instrument in working:
                    self._match(bar)
                entries = process(bar)
                if entries:
                    self._route(entries)
            self.bars = min(self.bars + CHUNK, len(feed))
            progress(self.bars)

    def _end(self) -> None:
        """What was still due when the data ended, up to the close of its last session."""
        last = max((market.bar.at for market in self._engine.markets.values() if market.bar is not None), default=0)
        self._advance(last + 1)
        self._route(self._engine.stop(at=last))

    def _advance(self, at: int) -> int:
        for event in self._schedule.before(at):
            self._due(event)
        return self._schedule.next_at

    def _due(self, event: Due) -> None:
        if type(event) is Cutoff:
            self._cutoffs[event.exchange] = event.until
        elif type(event) is Roll:
            self._route(self._engine.roll(near=event.near, far=event.far, at=event.at))
        elif type(event) is SessionChange and event.phase is Phase.CLOSED:
            self._close_session(event)
        else:
            self._route(self._engine.process(event))
            if type(event) is SessionChange:
                self._references(event.exchange, event.at)
            elif type(event) is CorporateAction:
                self._references(self._engine.markets[event.instrument].instrument.exchange, event.at)

    def _references(self, exchange: str, at: int) -> None:
        """Price bands follow the previous close, as adjusted on an ex-date."""
        for name, market in self._engine.markets.items():
            if market.instrument.exchange == exchange:
                self._venue.set_reference(name, market.previous_close, at=at)

    def _close_session(self, change: SessionChange) -> None:
        """The bell: square-offs that no bar was left to fill trade at the last price; day orders expire."""
        for live in list(self._engine.working.values()):
            market = self._engine.markets[live.order.instrument]
            if live.order.reason == SQUARE_OFF and market.instrument.exchange == change.exchange:
                self.forced.append((live.order.instrument, change.at))
                self._feed(self._venue.close_out(live.order.order_id, price=market.price, at=change.at))
        self._feed(self._venue.expire(at=change.at, exchange=change.exchange))
        self._route(self._engine.process(change))

    def _match(self, bar: Bar) -> None:
        before = self._engine.markets[bar.instrument].bar
        self._feed(self._venue.match(bar, previous_end=0 if before is None else before.exchange_at))

    def _feed(self, events: Sequence[OrderEvent]) -> None:
        """All that the venue said at once is known before any answer to a part of it leaves."""
        if len(events) == 1:
            entries = self._engine.process(events[0])
            self.log += entries
            self._carry_out(entries)
            return
        heard = [self._engine.process(event) for event in events]
        for entries in heard:
            self.log += entries
        for entries in heard:
            self._carry_out(entries)

    def _route(self, entries: Sequence[Entry]) -> None:
        """Keep every line, and carry what was approved or withdrawn to the venue."""
        self.log += entries
        self._carry_out(entries)

    def _carry_out(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            body = entry.body
            kind = type(body)
            if kind is Approved:
                self._feed(self._venue.submit(body))  # type: ignore[arg-type]  # kind says so
            elif kind is CancelRequested:
                self._feed(self._venue.cancel(body.order_id, at=entry.at, reason=body.reason))  # type: ignore[union-attr]
