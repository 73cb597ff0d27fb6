"""Whether an update may be applied: stale ones are dropped, a gap is told once, a snapshot mends it."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass

import msgspec

from tradsys.core.events import Word
from tradsys.market.books.checksums import Checksum
from tradsys.market.books.level_book import LevelBook
from tradsys.market.books.messages import BookUpdate

MOST_HELD = 100_000


class State(Word):
    """Whether a book can be believed."""

    WAITING = "waiting"
    SYNCED = "synced"
    BROKEN = "broken"


class Outcome(Word):
    """What became of an update. `HELD`: it waits for a snapshot. `DROPPED`: it has no number to be fitted in by later.

    `TOO_OLD` is said of a snapshot that the updates held do not follow from: another is needed.
    """

    APPLIED = "applied"
    SNAPSHOT = "snapshot"
    STALE = "stale"
    HELD = "held"
    DROPPED = "dropped"
    GAP = "gap"
    TOO_OLD = "too_old"
    CHECKSUM_FAILED = "checksum_failed"


BREAKING = (Outcome.GAP, Outcome.CHECKSUM_FAILED)


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Updates after state `expected` and up to state `got` never came."""

    at: int
    expected: int
    got: int


@dataclass(slots=True)
class Counts:
    """Messages of one book, by what became of them: each message but those still held is in exactly one of
    `applied`, `stale`, `dropped`, `snapshots`."""

    messages: int = 0
    applied: int = 0
    stale: int = 0
    dropped: int = 0
    snapshots: int = 0
    gaps: int = 0
    checked: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


class SequencedBook:
    """One instrument's book, its state and what it counted.

    An update follows when its `previous` is the book's number, or, right after a snapshot, lies before it while
    `last` lies after: nothing between can be missing then. One that does not follow is stale when its `last` is not
    news, else it shows a gap: the gap is told once, the book is `BROKEN`, and numbered updates are held until a
    snapshot comes; then those it contains are dropped as stale and the others applied. A book also breaks when a
    checksum fails; that is counted apart. At most `most_held` updates are held; the oldest are dropped. Updates
    without numbers are applied as they come, and dropped while the book is not `SYNCED`.

    Sources: Binance, "How to manage a local order book correctly" (spot, USDⓈ-M, COIN-M); OKX, "Order book channel",
    seqId and prevSeqId; Deribit, book.{instrument}.{interval}, change_id and prev_change_id. Binance's rule for the
    first update of a future, U <= lastUpdateId <= u, is read as pu <= lastUpdateId < u, which holds whenever nothing is
    missing. Not modelled: asking for the snapshot, which is the client's.
    """

    def __init__(self, checksum: Checksum | None = None, *, most_held: int = MOST_HELD) -> None:
        self.book = LevelBook()
        self.state = State.WAITING
        self.number: int | None = None
        self.gap: Gap | None = None
        self.counts = Counts()
        self._checksum = checksum
        self._fresh = False
        self._held: deque[BookUpdate] = deque(maxlen=most_held)

    def receive(self, update: BookUpdate) -> Outcome:
        """Take one message in; the outcome `GAP` may come of a snapshot too, from an update that was held."""
        self.counts.messages += 1
        return self._snapshot(update) if update.snapshot else self._delta(update)

    def lose(self, gap: Gap) -> None:
        """The connection lost messages: a book that was `SYNCED` may have changed."""
        if self.state is State.SYNCED:
            self._break(gap)

    def _delta(self, update: BookUpdate) -> Outcome:
        if self.state is State.SYNCED:
            return self._in_sequence(update)
        if update.last is None:
            self.counts.dropped += 1
            return Outcome.DROPPED
        self._hold(update)
        return Outcome.HELD

    def _hold(self, update: BookUpdate) -> None:
        # The oldest falls out at the limit; no snapshot from before it can then be followed.
        self.counts.dropped += len(self._held) == self._held.maxlen
        self._held.append(update)

    def _in_sequence(self, update: BookUpdate) -> Outcome:
        if self._follows(update):
            return self._apply(update)
        if self._is_stale(update):
            self.counts.stale += 1
            return Outcome.STALE
        self._hold(update)
        self._break(self._gap_before(update))
        return Outcome.GAP

    def _follows(self, update: BookUpdate) -> bool:
        if update.previous is None or self.number is None or update.previous == self.number:
            return not (update.previous is None and self._is_stale(update))
        return self._fresh and update.previous < self.number < (update.last or 0)

    def _is_stale(self, update: BookUpdate) -> bool:
        return update.last is not None and self.number is not None and update.last <= self.number

    def _gap_before(self, update: BookUpdate) -> Gap:
        return Gap(at=update.at, expected=self.number or 0, got=update.previous or 0)

    def _break(self, gap: Gap) -> None:
        self.state, self.gap = State.BROKEN, gap
        self.counts.gaps += 1

    def _apply(self, update: BookUpdate) -> Outcome:
        self.book.bids.update(update.bids)
        self.book.asks.update(update.asks)
        self.counts.applied += 1
        return self._settle(update, Outcome.APPLIED)

    def _settle(self, update: BookUpdate, outcome: Outcome) -> Outcome:
        """Number, depth and checksum after an update or a snapshot."""
        if update.depth:
            self.book.bids.truncate(update.depth)
            self.book.asks.truncate(update.depth)
        self.number = update.last
        self._fresh = update.snapshot
        return outcome if self._agrees(update.checksum) else Outcome.CHECKSUM_FAILED

    def _agrees(self, told: int | None) -> bool:
        if told is None or self._checksum is None:
            return True
        self.counts.checked += 1
        if self._checksum(self.book) == told & 0xFFFFFFFF:
            return True
        self.counts.failed += 1
        self.state = State.BROKEN
        return False

    def _snapshot(self, update: BookUpdate) -> Outcome:
        if self.state is State.SYNCED and update.requested and self._is_stale(update):
            self.counts.stale += 1
            return Outcome.STALE
        self.counts.snapshots += 1
        was, self.state = self.state, State.SYNCED
        self.book.bids.replace(update.bids)
        self.book.asks.replace(update.asks)
        outcome = self._settle(update, Outcome.SNAPSHOT)
        return outcome if outcome is Outcome.CHECKSUM_FAILED else self._catch_up(was)

    def _catch_up(self, was: State) -> Outcome:
        """Apply what was held. Where the first of it does not follow, the gap told before is still the same gap."""
        held, self._held = self._held, deque(maxlen=self._held.maxlen)
        while held and self._is_stale(held[0]) and not self._follows(held[0]):
            held.popleft()
            self.counts.stale += 1
        if held and not self._follows(held[0]):
            gap, self._held, self.state = self._gap_before(held[0]), held, State.BROKEN
            if was is State.BROKEN:
                return Outcome.TOO_OLD
            self._break(gap)
            return Outcome.GAP
        outcomes = [self._delta(update) for update in held]
        return next((each for each in outcomes if each in BREAKING), Outcome.SNAPSHOT)
