"""Kraken's `book` channel, WebSocket v1 and v2: updates carry a checksum and no numbers.

Source: docs.kraken.com, "Book" and "Book checksum" of both versions. Version 2 writes JSON numbers, whose digits are
kept as they stand, and tells the depth only when it answers a subscription; without that answer it is the least depth
on offer that holds the snapshot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from tradsys.market.books.messages import BookUpdate, Event, Level, decoded, malformed

CHANNEL = "book-"
MOST_LEVELS = 10_000
DEPTHS = (10, 25, 100, 500, 1000)
NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
POWER = re.compile(r"[0-9](\.[0-9]{1,20})?[eE][+-]?[0-9]{1,2}")


class _Part(msgspec.Struct):
    asks_whole: list[Level] | None = msgspec.field(name="as", default=None)
    bids_whole: list[Level] | None = msgspec.field(name="bs", default=None)
    asks: list[Level] = msgspec.field(name="a", default_factory=list)
    bids: list[Level] = msgspec.field(name="b", default_factory=list)
    checksum: str | None = msgspec.field(name="c", default=None)


class _NumberLevel(msgspec.Struct):
    price: msgspec.Raw
    quantity: msgspec.Raw = msgspec.field(name="qty")


class _Book(msgspec.Struct):
    symbol: str
    bids: list[_NumberLevel] = msgspec.field(default_factory=list)
    asks: list[_NumberLevel] = msgspec.field(default_factory=list)
    checksum: int | None = None


class _Subscription(msgspec.Struct):
    channel: str = ""
    symbol: str = ""
    depth: int = 0


class _Envelope(msgspec.Struct):
    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()
    method: str = ""
    result: msgspec.Raw = msgspec.Raw()


class _Kind(msgspec.Struct):
    type: Literal["snapshot", "update"]


_message = msgspec.json.Decoder(list[msgspec.Raw])
_part = msgspec.json.Decoder(_Part)
_text = msgspec.json.Decoder(str)
_envelope = msgspec.json.Decoder(_Envelope)
_kind = msgspec.json.Decoder(_Kind)
_books = msgspec.json.Decoder(list[_Book])
_subscription = msgspec.json.Decoder(_Subscription)


class KrakenParser:
    """Snapshots and updates: `[channel, part, (part,) "book-DEPTH", pair]` (v1), `{"channel": "book", …}` (v2)."""

    def __init__(self) -> None:
        self._depths: dict[str, int] = {}

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other channels, heartbeats and answers give none."""
        if not message.lstrip().startswith(b"["):
            return self._second_version(message, at)
        items = decoded(_message, message)
        if len(items) < 4:
            raise malformed("too short an array", message)
        channel, pair = decoded(_text, items[-2]), decoded(_text, items[-1])
        if not channel.startswith(CHANNEL):
            return []
        return [_update([decoded(_part, item) for item in items[1:-2]], pair, _depth(channel, message), at)]

    def _second_version(self, message: bytes, at: int) -> Sequence[Event]:
        envelope = decoded(_envelope, message)
        if envelope.method == "subscribe" and envelope.result:
            answer = decoded(_subscription, envelope.result)
            if answer.channel == "book":
                self._depths[answer.symbol] = answer.depth
        if envelope.channel != "book" or not envelope.data:
            return []
        snapshot = decoded(_kind, message).type == "snapshot"
        return [self._book(book, snapshot=snapshot, at=at) for book in decoded(_books, envelope.data)]

    def _book(self, book: _Book, *, snapshot: bool, at: int) -> BookUpdate:
        if snapshot:
            most = max(len(book.bids), len(book.asks))
            self._depths.setdefault(book.symbol, next((depth for depth in DEPTHS if depth >= most), most))
        return BookUpdate(
            instrument=book.symbol,
            snapshot=snapshot,
            bids=[Level(_digits(level.price), _digits(level.quantity)) for level in book.bids],
            asks=[Level(_digits(level.price), _digits(level.quantity)) for level in book.asks],
            checksum=book.checksum,
            depth=self._depths.get(book.symbol, 0),
            at=at,
        )


def _digits(number: msgspec.Raw) -> str:
    """The digits of a JSON number as they stand; a power of ten is written out."""
    text = bytes(number).decode()
    if NUMBER.fullmatch(text):
        return text
    if not POWER.fullmatch(text):
        raise malformed("a level that is no number", bytes(number))
    return format(Decimal(text), "f")


def _depth(channel: str, message: bytes) -> int:
    digits = channel.removeprefix(CHANNEL)
    if not (digits.isascii() and digits.isdigit() and 0 < int(digits[:9]) <= MOST_LEVELS):
        raise malformed(f"channel {channel[:40]!r}", message)
    return int(digits)


def _update(parts: list[_Part], pair: str, depth: int, at: int) -> BookUpdate:
    snapshot = any(part.asks_whole is not None or part.bids_whole is not None for part in parts)
    told = [part.checksum for part in parts if part.checksum is not None]
    return BookUpdate(
        instrument=pair,
        snapshot=snapshot,
        bids=[level for part in parts for level in part.bids_whole or part.bids],
        asks=[level for part in parts for level in part.asks_whole or part.asks],
        checksum=_checksum(told[-1]) if told else None,
        depth=depth,
        at=at,
    )


def _checksum(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise malformed("checksum is no number", digits.encode())
    return int(digits)
