"""The `books` channels of OKX and Bitget, which share one shape and one kind of checksum.

Sources: okx.com/docs-v5, "Order book channel" (seqId and prevSeqId number the updates; the checksum, 0 since 23 June
2026, then says nothing); bitget.com/api-doc, "Depth channel" (a checksum, and in newer versions a rising `seq`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from tradsys.market.books.messages import MILLISECOND, BookUpdate, Digits, Event, Level, decoded, malformed

INSTRUMENT = Annotated[str, msgspec.Meta(min_length=1)]
# Channels of changes, with the levels a side that their books hold (0: all).
OKX_CHANNELS = {"books": 400, "books-l2-tbt": 400, "books50-l2-tbt": 50}
BITGET_CHANNELS = {"books": 0}


class _Argument(msgspec.Struct):
    channel: str = ""
    instrument: str = msgspec.field(name="instId", default="")


class _Envelope(msgspec.Struct):
    arg: _Argument | None = None
    action: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Book(msgspec.Struct):
    asks: list[Level]
    bids: list[Level]
    checksum: int | None = None
    milliseconds: Digits | int = msgspec.field(name="ts", default=0)
    last: int | None = msgspec.field(name="seqId", default=None)
    previous: int | None = msgspec.field(name="prevSeqId", default=None)
    rising: int | None = msgspec.field(name="seq", default=None)


_envelope = msgspec.json.Decoder(_Envelope)
_books = msgspec.json.Decoder(list[_Book])


class ChannelParser:
    """Snapshots and updates of the channels given, name → levels a side."""

    def __init__(self, channels: dict[str, int]) -> None:
        self._channels = channels

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other channels, answers and `pong` give none."""
        if message == b"pong":
            return []
        envelope = decoded(_envelope, message)
        if envelope.arg is None or not envelope.data or envelope.arg.channel not in self._channels:
            return []
        if envelope.action not in ("snapshot", "update") or not envelope.arg.instrument:
            raise malformed("neither snapshot nor update of an instrument", message)
        snapshot = envelope.action == "snapshot"
        books = decoded(_books, envelope.data)
        return [_update(book, arg=envelope.arg, snapshot=snapshot, at=at) for book in books]


def _update(book: _Book, *, arg: _Argument, snapshot: bool, at: int) -> BookUpdate:
    return BookUpdate(
        instrument=arg.instrument,
        snapshot=snapshot,
        bids=book.bids,
        asks=book.asks,
        previous=None if snapshot else book.previous,
        last=book.rising if book.last is None else book.last,
        # A CRC32 of 0 is one in four thousand million; OKX's 0 means that there is none.
        checksum=book.checksum or None,
        at=at,
        exchange_at=int(str(book.milliseconds).partition(".")[0]) * MILLISECOND,
    )
