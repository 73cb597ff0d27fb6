"""Files of single orders as Databento tells them (MBO): what happens to which order, and when the market trades."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tradsys.core.errors import DataError, MissingData
from tradsys.core.instruments import Instrument
from tradsys.core.units import SCALE
from tradsys.market.books import databento
from tradsys.market.books.databento import OrderMessage
from tradsys.market.books.order_book import ASK, BID, OrderBook
from tradsys.market.files import read

SNAPSHOT, LAST = 32, 128
"""Bits of `flags`: a record of the book before the recording; the last one of what happened at once."""

NUMBERS = ("ts_recv", "ts_event", "size", "order_id", "flags", "sequence")
PRICES = ("price_1e-9", "price")
ACTIONS = frozenset((b"A", b"C", b"M", b"R", b"T", b"F", b"N"))
WANTED = "whole numbers, times in UTC nanoseconds, prices in 1e-9"
_SIGNS = {b"B": 1, b"A": -1}


class Told(IntEnum):
    """What a feed of orders says: an order joins the tail, shrinks or leaves; an order that came in trades, the side is
    its own; a print without such an order; from here on orders are collected; from here on they trade."""

    ADD = 0
    REDUCE = 1
    DELETE = 2
    TRADE = 3
    PRINT = 4
    COLLECT = 5
    OPEN = 6


class ToldChange(NamedTuple):
    """One change, its times in UTC nanoseconds; side +1, -1 or 0 (none), price in currency, quantity in units."""

    at: int
    exchange_at: int
    told: Told
    number: int = 0
    side: int = 0
    price: float = 0.0
    quantity: float = 0.0


def read_databento(path: Path, instrument: Instrument) -> tuple[list[ToldChange], str]:
    """The changes of a file, CSV with Databento's columns or DBN, and its SHA-256. The file holds one instrument.

    The feed does not say when a market collects orders without trading. It is read as doing so from the beginning, from
    a cleared book, and from an order on that would have traded; until after the next trade, once the book is not
    crossed. Fills are left out: the changes after them say the same. What orders were before a snapshot has its time.

    Raises `MissingData` for a file without records; `DataError` for other files, several instruments, times that go
    back, prices not above zero, and prices and sizes off the instrument's tick or lot.

    Source: Databento, "Market by order" schema, field, action and flag definitions.
    """
    messages, sha256 = read_messages(path)
    if not messages:
        raise MissingData(f"{path} has no order", value=str(path), fix="check the file")
    _check(messages, instrument, path)
    return list(_Feed().changes(messages)), sha256


def read_messages(path: Path) -> tuple[list[OrderMessage], str]:
    """The records of a file as they are, and its SHA-256. Raises `DataError` for a file of something else."""
    found = read(path)
    content = found.content
    return list(databento.records(content) if is_binary(content) else _lines(content, path)), found.sha256


def is_binary(content: bytes) -> bool:
    """Whether a file's bytes are DBN, zstd or plain."""
    return content.startswith((databento.MAGIC, databento.ZSTD))


def _lines(content: bytes, path: Path) -> Iterator[OrderMessage]:
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    try:
        names = rows.fieldnames or ()
    except csv.Error:
        names = ()
    price = next((name for name in PRICES if name in names), "")
    if not price or not {*NUMBERS, "action", "side"} <= set(names):
        raise DataError(
            f"{path}: not Databento's orders",
            value=", ".join(names),
            limit=", ".join((*NUMBERS, "action", "side", *PRICES)),
            fix="give its orders (MBO) as CSV or DBN",
        )
    try:
        for number, row in enumerate(rows, 2):
            yield _message(row, price, f"{path}: line {number} cannot be read")
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num} cannot be read: {error}", limit=WANTED) from error


def _message(row: dict[str, str], price: str, complaint: str) -> OrderMessage:
    try:
        at, event_at, size, order_id, flags, sequence = [int(row[name]) for name in NUMBERS]
        cost, owner = int(row[price] or databento.UNPRICED), int(row.get("instrument_id") or 0)
        action, side = row["action"].encode(), row["side"].encode()
    except (ValueError, TypeError, AttributeError) as error:
        raise _unreadable(complaint, row) from error
    if action not in ACTIONS or not 0 <= min(at, event_at, size) <= max(at, event_at, size, abs(cost)) < 2**63:
        raise _unreadable(complaint, row)
    return OrderMessage(owner, event_at, order_id, cost, size, flags, action, side, at, sequence)


def _unreadable(complaint: str, row: dict[str, str]) -> DataError:
    return DataError(complaint, value=",".join(map(str, row.values()))[:200], limit=WANTED)


