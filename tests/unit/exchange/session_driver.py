"""Drives one instrument's day through the reference book, as an exchange would."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from tests.books import MakeBook
from tradsys.core.matching import Action, BookEvent, BookEventKind, BookPhase, BookSide, Command, Kind, Outcome, Status
from tradsys.core.units import SECOND
from tradsys.exchange.book_reference import ReferenceBook
from tradsys.exchange.sessions import InstrumentDay

INDIA = "Asia/Kolkata"


def clock(on: date, text: str, zone: str = INDIA) -> int:
    """UTC nanoseconds of `HH:MM` or `HH:MM:SS` on a date."""
    hour, minute, second = (int(part) for part in f"{text}:00".split(":")[:3])
    local = datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=ZoneInfo(zone))
    return int(local.timestamp()) * SECOND


class Driver:
    """A day, its book, and all that was submitted: orders by the day itself and by those who trade."""

    def __init__(self, day: InstrumentDay, make_book: MakeBook = ReferenceBook) -> None:
        self.day = day
        self.book = make_book(1)
        self.commands: list[Command] = []
        self.events: list[BookEvent] = []
        self.phases: list[tuple[int, BookPhase]] = []
        self._orders = 0

    def advance(self, at: int) -> None:
        """Everything that is due."""
        for command in self.day.advance(at, self.book):
            self.commands.append(command)
            if command.action == Action.SET_PHASE:
                self.phases.append((command.at, BookPhase(command.price)))
            outcome = self.submit(command.at, command)
            assert outcome.status in (Status.DONE, Status.CANCELLED), (command, outcome)

    def order(self, at: int, side: BookSide, price: int, quantity: int, **fields: int) -> tuple[int, Outcome]:
        """A new order at an instant (price 0: market order); its number and what became of it."""
        self.advance(at)
        self._orders += 1
        kind = fields.pop("kind", Kind.LIMIT if price else Kind.MARKET)
        new = Command(Action.NEW, self._orders, side=side, price=price, quantity=quantity, kind=kind, **fields)
        return self._orders, self.submit(at, new)

    def trade(self, at: int, price: int, quantity: int) -> None:
        """A trade between two strangers."""
        self.order(at, BookSide.SELL, price, quantity)
        _, outcome = self.order(at, BookSide.BUY, price, quantity)
        assert outcome.filled == quantity

    def submit(self, at: int, command: Command) -> Outcome:
        """One command, its trades told to the day."""
        outcome, events = self.book.submit(command)
        for event in events:
            if event.kind == BookEventKind.TRADE:
                self.day.on_trade(at, price=event.price, quantity=event.quantity)
        self.events += events
        return outcome

    @property
    def live(self) -> set[int]:
        """Numbers of the orders that are in the book."""
        return {order.order_id for order in self.book.orders(0)}
