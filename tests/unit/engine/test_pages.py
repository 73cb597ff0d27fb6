"""A page that says what it said before is journaled in a few bytes, and comes back whole."""

from __future__ import annotations

import msgspec
import pytest

from tradsys.core.errors import JournalDamaged
from tradsys.core.venue import CashRow, Page, Subject
from tradsys.engine.trading.pages import PageMemory
from tradsys.engine.trading.records import PageAgain


def page(request: int, cash: int, *, at: int = 5, number: int = 0, rows: int = 1) -> Page:
    row = CashRow(currency="INR", cash=cash)
    return Page(at=at, request=request, subject=Subject.CASH, page=number, pages=2, rows=rows, cash=(row,))


def test_what_is_written_short_comes_back_as_it_was_said() -> None:
    writer, reader = PageMemory(), PageMemory()
    said = [page(1, 10), page(2, 10, at=6), page(3, 11), page(4, 11), page(5, 11, number=1), page(6, 11, rows=2)]
    written = [writer.shortened(each) for each in said]
    assert [type(each) for each in written] == [Page, PageAgain, Page, PageAgain, Page, Page]
    for record, original in zip(written, said, strict=True):
        if isinstance(record, PageAgain):
            assert len(msgspec.json.encode(record)) < len(msgspec.json.encode(original)) / 2
            assert reader.restored(record, sequence=0) == original
        else:
            reader.noted(record)


def test_nothing_is_taken_from_before_a_snapshot() -> None:
    memory = PageMemory()
    memory.shortened(page(1, 10))
    memory.clear()
    assert isinstance(memory.shortened(page(2, 10)), Page)
    memory.clear()
    with pytest.raises(JournalDamaged, match="none before"):
        memory.restored(PageAgain(request=3, subject=Subject.CASH, page=0, at=1), sequence=7)