def _check(messages: Sequence[OrderMessage], instrument: Instrument, path: Path) -> None:
    if len(owners := {message.instrument for message in messages}) > 1:
        raise DataError(f"{path}: several instruments", value=len(owners), limit=1, fix="write one file for each")
    for number, (before, after) in enumerate(pairwise(messages), 2):
        if after.at < before.at:
            raise DataError(
                f"{path}: record {number} is older than the one before", value=after.at, fix="sort the file"
            )
    start = messages[0].at
    tick, lot = instrument.tick_at(start) * databento.PRICE_UNIT // SCALE, instrument.lot_at(start)
    for number, each in enumerate(messages, 1):
        said = each.action in (b"A", b"M", b"T") and each.price != databento.UNPRICED
        if said and (each.price <= 0 or each.price % tick or each.size * SCALE % lot):
            raise DataError(
                f"{path}: record {number} is off the instrument's tick or lot",
                value=f"{each.size} at {each.price / databento.PRICE_UNIT:g}",
                limit=f"prices above zero in steps of {tick / databento.PRICE_UNIT:g}, sizes of {lot / SCALE:g}",
                fix="give its tick and lot",
            )


class _Feed:
    """The records of a file in order, beside the book as the feed has it."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self._collecting = True
        self._traded = False
        self._trading = False

    def changes(self, messages: Sequence[OrderMessage]) -> Iterator[ToldChange]:
        """What all records say. An order that would have traded comes after what is withdrawn with it in one instant:
        these are its owner's own, taken out so as not to meet it."""
        yield ToldChange(messages[0].at, _happened(messages[0]), Told.COLLECT)
        held: OrderMessage | None = None
        for message in messages:
            if held is not None and not _goes_with(message, held):
                yield from self._follow(held)
                held = None
            if held is None and self._would_trade(message):
                held = message
            else:
                yield from self._follow(message)
        if held is not None:
            yield from self._follow(held)

    def _follow(self, message: OrderMessage) -> Iterator[ToldChange]:
        at, happened, trade = message.at, _happened(message), message.action == b"T"
        self._traded, self._trading = self._traded or trade, self._trading or trade
        if self._collecting and self._traded and not _crossed(self.book):
            self._collecting = False
            yield ToldChange(at, happened, Told.OPEN)
        elif message.action == b"R" or self._would_trade(message):
            if not self._collecting:
                yield ToldChange(at, happened, Told.COLLECT)
            self._collecting, self._traded = True, False
        yield from _told(self.book, message, at, happened)
        databento.apply(self.book, message)
        self._trading = self._trading and not message.flags & LAST

    def _would_trade(self, message: OrderMessage) -> bool:
        """Whether an order that joins meets others, and the feed told of no trade."""
        return not (self._collecting or self._trading) and _crosses(self.book, message)


def _goes_with(message: OrderMessage, order: OrderMessage) -> bool:
    return message.action == b"C" and message.at == order.at and message.order_id != order.order_id


def _happened(message: OrderMessage) -> int:
    return message.at if message.flags & SNAPSHOT else min(message.event_at, message.at)


def _crossed(book: OrderBook) -> bool:
    bid, ask = book.best(BID), book.best(ASK)
    return bid is not None and ask is not None and bid >= ask


def _crosses(book: OrderBook, message: OrderMessage) -> bool:
    """Whether an order that joins would trade at once."""
    if message.action not in (b"A", b"M") or message.price == databento.UNPRICED:
        return False
    bid, ask = book.best(BID), book.best(ASK)
    if message.side == b"B":
        return ask is not None and message.price >= ask
    return bid is not None and message.price <= bid


def _told(book: OrderBook, message: OrderMessage, at: int, happened: int) -> Iterator[ToldChange]:
    """The changes of one record, before it changes the book."""
    action, number, size = message.action, message.order_id, message.size
    side, price = _SIGNS.get(message.side, 0), message.price / databento.PRICE_UNIT
    known = book.orders.get(number)
    if action == b"T":
        yield ToldChange(at, happened, Told.TRADE if side else Told.PRINT, 0, side, price, size)
    elif action == b"R":
        for order_id, order in book.orders.items():
            yield ToldChange(at, happened, Told.DELETE, order_id, 1 if order.side == BID else -1)
    elif action == b"C" and known is not None:
        told = Told.REDUCE if size < known.quantity else Told.DELETE
        yield ToldChange(at, happened, told, number, side, price, size)
    elif action in (b"A", b"M") and side and message.price != databento.UNPRICED:
        if known is not None and known.price == message.price and size < known.quantity:
            yield ToldChange(at, happened, Told.REDUCE, number, side, price, known.quantity - size)
            return
        if known is not None:
            yield ToldChange(at, happened, Told.DELETE, number, side, price)
        yield ToldChange(at, happened, Told.ADD, number, side, price, size)
