"""Order-by-order recordings: CME by Databento and NASDAQ by LOBSTER, against the books they say they end in."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from tradsys.market.books import databento, lobster
from tradsys.market.books.order_book import ASK, BID, OrderBook
from tradsys.market.books.rebuild_orders import from_databento
from tradsys.market.databento_orders import read_messages
from tradsys.market.files import read

POINT = databento.PRICE_UNIT


def test_cme_two_seconds_of_esm4(shared_data: Path) -> None:
    rebuild = from_databento(read_messages(shared_data / "l3/cme_mbo/esm4_20240508_000000_000002.mbo.dbn.zst")[0])
    ((name, book),) = rebuild.books.items()
    assert (rebuild.messages[name], rebuild.troubles[name], len(book.orders)) == (13_796, 0, 13_598)
    assert book.top(BID, count=1) == [(5214 * POINT, 28, 22)]
    assert book.top(ASK, count=1) == [(521425 * POINT // 100, 17, 11)]


def test_cme_snapshot_of_esh4_continued_by_the_day(shared_data: Path) -> None:
    folder = shared_data / "l3/cme_mbo"
    rebuild = from_databento(read_messages(folder / "esh4_20231224_snapshot.mbo.dbn.zst")[0])
    ((name, book),) = rebuild.books.items()
    assert (rebuild.messages[name], rebuild.troubles[name], len(book.orders)) == (8_725, 0, 8_725)
    # The day's recording begins with the same snapshot: order by order, its first records are ours.
    with gzip.open(folder / "esh4_20231225_records_00000_19999.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines))
    first = [row for row in rows[: len(book.orders)] if row["action"] == "A"]
    known = [book.orders.get(int(row["order_id"])) for row in first]
    assert sum(order is not None for order in known) == len(first) > 8_000


def test_lobster_every_step_of_aapl(shared_data: Path) -> None:
    """A message applied to the book before it gives the book after it, on all levels that both show."""
    folder = shared_data / "l3/lobster"
    messages = [lobster.parse(line) for line in _lines(folder / "AAPL_2012-06-21_first998_message_10.csv")]
    rows = [lobster.parse_row(line) for line in _lines(folder / "AAPL_2012-06-21_first998_orderbook_10.csv")]
    steps = list(zip(rows, messages[1:], rows[1:], strict=False))
    assert len(steps) == 998
    assert sum(_step(*step) for step in steps) == 998


def _lines(path: Path) -> list[bytes]:
    return read(path).content.splitlines()


def _step(before: list[int], message: lobster.Message, after: list[int]) -> bool:
    book, told = OrderBook(), OrderBook()
    lobster.lay(book, before)
    lobster.lay(told, after)
    assert lobster.apply(book, message) is None
    return all(_agree(book, told, side) for side in (BID, ASK))


def _agree(book: OrderBook, told: OrderBook, side: int) -> bool:
    """A removed level lets an eleventh surface that the book before did not show: nine are left to compare."""
    own, theirs = ([level[:2] for level in each.top(side, count=10)] for each in (book, told))
    return len(own) >= 9 and own == theirs[: len(own)]
