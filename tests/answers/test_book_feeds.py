"""Recorded feeds against what the venues themselves said: best prices of Binance, checksums of Kraken and Bitget."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tradsys.market.books.captures import Captured, LineSplitter, captured
from tradsys.market.books.level_book import LevelBook
from tradsys.market.books.messages import BookUpdate, Level
from tradsys.market.books.rebuild import VENUES, Rebuild
from tradsys.market.books.sequencing import Outcome, SequencedBook, State
from tradsys.market.files import read
from tradsys.numerics.depth import ASK, BID, DepthLadder

SPOT = "l2/binance/spot_btcusdt_20240808.gz"
COIN = "l2/binance/coinm_btcusd_perp_20240808.gz"
TICKER = re.compile(rb'bookTicker","data":\{.*?"u":([0-9]+)')


def messages(path: Path) -> Iterator[Captured]:
    """The messages of a recording."""
    splitter = LineSplitter()
    lines = splitter.feed(read(path).content) + splitter.finish()
    return (one for line in lines if (one := captured(line)) is not None)


@dataclass(frozen=True)
class Binance:
    """A replayed recording: its updates, each top after one, and what bookTicker said at each number."""

    rebuild: Rebuild
    updates: list[BookUpdate]
    tops: list[tuple[int, tuple[str, ...]]]
    tickers: dict[int, tuple[str, ...]]


def top(book: LevelBook) -> tuple[str, ...]:
    bid, ask = book.bids.best(), book.asks.best()
    assert bid is not None
    assert ask is not None
    return bid.price, bid.quantity, ask.price, ask.quantity


@cache
def replayed(path: Path) -> Binance:
    """Replay once for all tests."""
    done = Binance(Rebuild(VENUES["binance"]), [], [], {})
    for one in messages(path):
        if TICKER.search(one.message):
            ticker = json.loads(one.message)["data"]
            done.tickers[ticker["u"]] = ticker["b"], ticker["B"], ticker["a"], ticker["A"]
        for update, outcome in done.rebuild.receive(one.message, at=one.at):
            done.updates.append(update)
            if outcome in (Outcome.APPLIED, Outcome.SNAPSHOT):
                book = done.rebuild.books[update.instrument]
                done.tops.append((book.number or 0, top(book.book)))
    return done


def beside_ticker(replay: Binance) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Each top with what bookTicker had said last at the number it is of."""
    numbers = sorted(replay.tickers)
    known = [(own, bisect_right(numbers, number)) for number, own in replay.tops]
    return [(own, replay.tickers[numbers[place - 1]]) for own, place in known if place]


