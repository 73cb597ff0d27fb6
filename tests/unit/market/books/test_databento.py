"""A DBN stream made by hand: read in any pieces, refused when it is none, applied to a book."""

from __future__ import annotations

import pyarrow
import pytest

from tradsys.core.errors import DataError
from tradsys.market.books.databento import HEADER_BYTES, PREFIX, RECORD, RecordReader, apply, records
from tradsys.market.books.order_book import ASK, BID, OrderBook, Trouble


def record(action: bytes, side: bytes = b"B", *, order_id: int = 1, price: int = 5, size: int = 3) -> bytes:
    return RECORD.pack(RECORD.size // 4, 160, 1, 77, 11, order_id, price, size, 128, 0, action, side, 12, 0, 9)


OTHER = bytes([HEADER_BYTES // 4, 18]) + bytes(HEADER_BYTES - 2)
START = PREFIX.pack(b"DBN", 2, 4) + b"meta"
STREAM = START + record(b"A") + OTHER + record(b"M", b"A", order_id=2, size=4)


def test_records_of_any_chunks() -> None:
    whole = list(records(STREAM))
    assert [(each.action, each.side, each.order_id, each.size) for each in whole] == [
        (b"A", b"B", 1, 3),
        (b"M", b"A", 2, 4),
    ]
    assert (whole[0].instrument, whole[0].event_at, whole[0].at, whole[0].sequence) == (77, 11, 12, 9)
    for size in (1, 2, 7, 55, 57):
        reader = RecordReader()
        pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
        assert [each for piece in pieces for each in reader.feed(piece)] == whole
        reader.finish()


def test_compressed() -> None:
    packed = pyarrow.compress(STREAM, codec="zstd", asbytes=True)
    assert list(records(packed)) == list(records(STREAM))
    with pytest.raises(DataError, match="zstd"):
        list(records(packed[:8] + b"\xff" * 20))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"DBN",
        b"CSV,1,2",
        STREAM[:-1],
        START[:-1],
        START + b"\x00",
        START + b"\x05\xa0" + bytes(18),
        PREFIX.pack(b"DBN", 0, 0),
        PREFIX.pack(b"DBN", 1, 2**32 - 1),
    ],
)
def test_what_is_no_stream_is_refused(content: bytes) -> None:
    with pytest.raises(DataError):
        list(records(content))


def test_trades_and_fills_wait_for_the_cancel() -> None:
    book = OrderBook()
    actions = record(b"A") + record(b"T", b"N") + record(b"F") + record(b"N", b"N")
    assert [apply(book, each) for each in records(START + actions)] == [None] * 4
    assert book.top(BID, count=1) == [(5, 3, 1)]
    changes = record(b"C", size=1) + record(b"M", b"B", price=6, size=2) + record(b"A", b"A", order_id=2)
    assert [apply(book, each) for each in records(START + changes)] == [None] * 3
    assert (book.top(BID, count=1), book.best(ASK)) == ([(6, 2, 1)], 5)
    assert [apply(book, each) for each in records(START + record(b"R", b"N"))] == [None]
    assert not book.orders


def test_an_order_without_side_or_price_is_told() -> None:
    bad = record(b"A", b"N") + record(b"A", price=2**63 - 1) + record(b"C")
    troubles = [apply(OrderBook(), each) for each in records(START + bad)]
    assert troubles == [Trouble.BAD_QUANTITY, Trouble.BAD_QUANTITY, Trouble.UNKNOWN_ORDER]
