"""LOBSTER's lines, and what they do to a book that began before the file."""

from __future__ import annotations

import pytest

from tradsys.core.errors import DataError
from tradsys.market.books.lobster import Message, apply, lay, parse, parse_row
from tradsys.market.books.order_book import ASK, BID, OrderBook, Trouble
from tradsys.market.books.rebuild_orders import from_lobster

ROW = b"5859400,200,5853300,18,9999999999,0,-9999999999,0"


def test_a_line() -> None:
    assert parse(b"34200.004241176,1,16113575,18,5853300,1") == Message(34200_004241176, 1, 16113575, 18, 5853300, BID)
    assert parse(b"34200,4,0,5,1,-1\r").side == ASK


@pytest.mark.parametrize(
    "line", [b"", b"34200.1,8,1,1,1,1", b"34200.1,1,1,1,1", b"x,1,1,1,1,1", b"1.1,1,1,-1,1,1", b"\xff"]
)
def test_another_line_is_refused(line: bytes) -> None:
    with pytest.raises(DataError):
        parse(line)


@pytest.mark.parametrize("line", [b"", b"1,2,3", b"1,2,3,4,", b"1,2,3,x"])
def test_another_row_is_refused(line: bytes) -> None:
    with pytest.raises(DataError):
        parse_row(line)


def test_unknown_orders_take_from_what_was_laid_down() -> None:
    book = OrderBook()
    lay(book, parse_row(ROW))
    assert (book.top(ASK, count=9), book.top(BID, count=9)) == ([(5859400, 200, 1)], [(5853300, 18, 1)])
    lines = (
        b"1.0,4,77,50,5859400,-1",
        b"1.1,1,5,10,5859400,-1",
        b"1.2,2,5,4,5859400,-1",
        b"1.3,5,0,9,5859400,-1",
        b"1.4,3,78,18,5853300,1",
    )
    assert [apply(book, parse(line)) for line in lines] == [None] * 5
    assert (book.top(ASK, count=9), book.best(BID)) == ([(5859400, 156, 2)], None)
    assert apply(book, parse(b"1.5,3,79,1,5853300,1")) is Trouble.UNKNOWN_ORDER


def test_the_first_message_is_in_the_first_row_already() -> None:
    rebuild = from_lobster([b"1.0,1,5,18,5853300,1", b"1.1,1,6,2,5853300,1"], first_row=ROW, instrument="X")
    summary = rebuild.summary("X")
    assert (summary["best_bid"], summary["best_bid_quantity"], summary["messages"]) == (585.33, 20, 1)