def expected(folder: Path, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((folder / "l2/binance/expected_final.json").read_text())[name]
    return answer


@pytest.mark.parametrize(
    ("path", "name", "stale", "applied"),
    [(SPOT, "spot_btcusdt_20240808", 2, 3449), (COIN, "coinm_btcusd_perp_20240808", 23, 26824)],
)
def test_binance_counts_and_final_book(shared_data: Path, path: str, name: str, stale: int, applied: int) -> None:
    (book,) = replayed(shared_data / path).rebuild.books.values()
    answer = expected(shared_data, name)
    assert (book.counts.stale, book.counts.applied, book.counts.gaps) == (stale, applied, 0)
    assert answer["counts"]["stale_dropped"] == stale
    (final,) = answer["checkpoints"]
    assert (book.number, len(book.book.bids), len(book.book.asks)) == (final["u"], final["n_bids"], final["n_asks"])
    assert book.book.bids.top(20) == [Level(*each) for each in final["bids"]]
    assert book.book.asks.top(20) == [Level(*each) for each in final["asks"]]


@pytest.mark.parametrize(
    # Two of COIN-M's updates are applied when the snapshot comes, and only the second's book can be seen.
    ("path", "compared"),
    [(SPOT, 3449), (COIN, 26823)],
)
def test_binance_best_prices_and_quantities_are_the_tickers(shared_data: Path, path: str, compared: int) -> None:
    pairs = beside_ticker(replayed(shared_data / path))
    assert len(pairs) == compared
    assert sum(own == told for own, told in pairs) == compared


@pytest.mark.parametrize(
    ("venue", "path", "instruments", "checksums"),
    [
        ("kraken", "l2/cryptofeed/KRAKEN.ws.50.0.gz", 10, 4269),
        ("bitget", "l2/cryptofeed/BITGET.ws.2.0.gz", 2, 194),
    ],
)
def test_checksums(shared_data: Path, venue: str, path: str, instruments: int, checksums: int) -> None:
    rebuild = Rebuild(VENUES[venue])
    for one in messages(shared_data / path):
        rebuild.receive(one.message, at=one.at)
    counts = [book.counts for book in rebuild.books.values()]
    assert (len(counts), sum(each.checked for each in counts)) == (instruments, checksums)
    assert [each.failed for each in counts] == [0] * instruments
    assert rebuild.malformed == 0


def test_a_lost_kraken_update_fails_a_checksum(shared_data: Path) -> None:
    rebuild, skipped = Rebuild(VENUES["kraken"]), 0
    for one in messages(shared_data / "l2/cryptofeed/KRAKEN.ws.50.0.gz"):
        if b'"c":' in one.message and b"XMR/USD" in one.message:
            skipped += 1
            if skipped == 5:
                continue
        rebuild.receive(one.message)
    counts = rebuild.books["XMR/USD"].counts
    assert (counts.failed, counts.gaps, rebuild.books["XMR/USD"].state) == (1, 0, State.BROKEN)
    assert counts.dropped > 800
    assert sum(book.counts.failed for book in rebuild.books.values()) == 1


@pytest.mark.parametrize(
    ("venue", "path", "instruments", "applied"),
    [
        ("deribit", "l2/cryptofeed/DERIBIT.ws.1.0.gz", 10, 36),
        ("coinbase", "l2/cryptofeed/COINBASE.ws.28.0.gz", 10, 9719),
        ("bitfinex", "l2/cryptofeed/BITFINEX.ws.11.0.gz", 7, 1593),
    ],
)
def test_other_venues_are_whole_and_never_crossed(
    shared_data: Path, venue: str, path: str, instruments: int, applied: int
) -> None:
    rebuild = Rebuild(VENUES[venue])
    for one in messages(shared_data / path):
        rebuild.receive(one.message, at=one.at, origin=one.origin)
    books = list(rebuild.books.values())
    assert (len(books), sum(book.counts.applied for book in books), rebuild.malformed) == (instruments, applied, 0)
    assert [(book.state, book.counts.gaps) for book in books] == [(State.SYNCED, 0)] * instruments
    for book in books:
        bid, ask = book.book.bids.best(), book.book.asks.best()
        assert bid is None or ask is None or float(bid.price) < float(ask.price)


@pytest.mark.parametrize(
    ("venue", "path", "lost", "broken"),
    [
        ("deribit", "l2/cryptofeed/DERIBIT.ws.1.0.gz", b'"prev_change_id":33195894355,', 1),
        # A number missing from the connection breaks every book of it; two of seven begin later.
        ("bitfinex", "l2/cryptofeed/BITFINEX.ws.11.0.gz", b'[205046,"hb",128]', 5),
    ],
)
def test_a_message_lost_by_another_venue(shared_data: Path, venue: str, path: str, lost: bytes, broken: int) -> None:
    rebuild = Rebuild(VENUES[venue])
    kept = [one for one in messages(shared_data / path) if lost not in one.message]
    for one in kept:
        rebuild.receive(one.message, at=one.at, origin=one.origin)
    assert [book.counts.gaps for book in rebuild.books.values() if book.state is State.BROKEN] == [1] * broken


def test_binance_snapshots_from_rest_join_their_stream(shared_data: Path) -> None:
    """Four USDⓈ-M instruments: snapshots in one recording, updates in another, joined by time of receipt."""
    folder = shared_data / "l2/cryptofeed"
    recorded = [one for part in ("ws.1.0", "http.0.0") for one in messages(folder / f"BINANCE_FUTURES.{part}.gz")]
    rebuild = Rebuild(VENUES["binance"])
    for one in sorted(recorded, key=lambda one: one.at):
        rebuild.receive(one.message, at=one.at, origin=one.origin)
    assert sorted(rebuild.books) == ["AKROUSDT", "CTKUSDT", "KEEPUSDT", "SUSHIUSDT"]
    for book in rebuild.books.values():
        assert (book.state, book.counts.gaps, book.counts.snapshots) == (State.SYNCED, 0, 1)
        assert book.counts.applied > 100


def resynchronised(updates: list[BookUpdate], truth: SequencedBook, *, lost: int) -> SequencedBook:
    """The stream without one update, mended at its end by a snapshot of the true book."""
    book = SequencedBook()
    outcomes = [book.receive(update) for number, update in enumerate(updates) if number != lost]
    assert outcomes.count(Outcome.GAP) == 1
    assert book.state is State.BROKEN
    mended = book.receive(
        BookUpdate(
            instrument=updates[0].instrument,
            snapshot=True,
            bids=truth.book.bids.top(10**6),
            asks=truth.book.asks.top(10**6),
            last=truth.number,
            requested=True,
        )
    )
    assert mended is Outcome.SNAPSHOT
    return book


@pytest.mark.parametrize("lost", [2, 4, 5, 1000, 1724, 3449, 3450])
def test_any_one_update_lost_from_binance_is_one_gap(shared_data: Path, lost: int) -> None:
    replay = replayed(shared_data / SPOT)
    (truth,) = replay.rebuild.books.values()
    assert [update.snapshot for update in replay.updates].index(True) == 3
    book = resynchronised(replay.updates, truth, lost=lost)
    assert (book.counts.gaps, book.state, book.number) == (1, State.SYNCED, truth.number)
    assert book.book.bids.top(10**6) == truth.book.bids.top(10**6)
    assert book.book.asks.top(10**6) == truth.book.asks.top(10**6)


def test_every_one_update_lost_from_binance_is_one_gap(shared_data: Path) -> None:
    """All but the last, by their numbers alone, since which levels changed makes no difference to the sequence."""
    replay = replayed(shared_data / SPOT)
    bare = [msgspec.structs.replace(update, bids=(), asks=()) for update in replay.updates]
    snapshot = next(update for update in bare if update.snapshot)
    for lost in range(bare.index(snapshot) + 1, len(bare) - 1):
        book = SequencedBook()
        book.receive(msgspec.structs.replace(snapshot, last=bare[lost - 1].last))
        outcomes = [book.receive(update) for update in bare[lost + 1 : lost + 40]]
        assert [outcomes[0], set(outcomes[1:]) - {Outcome.HELD}] == [Outcome.GAP, set()]


def test_the_compiled_ladder_ends_at_the_same_book(shared_data: Path) -> None:
    replay = replayed(shared_data / COIN)
    (book,) = replay.rebuild.books.values()
    start = next(number for number, update in enumerate(replay.updates) if update.snapshot)
    numbered = [
        replay.updates[start],
        *(each for each in replay.updates if (each.last or 0) > (replay.updates[start].last or 0)),
    ]
    rows = [
        (side, round(float(level.price) * 10), float(level.quantity))
        for update in numbered
        for side, levels in ((BID, update.bids), (ASK, update.asks))
        for level in levels
    ]
    sides, prices, quantities = zip(*rows, strict=True)
    ladder = DepthLadder()
    ladder.update_all(np.array(sides, np.int8), np.array(prices), np.array(quantities))
    for side, levels in ((BID, book.book.bids), (ASK, book.book.asks)):
        wanted = [(round(float(level.price) * 10), float(level.quantity)) for level in levels.top(10**6)]
        assert list(zip(*(column.tolist() for column in ladder.top(side, count=10**6)), strict=True)) == wanted
