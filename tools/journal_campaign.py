"""Every bit of a journal of 1 MiB flipped: it is found, cut back to the last whole record, or no record changed.

Run by `make campaign-journal`. A flip in a record, or in the zeros after the last one of its segment, is read by the
journal's own `Reader` from that record on, on the real bytes. It must either name this very record as damaged; or end
there, if the record is of the last commit, which cannot be told from one that a crash tore; or give the record as it
was and stand where it stood, so that everything after is read as before. What comes before is read without a look at
these bytes. To prove that, too, every 4,093rd flip is read from the first record to the end.

Bytes are independent: a campaign can be cut into parts or taken up again with `--from-byte`. A flip that nobody notices
ends it, with the command that reproduces it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

import msgspec

from tradsys.core.errors import JournalDamaged
from tradsys.journal import open_journal
from tradsys.journal.chain import check_before
from tradsys.journal.disk import Disk
from tradsys.journal.memory_disk import MemoryDisk, MemoryFile
from tradsys.journal.reading import Position, Reader, segments
from tradsys.journal.records import Record

SIZE = 2**20
SEGMENT = 4096
WHOLE_EVERY = 4093
TOLD_EVERY = 2**15
FOUND, CUT, UNCHANGED = "found", "cut back", "no record changed"


class Missed(Exception):
    """A flip that changed what is read, and was not found."""


class Window(MemoryDisk):
    """Some segments of a disk alone, so that a flip is read without listing all others."""

    def __init__(self, disk: MemoryDisk, names: list[str]) -> None:
        super().__init__()
        self._disk = disk
        self._names = names

    def names(self) -> list[str]:
        """See `Disk`."""
        return self._names

    def open(self, name: str, *, writable: bool = False) -> MemoryFile:
        """See `Disk`."""
        return self._disk.open(name)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A record, or the zeros after the last one of a segment (None): from where it is read, and its bytes."""

    record: Record | None
    since: Position
    until: Position
    segment: str
    begin: int
    end: int


def written(size: int, *, seed: int = 1) -> MemoryDisk:
    """A journal of at least so many bytes in segments of 4 KiB: commits of one to five records of 0 to 600 bytes."""
    disk, chance = MemoryDisk(), random.Random(seed)
    journal = open_journal(disk, segment_bytes=SEGMENT, reserve_bytes=8)
    while len(segments(disk)) * SEGMENT < size:
        for _ in range(chance.randint(1, 5)):
            journal.append("fill", chance.randbytes(chance.randint(0, 600)), at=0, recorded_at=1)
        journal.commit()
    disk.kill()
    return disk


def pieces(disk: MemoryDisk) -> list[Piece]:
    """Everything that the segments hold, in order."""
    found: list[Piece] = []
    reader = Reader(disk)
    before = msgspec.structs.replace(reader.position)
    for record in reader:
        after = msgspec.structs.replace(reader.position)
        if before.segment not in ("", after.segment):
            found.append(_rest(disk, before))
        begin = before.offset if before.segment == after.segment else 0
        found.append(
            Piece(record=record, since=before, until=after, segment=after.segment, begin=begin, end=after.offset)
        )
        before = after
    return [*found, _rest(disk, before)]


def _rest(disk: Disk, at: Position) -> Piece:
    """The zeros from a place to the end of its segment."""
    size = disk.open(at.segment).size
    return Piece(record=None, since=at, until=at, segment=at.segment, begin=at.offset, end=size)


