"""Laws of books from feeds: compiled and plain ladder agree, a lost update is one gap, no bytes break anything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradsys.core.errors import DataError
from tradsys.market.books.captures import LineSplitter, captured
from tradsys.market.books.databento import RecordReader
from tradsys.market.books.level_book import BookSide, LevelBook
from tradsys.market.books.messages import BookUpdate, Level
from tradsys.market.books.rebuild import VENUES, Rebuild
from tradsys.market.books.sequencing import Outcome, SequencedBook, State
from tradsys.numerics.depth import ASK, BID, DepthLadder

# Near prices, page borders, and ones that make the directory grow.
PRICES = st.one_of(st.integers(1, 40), st.sampled_from([4095, 4096, 8192, 270_000, 3_000_000, 2**27, 2**30]))
DELTAS = st.tuples(st.sampled_from([BID, ASK]), PRICES, st.sampled_from([0, 0, 1, 2, 7]))


def plain(deltas: Sequence[tuple[int, int, int]]) -> tuple[BookSide, BookSide]:
    """The same deltas in the book of plain Python."""
    book = LevelBook()
    sides = (book.bids, book.asks)
    for side, price, quantity in deltas:
        sides[side].update([Level(str(price), str(quantity))])
    return sides


def ladder_levels(ladder: DepthLadder, side: int) -> list[tuple[int, float]]:
    prices, quantities = ladder.top(side, count=10**6)
    return list(zip(prices.tolist(), quantities.tolist(), strict=True))


def plain_levels(side: BookSide) -> list[tuple[int, float]]:
    return [(int(level.price), float(level.quantity)) for level in side.top(len(side))]


@given(st.lists(DELTAS, max_size=60), st.integers(0, 60))
def test_ladder_agrees_with_the_plain_book(deltas: list[tuple[int, int, int]], cut: int) -> None:
    ladder = DepthLadder()
    for side, price, quantity in deltas[:cut]:
        ladder.update(side, price=price, quantity=float(quantity))
    rest = np.array(deltas[cut:], np.int64).reshape(-1, 3)
    ladder.update_all(rest[:, 0].astype(np.int8), rest[:, 1], rest[:, 2].astype(np.float64))
    for side, expected in enumerate(plain(deltas)):
        assert ladder_levels(ladder, side) == plain_levels(expected)
        assert ladder.count(side) == len(expected)
        assert ladder.best(side) == (plain_levels(expected)[0][0] if len(expected) else None)


@pytest.mark.parametrize("seed", range(3))
def test_ladder_agrees_over_a_long_walk(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = 20_000
    sides = rng.integers(0, 2, rows).astype(np.int8)
    prices = 50_000 + np.cumsum(rng.integers(-40, 41, rows)) + rng.integers(-300, 301, rows)
    quantities = rng.integers(0, 3, rows)
    ladder = DepthLadder()
    ladder.update_all(sides, prices, quantities.astype(np.float64))
    deltas = list(zip(sides.tolist(), prices.tolist(), quantities.tolist(), strict=True))
    for side, expected in enumerate(plain(deltas)):
        assert ladder_levels(ladder, side) == plain_levels(expected)


def stream(length: int) -> list[BookUpdate]:
    """Numbered updates of a book in which each changes one level."""
    return [
        BookUpdate(
            instrument="X",
            snapshot=False,
            bids=[Level(str(1 + number * 7 % 20), str(number % 5))],
            asks=[],
            previous=number,
            last=number + 1,
        )
        for number in range(length)
    ]


def truth(updates: Sequence[BookUpdate]) -> BookUpdate:
    """The snapshot of a book after these updates."""
    side = BookSide(bids=True)
    for update in updates:
        side.update(update.bids)
    return BookUpdate(instrument="X", snapshot=True, bids=side.top(99), asks=[], last=len(updates), requested=True)


@given(st.data())
def test_any_one_update_lost_is_one_gap_and_mended(data: st.DataObject) -> None:
    updates = stream(data.draw(st.integers(3, 40)))
    lost = data.draw(st.integers(0, len(updates) - 2))
    mend = data.draw(st.integers(lost + 1, len(updates)))
    arrives = data.draw(st.integers(mend, len(updates)))
    book = SequencedBook()
    book.receive(truth([]))
    outcomes = [book.receive(each) for number, each in enumerate(updates[:arrives]) if number != lost]
    outcomes.append(book.receive(truth(updates[:mend])))
    outcomes += [book.receive(each) for number, each in enumerate(updates) if number >= arrives and number != lost]
    assert outcomes.count(Outcome.GAP) == (arrives > lost + 1)
    assert (book.state, book.number) == (State.SYNCED, len(updates))
    assert book.book.bids.top(99) == list(truth(updates).bids)
    counts = book.counts
    assert counts.messages == counts.applied + counts.stale + counts.snapshots + counts.dropped


MESSAGES = {
    "binance": b'{"e":"depthUpdate","E":1,"s":"X","U":1,"u":2,"b":[["1","2"]],"a":[]}',
    "bitfinex": b"[5,[[100.5,2,3.0],[101,1,-4.5]],1]",
    "bitget": b'{"action":"update","arg":{"channel":"books","instId":"X"},"data":[{"asks":[],"bids":[["1","2"]]}]}',
    "coinbase": b'{"type":"l2update","product_id":"X","changes":[["sell","1","2"]]}',
    "deribit": b'{"params":{"channel":"book.X.raw","data":{"type":"change","timestamp":1,"instrument_name":"X",'
    b'"change_id":2,"bids":[["new",1,2]],"asks":[]}}}',
    "kraken": b'[1,{"a":[["1.0","2","3"]],"c":"5"},"book-10","X/Y"]',
    "okx": b'{"action":"update","arg":{"channel":"books","instId":"X"},"data":[{"asks":[],"bids":[["1","2"]]}]}',
}


@pytest.mark.parametrize("venue", sorted(VENUES))
@settings(max_examples=60)
@given(data=st.data())
def test_no_bytes_break_a_parser(venue: str, data: st.DataObject) -> None:
    message = MESSAGES[venue]
    at = data.draw(st.integers(0, len(message)))
    damaged = message[:at] + data.draw(st.binary(max_size=6)) + message[at + data.draw(st.integers(0, 6)) :]
    rebuild = Rebuild(VENUES[venue])
    rebuild.receive(message)
    assert rebuild.malformed == 0
    rebuild.receive(damaged)
    assert rebuild.malformed <= 1


@given(st.binary(max_size=80), st.lists(st.integers(1, 9), max_size=20))
def test_no_bytes_break_the_framing(content: bytes, cuts: list[int]) -> None:
    splitter, at, lines = LineSplitter(), 0, []
    for size in [*cuts, len(content)]:
        lines += splitter.feed(content[at : at + size])
        at += size
    lines += splitter.finish()
    assert b"\n".join(lines) in (content, content.removesuffix(b"\n"))
    for line in lines:
        captured(line)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_record_reader(content: bytes) -> None:
    reader = RecordReader()
    try:
        reader.feed(b"DBN\x01\x00\x00\x00\x00" + content)
        reader.finish()
    except DataError as refused:
        assert refused.message
