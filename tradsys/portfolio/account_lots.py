"""Lots of an account as a depository and the tax law see them: by instrument, whoever of several strategies traded.

Shares that come and go on one exchange date never reach the account: they are matched within the day, first in, first
out. What is left of the day closes the oldest lots of earlier days. Other instruments are first in, first out alone.

Not modelled: one security at two exchanges is two instruments here; shares lent, pledged, transferred, or bought before
the run began are not known.
"""

from __future__ import annotations

from datetime import date

from tradsys.core.events import ActionKind, CorporateAction, Fill
from tradsys.core.instruments import Instrument, Segment
from tradsys.portfolio.ledger import Items, Key
from tradsys.portfolio.lots import ClosedLot, LotQueue, carried, legs
from tradsys.reference.clock import local_date


class AccountLots:
    """One account's lots, and what was closed. `zone` is the exchange's: it says where a day ends."""

    def __init__(self, *, zone: str) -> None:
        self.zone = zone
        self._closed: list[ClosedLot] = []
        self._held: dict[Key, int] = {}
        self._instruments: dict[str, Instrument] = {}
        self._queues: dict[str, LotQueue] = {}
        self._days: dict[str, tuple[date, LotQueue]] = {}

    def fill(self, fill: Fill, charges: Items, instrument: Instrument) -> None:
        """Take a fill and what it cost by item, 1e-8. A trade undone is its opposite fill."""
        self._instruments[fill.instrument] = instrument
        queue = self._queue_of(fill, instrument)
        key = (fill.strategy, fill.instrument, fill.product)
        held = self._held.get(key, 0)
        self._held[key] = held + fill.side * fill.quantity
        for part in legs(fill, charges, instrument, held=held):
            self._closed += queue.take(part)

    def apply(self, action: CorporateAction) -> None:
        """Carry the lots over a split, whose lots keep their dates and money, or a bonus, whose shares are a lot of the
        ex-date that cost nothing."""
        name = action.instrument
        if action.kind is ActionKind.DIVIDEND or name not in self._instruments:
            return
        self._end_day(name)
        for key, held in self._held.items():
            if key[1] == name:
                self._held[key] = carried(held, action, self._instruments[name])
        total = sum(held for key, held in self._held.items() if key[1] == name)
        queue = self._queues[name]
        carry = queue.grant if action.kind is ActionKind.BONUS else queue.split
        self._closed += carry(action, total=total)

    def closed(self) -> list[ClosedLot]:
        """Everything closed so far, in the order of closing; a day counts as over."""
        for name in list(self._days):
            self._end_day(name)
        return sorted(self._closed, key=lambda each: (each.closing.exchange_at, each.opening.exchange_at))

    def open_lots(self) -> dict[str, LotQueue]:
        """What is left by instrument; a day counts as over."""
        for name in list(self._days):
            self._end_day(name)
        return self._queues

    def _queue_of(self, fill: Fill, instrument: Instrument) -> LotQueue:
        """Where a fill goes: the day's queue of a share, else the instrument's."""
        name = fill.instrument
        queue = self._queues.setdefault(name, LotQueue())
        if instrument.segment is not Segment.EQUITY:
            return queue
        today = local_date(fill.exchange_at, self.zone)
        if name in self._days and self._days[name][0] != today:
            self._end_day(name)
        return self._days.setdefault(name, (today, LotQueue()))[1]

    def _end_day(self, name: str) -> None:
        _, within = self._days.pop(name, (None, LotQueue()))
        for lot in within.lots:
            self._closed += self._queues[name].take(lot)


def days_of(lot: ClosedLot, zone: str) -> tuple[date, date]:
    """The exchange dates on which a lot was opened and closed."""
    opened, closed = (local_date(each.exchange_at, zone) for each in (lot.opening, lot.closing))
    return opened, closed
