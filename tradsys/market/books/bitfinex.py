"""Bitfinex's `book` channel (precisions P0 to P4), WebSocket v2; with the flag SEQ_ALL a connection's messages are
numbered, and a hole in the numbers breaks every book of the connection.

Source: docs.bitfinex.com, "WebSocket: Books" and "Conf flags". Not modelled: raw books (R0), checksums, the flag
TIMESTAMP.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradsys.market.books.messages import BookUpdate, ConnectionGap, Event, Level, decoded, malformed, number_text

SEQ_ALL = 65536


class _Answer(msgspec.Struct):
    event: str = ""
    channel: str = ""
    number: int = msgspec.field(name="chanId", default=-1)
    symbol: str = ""
    precision: str = msgspec.field(name="prec", default="")


class _Entry(msgspec.Struct, array_like=True):
    price: float
    count: int
    amount: float


_answer = msgspec.json.Decoder(_Answer)
_message = msgspec.json.Decoder(list[msgspec.Raw])
_whole = msgspec.json.Decoder(list[_Entry])
_entry = msgspec.json.Decoder(_Entry)
_integer = msgspec.json.Decoder(int)


class BitfinexParser:
    """Remembers the channels subscribed and the number of the last message."""

    def __init__(self) -> None:
        self._instruments: dict[int, str] = {}
        self._number: int | None = None

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other channels, heartbeats and answers give none."""
        if not message.lstrip().startswith(b"["):
            self._answer(decoded(_answer, message))
            return []
        items = decoded(_message, message)
        if len(items) < 2:
            raise malformed("too short an array", message)
        channel = decoded(_integer, items[0])
        lost = self._lost(items, at)
        instrument = self._instruments.get(channel)
        if instrument is None or not bytes(items[1]).startswith(b"["):
            return lost
        return [*lost, _update(instrument, items[1], at)]

    def _answer(self, answer: _Answer) -> None:
        if answer.event == "info":
            # The first message of a connection: numbers and channels begin anew.
            self._instruments, self._number = {}, None
        elif answer.event == "subscribed" and answer.channel == "book" and answer.precision.startswith("P"):
            self._instruments[answer.number] = answer.symbol
        elif answer.event == "unsubscribed":
            self._instruments.pop(answer.number, None)

    def _lost(self, items: list[msgspec.Raw], at: int) -> list[Event]:
        """The gap before a message with a number: `[channel, payload, number]`, `[channel, kind, payload, number]`."""
        if len(items) < 3 or not bytes(items[-1]).isdigit() or bytes(items[-2]) == b'"cs"':
            return []
        number, before = decoded(_integer, items[-1]), self._number
        self._number = number
        if before is None or number == before + 1:
            return []
        return [ConnectionGap(expected=before + 1, got=number, at=at)]


def _update(instrument: str, payload: msgspec.Raw, at: int) -> BookUpdate:
    text = bytes(payload)
    snapshot = text[1:].lstrip()[:1] in (b"[", b"]")
    entries = decoded(_whole, payload) if snapshot else [decoded(_entry, payload)]
    bids = [_level(entry, payload) for entry in entries if entry.amount > 0]
    asks = [_level(entry, payload) for entry in entries if not entry.amount > 0]
    return BookUpdate(instrument=instrument, snapshot=snapshot, bids=bids, asks=asks, at=at)


def _level(entry: _Entry, payload: msgspec.Raw) -> Level:
    """A count of 0 removes the level; the sign of the amount is the side."""
    amount = abs(entry.amount) if entry.count else 0.0
    return Level(number_text(entry.price, payload), number_text(amount, payload))
