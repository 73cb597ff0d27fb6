"""Kraken's `book` channel, WebSocket v1: updates carry a checksum and no numbers.

Source: docs.kraken.com, "Book (WebSocket v1)" and "Book checksum (WebSocket v1)".
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tradsys.market.books.messages import BookUpdate, Event, Level, decoded, malformed

CHANNEL = "book-"
MOST_LEVELS = 10_000


class _Part(msgspec.Struct):
    asks_whole: list[Level] | None = msgspec.field(name="as", default=None)
    bids_whole: list[Level] | None = msgspec.field(name="bs", default=None)
    asks: list[Level] = msgspec.field(name="a", default_factory=list)
    bids: list[Level] = msgspec.field(name="b", default_factory=list)
    checksum: str | None = msgspec.field(name="c", default=None)


_message = msgspec.json.Decoder(list[msgspec.Raw])
_part = msgspec.json.Decoder(_Part)
_text = msgspec.json.Decoder(str)
_other = msgspec.json.Decoder(dict[str, msgspec.Raw])


class KrakenParser:
    """Snapshots and updates of `[channel, part, (part,) "book-DEPTH", pair]`; the pair is the instrument."""

    def parse(self, message: bytes, *, at: int = 0, origin: str = "") -> Sequence[Event]:
        """Events of one message; other channels, heartbeats and answers give none."""
        if not message.lstrip().startswith(b"["):
            decoded(_other, message)
            return []
        items = decoded(_message, message)
        if len(items) < 4:
            raise malformed("too short an array", message)
        channel, pair = decoded(_text, items[-2]), decoded(_text, items[-1])
        if not channel.startswith(CHANNEL):
            return []
        return [_update([decoded(_part, item) for item in items[1:-2]], pair, _depth(channel, message), at)]


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
