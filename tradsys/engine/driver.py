"""What every run on history shares: the log, what is due by the calendar, and the way between engine and venue."""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from tradsys.core.events import Approved, CorporateAction, Entry, OrderEvent, Phase, SessionChange
from tradsys.engine.duties import SQUARE_OFF
from tradsys.engine.engine import Engine
from tradsys.engine.monitoring import Watch
from tradsys.engine.protected_desk import attending
from tradsys.engine.schedule import Cutoff, Due, Roll, Schedule


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


class Venue(Protocol):
    """What a run needs of a venue, whatever it trades on; each call answers with what became of orders."""

    def submit(self, approved: Approved) -> Sequence[OrderEvent]:
        """Take an order."""
        ...

    def cancel(self, order_id: int, *, at: int, reason: str = "") -> Sequence[OrderEvent]:
        """Withdraw an order."""
        ...

    def set_reference(self, instrument: str, previous_close: int, *, at: int) -> None:
        """A session starts, or an ex-date adjusts the price that bands follow (1e-8; 0: none)."""
        ...

    def expire(self, *, at: int, exchange: str) -> Sequence[OrderEvent]:
        """A session ends."""
        ...

    def close_out(self, order_id: int, *, price: int, at: int) -> Sequence[OrderEvent]:
        """Fill what is left of an order at a price (1e-8)."""
        ...


class Driver(ABC):
    """One run on history: owns the decision log while it goes. What it is fed with is the subclass's affair."""

    def __init__(self, engine: Engine, venue: Venue, schedule: Schedule, cutoffs: dict[str, int]) -> None:
        self._engine = engine
        self._outbox = engine.outbox
        self._venue = venue
        self._schedule = schedule
        self._cutoffs = cutoffs
        self._attending = attending(engine)
        self.log: list[Entry] = []
        self.forced: list[tuple[str, int]] = []
        self.bars = 0
        self.interrupted = False
        self.watch: Watch | None = None

    def run(self, *, progress: Callable[[int], None], stop: Callable[[], bool]) -> None:
        """Process every event. `progress` gets the number done; `stop`, asked between chunks, ends the run early."""
        with _rare_collections():
            self._loop(progress, stop)
        self._end()

    @abstractmethod
    def _loop(self, progress: Callable[[int], None], stop: Callable[[], bool]) -> None: ...

    def _end(self) -> None:
        """What was still due when the data ended, up to the close of its last session."""
        last = max((market.bar.at for market in self._engine.markets.values() if market.bar is not None), default=0)
        self._advance(last + 1)
        self._route(self._engine.stop(at=last))

    def _advance(self, at: int) -> None:
        """Everything due before an instant."""
        if at > self._schedule.next_at:
            for event in self._schedule.before(at):
                self._due(event)

    def _due(self, event: Due) -> None:
        if self.watch is not None:
            self.watch.on_due(event)
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

    def _attend(self, at: int) -> None:
        """Look at the capped orders whose time has come."""
        desk = self._attending
        if desk is not None and desk.next_at <= at:
            self._route(desk.look(at))

    def _feed(self, events: Sequence[OrderEvent]) -> None:
        """All that the venue said at once is known before any answer to a part of it leaves."""
        self.log += self._engine.hear(events)
        if self._outbox:
            self._deliver()

    def _route(self, entries: Sequence[Entry]) -> None:
        """Keep every line, and carry what was approved or withdrawn to the venue."""
        self.log += entries
        if self._outbox:
            self._deliver()

    def _deliver(self) -> None:
        """Each to the venue in its turn; what its answer brings goes before the next."""
        asked = self._outbox.copy()
        self._outbox.clear()
        for each in asked:
            if isinstance(each, Approved):
                self._feed(self._venue.submit(each))
            else:
                self._feed(self._venue.cancel(each.order_id, at=each.at, reason=each.reason))
