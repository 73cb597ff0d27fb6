"""Stale updates are dropped, a gap is told once, a snapshot mends it."""

from __future__ import annotations

from collections.abc import Sequence

from tradsys.market.books.checksums import interleaved_checksum, kraken_checksum
from tradsys.market.books.level_book import BookSide, LevelBook
from tradsys.market.books.messages import BookUpdate, Level
from tradsys.market.books.sequencing import Gap, Outcome, SequencedBook, State


def delta(previous: int | None, last: int | None, *bids: tuple[str, str], checksum: int | None = None) -> BookUpdate:
    levels = [Level(*each) for each in bids]
    return BookUpdate(
        instrument="X", snapshot=False, bids=levels, asks=[], previous=previous, last=last, checksum=checksum
    )


def snapshot(last: int | None, *bids: tuple[str, str], requested: bool = True) -> BookUpdate:
    levels = [Level(*each) for each in bids]
    return BookUpdate(instrument="X", snapshot=True, bids=levels, asks=[], last=last, requested=requested)


def test_updates_held_before_the_snapshot_are_dropped_or_applied() -> None:
    book = SequencedBook()
    assert [book.receive(delta(n, n + 2, ("1", str(n)))) for n in (0, 2, 4)] == [Outcome.HELD] * 3
    assert book.receive(snapshot(3, ("2", "5"))) is Outcome.SNAPSHOT
    assert (book.counts.stale, book.counts.applied, book.number, book.state) == (1, 2, 6, State.SYNCED)
    assert book.book.bids.top(5) == [Level("2", "5"), Level("1", "4")]


def test_an_update_told_twice_is_stale() -> None:
    book = SequencedBook()
    book.receive(snapshot(3))
    assert book.receive(delta(3, 5)) is Outcome.APPLIED
    assert book.receive(delta(3, 5)) is Outcome.STALE


def test_a_gap_is_told_once_and_mended_by_a_later_snapshot() -> None:
    book = SequencedBook()
    book.receive(snapshot(3))
    assert book.receive(delta(5, 6, ("1", "6"))) is Outcome.GAP
    assert (book.state, book.gap) == (State.BROKEN, Gap(at=0, expected=3, got=5))
    assert book.receive(delta(6, 7, ("1", "7"))) is Outcome.HELD
    assert book.receive(snapshot(4)) is Outcome.TOO_OLD
    assert book.state is State.BROKEN
    assert book.receive(snapshot(6, ("1", "6"))) is Outcome.SNAPSHOT
    assert (book.state, book.number, book.counts.gaps, book.counts.stale) == (State.SYNCED, 7, 1, 1)
    assert book.book.bids.best() == Level("1", "7")


def test_a_first_snapshot_that_nothing_follows_shows_the_gap() -> None:
    book = SequencedBook()
    book.receive(delta(5, 6))
    assert book.receive(snapshot(4)) is Outcome.GAP
    assert (book.state, book.counts.gaps) == (State.BROKEN, 1)
    assert book.receive(snapshot(5)) is Outcome.SNAPSHOT
    assert book.counts.gaps == 1


def test_a_gap_among_the_updates_held_is_told() -> None:
    book = SequencedBook()
    for update in (delta(1, 2), delta(2, 3), delta(7, 8)):
        book.receive(update)
    assert book.receive(snapshot(2)) is Outcome.GAP
    assert book.gap == Gap(at=0, expected=3, got=7)


def test_an_answer_older_than_the_book_is_stale_but_a_venues_own_snapshot_counts() -> None:
    book = SequencedBook()
    book.receive(snapshot(5, ("1", "5")))
    assert book.receive(snapshot(4, ("1", "4"))) is Outcome.STALE
    assert book.book.bids.best() == Level("1", "5")
    assert book.receive(snapshot(4, ("1", "4"), requested=False)) is Outcome.SNAPSHOT
    assert book.number == 4


def test_a_venue_may_begin_its_numbers_anew() -> None:
    """OKX after maintenance: prevSeqId is the last number, seqId smaller; without news both are the last number."""
    book = SequencedBook()
    book.receive(snapshot(15))
    assert [book.receive(delta(*numbers)) for numbers in ((15, 15), (15, 3), (3, 5))] == [Outcome.APPLIED] * 3


def test_updates_without_numbers_are_dropped_until_a_snapshot() -> None:
    book = SequencedBook()
    assert book.receive(delta(None, None)) is Outcome.DROPPED
    book.receive(snapshot(None))
    assert book.receive(delta(None, None, ("1", "1"))) is Outcome.APPLIED
    assert (book.counts.dropped, book.counts.applied) == (1, 1)


