"""The books that follow `docs/matching.md`, and a desk to drive one with, for tests that hold for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tradsys.core.matching import (
    Action,
    BookEventKind,
    BookSide,
    Command,
    MatchingBook,
    Reason,
    Status,
)
from tradsys.exchange.book import Book
from tradsys.exchange.book_reference import ReferenceBook

MakeBook = Callable[[int], MatchingBook]

each_book = pytest.mark.parametrize("make_book", [ReferenceBook, Book])

Row = tuple[Any, ...]


class Desk:
    """Sends commands to a book of two instruments and reads answers as short rows."""

    def __init__(self, make_book: MakeBook) -> None:
        self.book = make_book(2)
        self.events: list[Row] = []

    def send(self, action: int, order_id: int = 0, **fields: int) -> Row:
        """Status, reason, filled, open. The events are kept as kind, id, other id, price, quantity, reason."""
        outcome, events = self.book.submit(Command(action, order_id, **fields))
        self.events = [(BookEventKind(e.kind).name, *e[4:8], Reason(e.reason).name) for e in events]
        assert all(e.instrument == fields.get("instrument", 0) for e in events)
        return Status(outcome.status), Reason(outcome.reason), outcome.filled, outcome.open

    def buy(self, order_id: int, quantity: int, price: int = 0, **fields: int) -> Row:
        return self.send(Action.NEW, order_id, side=BookSide.BUY, quantity=quantity, price=price, **fields)

    def sell(self, order_id: int, quantity: int, price: int = 0, **fields: int) -> Row:
        return self.send(Action.NEW, order_id, side=BookSide.SELL, quantity=quantity, price=price, **fields)

    def phase(self, phase: int) -> Row:
        return self.send(Action.SET_PHASE, price=phase)

    def trade_at(self, price: int) -> None:
        """Make a last trade price, leaving nothing behind."""
        self.sell(900, 1, price)
        assert self.buy(901, 1, price)[0] == Status.FILLED

    @property
    def trades(self) -> list[tuple[int, int, int, int]]:
        return [event[1:5] for event in self.events if event[0] == "TRADE"]

    @property
    def live(self) -> list[tuple[int, int, int]]:
        """Id, shown, hidden."""
        return [(order.order_id, order.shown, order.hidden) for order in self.book.orders(0)]


def refused(reason: Reason) -> Row:
    """The outcome of a command that is rejected."""
    return Status.REJECTED, reason, 0, 0
