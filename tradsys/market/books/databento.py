"""Market by order in Databento's binary encoding (DBN): bytes into records, records into an order book.

A stream is `DBN`, a version byte, the length of the metadata (uint32) and the metadata, then records, little-endian.
The first byte of each is its length in words of four bytes, the second its type; those of other types are passed over.

Source: databento.com/docs, "Databento Binary Encoding" and "Market by order (MBO)". Prices are in 1e-9 of the currency.
Not modelled: version 0, records with their times of sending appended (`ts_out`), the metadata's contents.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from tradsys.core.errors import DataError
from tradsys.market.books.order_book import ASK, BID, OrderBook, Trouble

PRICE_UNIT = 10**9
MAGIC = b"DBN"
ZSTD = b"\x28\xb5\x2f\xfd"
CHUNK = 2**20
PREFIX = struct.Struct("<3sBI")
MOST_METADATA = 2**26
HEADER_BYTES = 16
MARKET_BY_ORDER = 160
RECORD = struct.Struct("<BBHIQQqIBBccQiI")
SIDES = {b"B": BID, b"A": ASK}
UNPRICED = 2**63 - 1


class OrderMessage(NamedTuple):
    """One record; `action` is A add, C cancel, M modify, R clear, T trade, F fill or N none, `side` B, A or N."""

    instrument: int
    event_at: int
    order_id: int
    price: int
    size: int
    flags: int
    action: bytes
    side: bytes
    at: int
    sequence: int


def records(content: bytes) -> Iterator[OrderMessage]:
    """All records of a file's bytes, zstd or plain. Raises `DataError` for any others."""
    import pyarrow

    reader = RecordReader()
    source: Any = pyarrow.BufferReader(content)
    try:
        stream = pyarrow.CompressedInputStream(source, "zstd") if content.startswith(ZSTD) else source
        while chunk := stream.read(CHUNK):
            yield from reader.feed(chunk)
    except OSError as problem:
        raise _refused(f"damaged zstd: {problem}", len(content)) from None
    reader.finish()


class RecordReader:
    """Records out of chunks cut anywhere. Raises `DataError` for bytes that are no such stream."""

    def __init__(self) -> None:
        self._tail = b""
        self._started = False

    def feed(self, chunk: bytes) -> list[OrderMessage]:
        """The records that a chunk completes."""
        data = self._tail + chunk
        place = 0 if self._started else self._start(data)
        records = []
        while place < len(data) and self._started:
            size = data[place] * 4
            if size < HEADER_BYTES:
                raise _refused("a record shorter than its header", size)
            if place + size > len(data):
                break
            if data[place + 1 : place + 2] == bytes([MARKET_BY_ORDER]):
                records.append(_record(data, place, size))
            place += size
        self._tail = data[place:]
        return records

    def finish(self) -> None:
        """The stream has ended. Raises `DataError` where it ended within a record."""
        if self._tail or not self._started:
            raise _refused("the stream ends within a record", len(self._tail))

    def _start(self, data: bytes) -> int:
        """Where the first record begins, once all metadata are there."""
        if not MAGIC.startswith(data[: len(MAGIC)]):
            raise _refused("not a DBN stream", data[:8].hex())
        if len(data) < PREFIX.size:
            return 0
        _, version, length = PREFIX.unpack_from(data)
        if version < 1 or length > MOST_METADATA:
            raise _refused("DBN metadata that cannot be", f"version {version}, {length} bytes")
        self._started = len(data) >= PREFIX.size + length
        return PREFIX.size + length if self._started else 0


def _record(data: bytes, place: int, size: int) -> OrderMessage:
    if size != RECORD.size:
        raise _refused("a market-by-order record of another length", size)
    (_, _, _, instrument, event_at, order_id, price, quantity, flags, _, action, side, at, _, sequence) = (
        RECORD.unpack_from(data, place)
    )
    return OrderMessage(instrument, event_at, order_id, price, quantity, flags, action, side, at, sequence)


def _refused(why: str, value: object) -> DataError:
    return DataError(why, value=value, limit="DBN version 1 or later", fix="fetch the file again")


def apply(book: OrderBook, message: OrderMessage) -> Trouble | None:
    """What a record does to its instrument's book; a trade or fill does nothing, the cancel after it does."""
    if message.action == b"R":
        book.clear()
        return None
    if message.action == b"C":
        return book.reduce(message.order_id, quantity=message.size)
    if message.action not in (b"A", b"M"):
        return None
    side = SIDES.get(message.side)
    if side is None or message.price == UNPRICED:
        return Trouble.BAD_QUANTITY
    change = book.add if message.action == b"A" else book.modify
    return change(message.order_id, side=side, price=message.price, quantity=message.size)
