"""Checking a journal without its writer: every record, the chain, the seals, their signatures. Nothing is written.

A writer may go on meanwhile: what it had made durable when the last segment was read is checked. Seals that were kept
elsewhere show an end that was taken away, and a journal that was written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from tradsys.core.errors import ConfigError, JournalDamaged
from tradsys.journal.disk import Disk, FolderDisk
from tradsys.journal.merkle import Tree
from tradsys.journal.opening import SegmentStore
from tradsys.journal.port import Source
from tradsys.journal.reading import SUFFIX, bytes_of
from tradsys.journal.records import GENESIS, HEADER_BYTES, Record, room
from tradsys.journal.seals import KIND, VERSION, Seal, decoded, kept, plain
from tradsys.journal.signatures import PublicKey

_ATTEMPTS = 3
_FOLDER = "journal"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that is not as it should be: the record's sequence, the byte in the segment, and what it is."""

    seq: int
    offset: int
    segment: str
    why: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit says. `torn_bytes` is the rest of a commit that a crash, or its being written at this moment, cut
    off: no damage. `checked` of the `seals` were held to a public key; `unsealed` records no seal covers yet; `link` is
    the hash that stands for all records."""

    records: int
    first_bad: Finding | None
    torn_bytes: int
    seals: int
    signed: int
    checked: int
    unsealed: int
    link: str


class Audit:
    """One pass over a journal. `records` are told as they are found good; `verdict` is there when they are through."""

    def __init__(
        self,
        disk: Disk,
        *,
        source: Source | None = None,
        key: PublicKey | None = None,
        elsewhere: Sequence[Seal] = (),
    ) -> None:
        self._disk = disk
        self._key = key
        self._elsewhere = elsewhere
        self._source = source or SegmentStore(disk).read
        self._reader = self._source(None)
        self._tree = Tree()
        self._seals: dict[int, Seal] = {}
        self._bad: Finding | None = None
        self._not_vouched: Finding | None = None
        self.torn_bytes = 0

    @property
    def segment(self) -> str:
        """The segment that is being read."""
        return self._reader.position.segment

    def records(self) -> Iterator[Record]:
        """Every good record, up to the first that is not. Raises `OSError`."""
        # First of all: a seal that a writer makes from now on is not missed.
        beside = self._kept()
        add = self._tree.add
        for record in self._read():
            if record.kind == KIND:
                why = self._objection(record)
                if why:
                    self._find(why, seq=record.sequence, before_end=_room(record))
                    return
                add = self._tree.add
            add(record.link)
            yield record
        self._bad = self._bad or self._not_vouched
        if self._bad is None:
            self.torn_bytes = self._torn()
            self._compare([*beside, *self._elsewhere])

    def verdict(self) -> Verdict:
        """What was found. Call after all `records`."""
        position = self._reader.position
        return Verdict(
            records=position.sequence,
            first_bad=self._bad,
            torn_bytes=self.torn_bytes,
            seals=len(self._seals),
            signed=sum(bool(seal.signature) for seal in self._seals.values()),
            checked=len(self._seals) if self._key else 0,
            unsealed=self._tree.count,
            link=position.link.hex(),
        )

    def _read(self) -> Iterator[Record]:
        """Records of the journal; one that is being written while it is read gets a second look."""
        tried, where = 0, -1
        while True:
            try:
                yield from self._reader
                return
            except JournalDamaged as damaged:
                tried, where = (tried + 1, where) if damaged.sequence == where else (1, damaged.sequence)
                if tried == _ATTEMPTS:
                    self._bad = Finding(
                        seq=damaged.sequence, offset=damaged.offset, segment=damaged.segment, why=damaged.message
                    )
                    return
                self._reader = self._source(self._reader.position)

    def _objection(self, record: Record) -> str:
        """What is wrong with a seal, or nothing; then the next one begins."""
        try:
            seal = decoded(record.payload)
        except msgspec.DecodeError as error:
            return f"a record of kind {KIND} that holds no seal: {error}"
        before = self._seals[next(reversed(self._seals))] if self._seals else None
        wrong = self._wrong(seal, record, before)
        self._seals[record.sequence] = seal
        self._tree = Tree()
        return wrong

    def _wrong(self, seal: Seal, record: Record, before: Seal | None) -> str:
        tree = self._tree
        if seal.version != VERSION:
            return f"a seal of version {seal.version}, this one reads {VERSION}"
        if (seal.first, seal.last, seal.count) != (record.sequence - tree.count, record.sequence - 1, tree.count):
            return f"the seal covers records {seal.first} to {seal.last}, not all since the one before"
        if (seal.link, seal.previous) != (record.previous.hex(), before.root if before else GENESIS.hex()):
            return "the seal does not follow the one before"
        if seal.root != tree.root().hex():
            return f"the seal of records {seal.first} to {seal.last} stands for other records"
        return self._ill_signed(seal, record)

    def _ill_signed(self, seal: Seal, record: Record) -> str:
        """A seal without a signature waits for one after it that has: that one's link stands for all before it."""
        wrong = self._unsigned(seal)
        if self._key is None or seal.signature:
            self._not_vouched = None if not wrong else self._not_vouched
            return wrong
        self._not_vouched = self._not_vouched or self._finding(wrong, seq=record.sequence, before_end=_room(record))
        return ""

    def _unsigned(self, seal: Seal) -> str:
        if self._key is None:
            return ""
        which = f"the seal of records {seal.first} to {seal.last}"
        if not seal.signature:
            return f"{which} is not signed, nor is one after it"
        if seal.key != self._key.hex:
            return f"{which} is signed by another key, {seal.key}"
        return (
            "" if self._key.signed(seal.message(), seal.signature) else f"{which} has a signature that is not its own"
        )

    def _kept(self) -> list[Seal]:
        """The seals beside the journal; a file that is none is a finding."""
        try:
            return [plain(seal) for seal in kept(self._disk)]
        except JournalDamaged as damaged:
            self._bad = Finding(seq=0, offset=0, segment=damaged.segment, why=damaged.message)
            return []

    def _compare(self, wanted: list[Seal]) -> None:
        """Whether the journal has every seal that somebody kept."""
        for seal in sorted(wanted, key=lambda seal: seal.last):
            found = self._seals.get(seal.last + 1)
            if found != seal:
                why = self._unsigned(seal) or self._missing(seal, found)
                self._find(why, seq=min(seal.last + 1, self._reader.position.sequence))
                return

    def _missing(self, seal: Seal, found: Seal | None) -> str:
        which = f"the seal of records {seal.first} to {seal.last}"
        records = self._reader.position.sequence
        if records <= seal.last + 1:
            return f"{which} was kept, and the journal has {records} records: its end was taken away"
        return f"{which} was kept, and the journal has {'another' if found else 'none'} there: it was written anew"

    def _find(self, why: str, *, seq: int, before_end: int = 0) -> None:
        self._bad = self._finding(why, seq=seq, before_end=before_end)

    def _finding(self, why: str, *, seq: int, before_end: int = 0) -> Finding:
        position = self._reader.position
        return Finding(seq=seq, offset=max(position.offset - before_end, 0), segment=position.segment, why=why)

    def _torn(self) -> int:
        """Bytes after the last record that are not zero, and what lies between."""
        position = self._reader.position
        if not position.segment:
            return 0
        return len(bytes_of(self._disk, position.segment)[position.offset :].rstrip(b"\0"))