def test_a_wrong_checksum_breaks_the_book_until_a_snapshot() -> None:
    book = SequencedBook(interleaved_checksum)
    book.receive(snapshot(None, ("3366.1", "7")))
    assert book.receive(delta(None, None, ("3366", "6"), checksum=1)) is Outcome.CHECKSUM_FAILED
    assert (book.state, book.counts.checked, book.counts.failed, book.counts.gaps) == (State.BROKEN, 1, 1, 0)
    assert book.receive(delta(None, None)) is Outcome.DROPPED
    assert book.receive(snapshot(None)) is Outcome.SNAPSHOT


def test_a_wrong_checksum_among_the_updates_held_is_told() -> None:
    book = SequencedBook(interleaved_checksum)
    book.receive(delta(1, 2, checksum=1))
    assert book.receive(snapshot(1)) is Outcome.CHECKSUM_FAILED
    assert (book.state, book.counts.gaps) == (State.BROKEN, 0)


def test_more_updates_than_can_be_held_are_dropped_oldest_first() -> None:
    book = SequencedBook(most_held=2)
    for number in range(3):
        book.receive(delta(number, number + 1))
    assert book.receive(snapshot(0)) is Outcome.GAP
    assert book.receive(snapshot(1)) is Outcome.SNAPSHOT
    assert (book.counts.dropped, book.counts.applied, book.number) == (1, 2, 3)


def test_a_lost_connection_breaks_only_what_was_synced() -> None:
    book = SequencedBook()
    book.lose(Gap(at=0, expected=1, got=3))
    assert book.state is State.WAITING
    book.receive(snapshot(None))
    for _ in range(2):
        book.lose(Gap(at=0, expected=1, got=3))
    assert (book.state, book.counts.gaps) == (State.BROKEN, 1)


def test_levels_beyond_the_depth_are_forgotten() -> None:
    book = SequencedBook()
    book.receive(snapshot(None, ("3", "1"), ("2", "1")))
    book.receive(BookUpdate(instrument="X", snapshot=False, bids=[Level("4", "1"), Level("1", "1")], asks=[], depth=2))
    assert [level.price for level in book.book.bids.top(9)] == ["4", "3"]


def made(bids: Sequence[tuple[str, ...]], asks: Sequence[tuple[str, ...]]) -> LevelBook:
    book = LevelBook()
    book.bids.replace(Level(*each) for each in bids)
    book.asks.replace(Level(*each) for each in asks)
    return book


def signed(checksum: int) -> int:
    return checksum - 2**32 if checksum >= 2**31 else checksum


def test_okx_documented_examples() -> None:
    """okx.com/docs-v5, order book channel: two levels a side; then one bid against three asks."""
    even = made([("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")])
    assert signed(interleaved_checksum(even)) == -1881014294
    uneven = made([("3366.1", "7")], [("3366.8", "9"), ("3368", "8"), ("3372", "8")])
    assert signed(interleaved_checksum(uneven)) == 831078360


def test_kraken_documented_example() -> None:
    """docs.kraken.com, "Book checksum (WebSocket v2)"."""
    bids = "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 45280.3 1.54592586 "
    bids += "45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 45277.3 1.54602737 45276.6 0.15445238"
    asks = "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 45290.2 0.15890660 "
    asks += "45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 45297.5 0.09945542 45299.5 0.18772827"
    sides = ([tuple(side.split()[at : at + 2]) for at in range(0, 20, 2)] for side in (bids, asks))
    assert kraken_checksum(made(*sides)) == 3310070434


def test_only_the_levels_of_the_checksum_count() -> None:
    levels = [(f"{price}.5", "1") for price in range(30, 0, -1)]
    assert interleaved_checksum(made(levels, [])) == interleaved_checksum(made(levels[:25], []))
    assert kraken_checksum(made(levels, [])) == kraken_checksum(made(levels[:10], []))
    assert kraken_checksum(made(levels, [])) != kraken_checksum(made(levels[:9], []))


def test_one_price_in_two_spellings_is_one_level() -> None:
    side = BookSide(bids=False)
    side.update([Level("0.10", "1"), Level("0.1", "2"), Level("0.2", "3"), Level("0.3", "0")])
    assert (side.top(9), len(side), side.depth(2)) == ([Level("0.1", "2"), Level("0.2", "3")], 2, 5.0)
