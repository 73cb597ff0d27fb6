"""A recorded order-by-order feed into the books of its instruments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tradsys.market.books import databento, lobster
from tradsys.market.books.databento import OrderMessage
from tradsys.market.books.order_book import ASK, BID, OrderBook, Trouble
from tradsys.market.books.rebuild import measured


class OrderRebuild:
    """Order books by instrument, and how their messages went.

    `price_unit` is what a price of 1 is counted in. `troubles` are the messages that could not be applied as told.
    """

    def __init__(self, price_unit: int) -> None:
        self.books: dict[str, OrderBook] = {}
        self.messages: dict[str, int] = {}
        self.troubles: dict[str, int] = {}
        self._price_unit = price_unit

    def book(self, instrument: str) -> OrderBook:
        """The book of an instrument, empty at first."""
        if instrument not in self.books:
            self.books[instrument] = OrderBook()
            self.messages[instrument] = self.troubles[instrument] = 0
        return self.books[instrument]

    def count(self, instrument: str, trouble: Trouble | None) -> None:
        """One message more."""
        self.messages[instrument] += 1
        self.troubles[instrument] += trouble is not None

    def summary(self, instrument: str) -> dict[str, Any]:
        """What was counted and where the book stands; no feed of this kind has checksums or gaps of its own."""
        book = self.books[instrument]
        messages, troubles = self.messages[instrument], self.troubles[instrument]
        return {
            "state": "synced",
            "messages": messages,
            "applied": messages - troubles,
            "stale": 0,
            "gaps": 0,
            "checksums": {"checked": 0, "failed": 0},
            "troubles": troubles,
            "orders": len(book.orders),
            **measured(self._best("bid", book.top(BID, count=1)) | self._best("ask", book.top(ASK, count=1))),
        }

    def _best(self, name: str, top: Sequence[tuple[int, int, int]]) -> dict[str, Any]:
        price, quantity, orders = top[0] if top else (None, None, None)
        return {
            f"best_{name}": None if price is None else price / self._price_unit,
            f"best_{name}_quantity": quantity,
            f"best_{name}_orders": orders,
        }


def from_databento(messages: Iterable[OrderMessage]) -> OrderRebuild:
    """Books of Databento's records, named by the numbers of their instruments."""
    rebuild = OrderRebuild(databento.PRICE_UNIT)
    for message in messages:
        name = str(message.instrument)
        rebuild.count(name, databento.apply(rebuild.book(name), message))
    return rebuild


def from_lobster(lines: Iterable[bytes], *, first_row: bytes, instrument: str) -> OrderRebuild:
    """The book of a message file, built upon the orderbook file's first row, which is the book after the first message.

    Levels deeper than that row held are unknown until an order joins them, so that the book thins out as the market
    moves there. Raises `DataError` for lines that are not LOBSTER's.
    """
    rebuild = OrderRebuild(lobster.PRICE_UNIT)
    book = rebuild.book(instrument)
    lobster.lay(book, lobster.parse_row(first_row))
    for number, line in enumerate(lines):
        message = lobster.parse(line)
        if number:
            rebuild.count(instrument, lobster.apply(book, message))
    return rebuild