class Campaign:
    """The flips of one journal."""

    def __init__(self, disk: MemoryDisk) -> None:
        self.disk = disk
        self.pieces = pieces(disk)
        self.records = [piece.record for piece in self.pieces if piece.record is not None]
        self.bytes = sum(piece.end - piece.begin for piece in self.pieces)
        self._names = segments(disk)
        self._place = {name: number for number, name in enumerate(self._names)}
        self.seen: Counter[str] = Counter()
        self.whole = 0

    def run(self, first: int, count: int) -> int:
        """Flip the bits of so many bytes from one on; how many bytes that were. Raises `Missed`."""
        passed = done = 0
        for piece in self.pieces:
            size = piece.end - piece.begin
            for place in range(max(first - passed, 0), min(first + count - passed, size)):
                self._byte(piece, piece.begin + place, passed + place)
                done += 1
            passed += size
        return done

    def _byte(self, piece: Piece, offset: int, number: int) -> None:
        content = self.disk.bytes_of(piece.segment)
        place = self._place[piece.segment]
        window = Window(self.disk, self._names[max(place - 1, 0) : place + 2])
        for bit in range(8):
            content[offset] ^= 1 << bit
            try:
                self.seen[self.outcome(piece, window)] += 1
                if (number * 8 + bit) % WHOLE_EVERY == 0:
                    self.read_whole(piece)
                    self.whole += 1
            except Missed as missed:
                raise Missed(f"byte {number}, bit {bit}, {piece.segment} at {offset}: {missed}") from None
            finally:
                content[offset] ^= 1 << bit

    def outcome(self, piece: Piece, window: Disk) -> str:
        """What reading says of a flip in a piece. Raises `Missed`."""
        reader = Reader(window, piece.since)
        try:
            given = next(iter(reader), None)
        except JournalDamaged as damaged:
            if (damaged.segment, damaged.offset) != (piece.segment, piece.begin):
                raise Missed(f"damage is named elsewhere: {damaged}") from None
            return FOUND
        if given is None:
            return self._ended(piece)
        if given != piece.record or reader.position != piece.until:
            raise Missed(f"another record is read: {given}")
        return UNCHANGED

    def _ended(self, piece: Piece) -> str:
        """A journal may end where its last commit is."""
        if piece.record is None:
            return UNCHANGED
        if piece.record.commit != self.records[-1].commit:
            raise Missed("the journal ends too early, and nothing is said")
        return CUT

    def read_whole(self, piece: Piece) -> None:
        """All records before a flip are read as they were, from the first on. Raises `Missed`."""
        number = piece.since.sequence
        given: list[Record] = []
        try:
            given.extend(Reader(self.disk))
        except JournalDamaged as damaged:
            if damaged.sequence != number:
                raise Missed(f"damage is named at another record: {damaged}") from None
        if given[:number] != self.records[:number] or given not in (self.records[: len(given)], self.records):
            raise Missed("other records are read")
        self.check_whole(piece, whole=given == self.records)

    def check_whole(self, piece: Piece, *, whole: bool) -> None:
        """What a restart from a snapshot checks finds what reading finds. Raises `Missed`."""
        try:
            check_before(self.disk, self.pieces[-1].until)
        except JournalDamaged as damaged:
            if whole or damaged.sequence != piece.since.sequence:
                raise Missed(f"a restart names damage at another record: {damaged}") from None
        else:
            if not whole:
                raise Missed("a restart would trade on it")


def main() -> int:
    """Read the arguments, run, and tell the progress. Returns: the exit code, 1 for a flip that was missed."""
    parser = argparse.ArgumentParser(description="Every bit of a journal flipped.")
    parser.add_argument("--from-byte", type=int, default=0, help="first byte")
    parser.add_argument("--bytes", type=int, default=SIZE, help="how many bytes")
    asked = parser.parse_args()
    campaign, started = Campaign(written(SIZE)), time.perf_counter()
    last, done = min(asked.from_byte + asked.bytes, campaign.bytes), 0
    for first in range(asked.from_byte, last, TOLD_EVERY):
        try:
            done += campaign.run(first, min(TOLD_EVERY, last - first))
        except Missed as missed:
            print(f"MISSED: {missed}\nagain: python -m tools.journal_campaign --from-byte {first} --bytes {TOLD_EVERY}")
            return 1
        rate = 8 * done / (time.perf_counter() - started)
        print(f"byte {first + TOLD_EVERY:,} of {last:,}: {8 * done:,} flips, {rate:,.0f}/s", flush=True)
    counts = ", ".join(f"{campaign.seen[name]:,} {name}" for name in (FOUND, CUT, UNCHANGED))
    print(
        f"{8 * done:,} flips of {len(campaign.records):,} records: {counts}; {campaign.whole:,} read from the beginning"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