def _room(record: Record) -> int:
    """Bytes that a record takes in its segment."""
    return room(HEADER_BYTES + len(record.kind.encode()) + len(record.payload))


def verify(
    disk: Disk,
    *,
    source: Source | None = None,
    key: PublicKey | None = None,
    elsewhere: Sequence[Seal] = (),
    progress: Callable[[str], None] = lambda segment: None,
) -> Verdict:
    """Check a whole journal: one whose records, chain and seals are all as they were written has no `first_bad`.

    Its records are in the segments on the disk unless there is a `source`; its seals are files there either way. With a
    `key`, each seal must be signed by its owner. `progress` hears each segment's name. Raises `OSError`.
    """
    audit, segment = Audit(disk, source=source, key=key, elsewhere=elsewhere), ""
    for _ in audit.records():
        if audit.segment is not segment:
            segment = audit.segment
            progress(segment)
    return audit.verdict()


def journal_of(run: Path) -> FolderDisk:
    """The journal of a run folder, or of a folder that is one. Raises `ConfigError` where there is none."""
    for folder in (run / _FOLDER, run):
        if folder.is_dir() and (folder.name == _FOLDER or any(folder.glob(f"*{SUFFIX}"))):
            return FolderDisk(folder)
    raise ConfigError("no journal here", value=str(run), fix="name a run folder, or the folder that holds its segments")
