"""LOBSTER message files: order-by-order events of NASDAQ stocks, as lines of text.

A line is `time,type,order id,size,price,direction`: seconds after midnight, price in 1e-4 dollars, direction of the
resting order (1 buy, -1 sell). Orders that rested before the first message are unknown to the file; the book of the
orderbook file can be laid down first, each level as one order of nobody's, which takes the changes of unknown orders.

Source: lobsterdata.com, "Output structure".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from tradsys.core.errors import DataError
from tradsys.core.units import SECOND
from tradsys.market.books.order_book import ASK, BID, OrderBook, Trouble

PRICE_UNIT = 10**4
NEW, PARTIAL_CANCEL, DELETE, EXECUTION = 1, 2, 3, 4
LINE = re.compile(rb"([0-9]{1,5})(?:\.([0-9]{1,9}))?,([1-7]),([0-9]{1,18}),([0-9]{1,12}),(-?[0-9]{1,12}),(-?1)\r?")
ROW = re.compile(rb"(?:-?[0-9]{1,12},-?[0-9]{1,12},-?[0-9]{1,12},-?[0-9]{1,12},?)+(?<!,)\r?")
# Of a level without an order: LOBSTER fills up with these prices.
NO_PRICE = 9_999_999_999


class Message(NamedTuple):
    """One line; `at` in nanoseconds after midnight, New York."""

    at: int
    kind: int
    order_id: int
    size: int
    price: int
    side: int


def parse(line: bytes) -> Message:
    """A line of a message file. Raises `DataError` for anything else."""
    found = LINE.fullmatch(line)
    if found is None:
        raise DataError("not a line of a LOBSTER message file", value=repr(line[:80]), fix="look at the file")
    whole, part, kind, order_id, size, price, direction = found.groups()
    at = int(whole) * SECOND + int((part or b"0").ljust(9, b"0"))
    return Message(at, int(kind), int(order_id), int(size), int(price), BID if direction == b"1" else ASK)


def parse_row(line: bytes) -> list[int]:
    """A line of an orderbook file. Raises `DataError` for anything else."""
    if ROW.fullmatch(line) is None:
        raise DataError("not a line of a LOBSTER orderbook file", value=repr(line[:80]), fix="look at the file")
    return [int(item) for item in line.split(b",")]


def lay(book: OrderBook, row: Sequence[int]) -> None:
    """Lay down one row of an orderbook file: ask price, ask size, bid price, bid size, level by level."""
    for place in range(0, len(row), 4):
        for side, price, size in ((ASK, *row[place : place + 2]), (BID, *row[place + 2 : place + 4])):
            if size > 0 and abs(price) != NO_PRICE:
                book.add(_nobody(side, price), side=side, price=price, quantity=size)


def _nobody(side: int, price: int) -> int:
    """Identifier of what rests at a price and belongs to no known order: below 0, where no order's is."""
    return -(2 * price + side) - 1


def apply(book: OrderBook, message: Message) -> Trouble | None:
    """What a message does to the book; hidden executions, crosses and halts (5 to 7) do nothing."""
    if message.kind == NEW:
        return book.add(message.order_id, side=message.side, price=message.price, quantity=message.size)
    if message.kind > EXECUTION:
        return None
    known = message.order_id in book.orders
    return book.reduce(message.order_id if known else _nobody(message.side, message.price), quantity=message.size)
