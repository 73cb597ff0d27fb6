"""Feeds the engine from bars of history and a simulated venue: the loop that a live run replaces."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np

from tradsys.core.events import Bar
from tradsys.engine.driver import Driver
from tradsys.engine.engine import Engine
from tradsys.engine.feed import CHUNK, BarFeed
from tradsys.engine.monitoring import Watch
from tradsys.engine.schedule import Schedule
from tradsys.exchange.bar_venue import BarVenue


class Backtest(Driver):
    """One run on bars."""

    def __init__(
        self, engine: Engine, venue: BarVenue, schedule: Schedule, cutoffs: dict[str, int], *, feed: BarFeed
    ) -> None:
        super().__init__(engine, venue, schedule, cutoffs)
        self._bar_venue = venue
        self._bar_feed = feed

    def _loop(self, progress: Callable[[int], None], stop: Callable[[], bool]) -> None:
        feed = self._bar_feed
        for start in range(0, len(feed), CHUNK):
            if stop():
                self.interrupted = True
                break
            self._chunk(feed, slice(start, start + CHUNK))
            self.bars = min(start + CHUNK, len(feed))
            progress(self.bars)

    def _chunk(self, feed: BarFeed, rows: slice) -> None:
        """Some rows, in stretches between which something is due."""
        times, bars = feed.times(rows), feed.bars(rows)
        row = 0
        while row < len(times):
            at = int(times[row])
            self._advance(at)
            pause = self._schedule.next_at if self.watch is None else self._released(self.watch, at)
            if self._attending is not None:
                pause = at
            end = int(np.searchsorted(times, pause, side="right"))
            for entries in self._engine.sweep(
                islice(bars, end - row), awaited=self._bar_venue.working, meet=self._match
            ):
                self._route(entries)
            self._attend(at)
            if self.watch is not None:
                self._route(self.watch.look(at=at))
            row = end

    def _released(self, watch: Watch, at: int) -> int:
        """A run under watch pauses after the bars of every instant; halts that are over end before them."""
        self._route(watch.release(at=at))
        return at

    def _match(self, bar: Bar, before: Bar | None) -> None:
        self._feed(self._bar_venue.match(bar, 0 if before is None else before.exchange_at))
