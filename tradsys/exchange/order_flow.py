"""Recorded orders on their way into a book: the very commands of a day, or the changes that a feed told of it."""

from __future__ import annotations

from collections.abc import Sequence

from tradsys.core.events import MarketEvent
from tradsys.core.instruments import Instrument
from tradsys.core.matching import (
    Action,
    BookEvent,
    BookEventKind,
    BookPhase,
    Command,
    MatchingBook,
    Outcome,
    Status,
    TimeInForce,
)
from tradsys.core.units import SCALE
from tradsys.exchange.recorded_events import ChangeKind, OrderChange

OURS = 2**62
"""Numbers of our orders in a book begin here, and it is our account; recorded ones are below."""

_TAKER = OURS - 1
_TRADE, _DECREMENTED = int(BookEventKind.TRADE), int(BookEventKind.DECREMENTED)
_NEW, _CANCEL, _REDUCE = int(Action.NEW), int(Action.CANCEL), int(Action.REDUCE)
_SET_PHASE, _SET_BAND = int(Action.SET_PHASE), int(Action.SET_BAND)
_GTC, _IOC = int(TimeInForce.GTC), int(TimeInForce.IOC)
_REJECTED = int(Status.REJECTED)


class OrderCommand(MarketEvent, frozen=True):
    """One command as it reached the book, in ticks and lots; its instrument is 0, order numbers are below `OURS`."""

    command: Command


class OrderFlow:
    """One instrument's recorded orders in a book of its own, which may answer otherwise than the recorded one did, with
    us in it.

    Commands go in as they were. Of changes (`OrderChange`) an execution goes in as the order that caused it, a limit,
    immediate or cancel; after each change an order has no more in the book than in the record, so that what traded
    before its record did is not taken off twice. What names an order that the book no longer has does nothing.

    Not modelled: that the people behind the record would have acted otherwise. An order that the record says was filled
    leaves the book also where ours was filled in its place.
    """

    def __init__(self, instrument: Instrument, *, book: MatchingBook, at: int) -> None:
        self.tick, self.lot = instrument.tick_at(at), instrument.lot_at(at)
        self.phase = int(BookPhase.CONTINUOUS)
        self.band = (0, 0)
        self._book = book
        self._changes = False
        self._early: dict[int, int] = {}

    def follow(self, record: OrderCommand | OrderChange) -> tuple[bool, list[BookEvent]]:
        """What one record does: whether the book took it, and all its events."""
        if type(record) is not OrderCommand:
            self._changes = True
            return True, self._change(record)  # type: ignore[arg-type]  # the only kind left
        command = record.command
        outcome, events = self._book.submit(command)
        if outcome.status == _REJECTED:
            return False, events
        action = command.action
        if action == _SET_PHASE:
            self.phase = command.price
        elif action == _SET_BAND:
            self.band = (command.price, command.trigger)
        return True, events

    def note(self, events: Sequence[BookEvent]) -> None:
        """What trades of ours took from recorded orders is taken off before their records say so."""
        if self._changes:
            for event in events:
                if event.kind == _TRADE:
                    for order_id in (event.order_id, event.other_id):
                        if order_id < _TAKER:
                            self._early[order_id] = self._early.get(order_id, 0) + event.quantity

    def _change(self, change: OrderChange) -> list[BookEvent]:
        side = 0 if change.side > 0 else 1
        quantity = round(change.quantity * SCALE) // self.lot
        if change.kind == ChangeKind.ADD:
            return self._send(Command(_NEW, change.number, side, self._ticks(change), quantity, time_in_force=_GTC))[1]
        if change.kind == ChangeKind.DELETE:
            self._early.pop(change.number, None)
            return self._send(Command(_CANCEL, change.number))[1]
        events: list[BookEvent] = []
        if change.kind == ChangeKind.EXECUTE:
            taker = Command(_NEW, _TAKER, 1 - side, self._ticks(change), quantity, time_in_force=_IOC)
            events = self._send(taker)[1]
        self._lower(change.number, quantity)
        return events

    def _lower(self, number: int, quantity: int) -> None:
        """The record has less of an order; what traded earlier is off already."""
        early = self._early.pop(number, 0)
        if early > quantity:
            self._early[number] = early - quantity
        elif early < quantity:
            self._send(Command(_REDUCE, number, quantity=quantity - early))

    def _ticks(self, change: OrderChange) -> int:
        return round(change.price * SCALE) // self.tick

    def _send(self, command: Command) -> tuple[Outcome, list[BookEvent]]:
        outcome, events = self._book.submit(command)
        self.note(events)
        return outcome, events
