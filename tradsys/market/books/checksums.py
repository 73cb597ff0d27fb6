"""CRC32 checksums of the best levels, from the digits as the venue wrote them; all are unsigned 32-bit numbers.

Kraken: docs.kraken.com, "Book checksum (WebSocket v1)". OKX: okx.com/docs-v5, "Order book channel: checksum", which
since 23 June 2026 is always 0 (notice of 21 May 2026) and therefore not looked at. Bitget: bitget.com/api-doc, "Depth
channel: checksum", built as OKX's.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterable

from tradsys.market.books.level_book import LevelBook
from tradsys.market.books.messages import Level

Checksum = Callable[[LevelBook], int]
KRAKEN_LEVELS = 10
INTERLEAVED_LEVELS = 25


def kraken_checksum(book: LevelBook) -> int:
    """Of ten asks, then ten bids: price and volume without decimal point and leading zeros, one after the other."""
    levels = itertools.chain(book.asks.top(KRAKEN_LEVELS), book.bids.top(KRAKEN_LEVELS))
    return zlib.crc32("".join(_bare(level.price) + _bare(level.quantity) for level in levels).encode())


def interleaved_checksum(book: LevelBook) -> int:
    """Of 25 levels a side as `bid:quantity:ask:quantity:…`, the longer side going on alone (OKX, Bitget)."""
    pairs = itertools.zip_longest(book.bids.top(INTERLEAVED_LEVELS), book.asks.top(INTERLEAVED_LEVELS))
    return zlib.crc32(":".join(_colons(level for pair in pairs for level in pair if level)).encode())


def _bare(digits: str) -> str:
    return digits.replace(".", "").lstrip("0")


def _colons(levels: Iterable[Level]) -> Iterable[str]:
    return (f"{level.price}:{level.quantity}" for level in levels)
