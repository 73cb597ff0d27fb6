"""Reading a journal back: every record in order, the end that a crash tore off, and damage, which is never skipped.

A commit is on stable storage before the next one is written. So bytes that are no record are the torn end of the last
commit, unless a record of a later commit follows them: then they are damage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from tradsys.core.errors import JournalDamaged
from tradsys.journal.disk import Disk
from tradsys.journal.records import GENESIS, HEAD_BYTES, MAGIC, Broken, Record, decode, length_of, room

SUFFIX = ".segment"
_LATEST_SEGMENTS = 2
"""They hold minutes of trading, and reading them takes a moment."""
_MAGIC_BYTES = MAGIC.to_bytes(4, "little")


def segment_name(first: int) -> str:
    """Name of the segment whose first record has a sequence."""
    return f"{first:016d}{SUFFIX}"


def first_of(name: str) -> int:
    """The sequence that a segment's name says."""
    return int(name.removesuffix(SUFFIX))


def segments(disk: Disk) -> list[str]:
    """Names of the segments, oldest first."""
    return [name for name in disk.names() if name.endswith(SUFFIX)]


class Position(msgspec.Struct, kw_only=True):
    """How far a journal has been read: the next record's sequence and place, the link before it."""

    sequence: int = 0
    link: bytes = GENESIS
    segment: str = ""
    offset: int = 0


class Reader:
    """Every record of a journal, or those after `since`. `position` is where it stands; at the end, where the next
    record goes. A record of a kind that is not among `kinds`, where they are given, is refused as damage is: what reads
    on would not know what it missed."""

    def __init__(self, disk: Disk, since: Position | None = None, *, kinds: Collection[str] | None = None) -> None:
        self._disk = disk
        self._kinds = kinds
        self.position = msgspec.structs.replace(since) if since is not None else Position()
        self.torn: Broken | None = None
        """What the end looked like, where a crash tore it off."""

    def __iter__(self) -> Iterator[Record]:
        """Raises `JournalDamaged` with segment, offset and sequence of the first bad byte there is."""
        begun = self.position.segment
        names = [name for name in segments(self._disk) if name >= begun]
        for index, name in enumerate(names):
            if name != begun and name != segment_name(self.position.sequence):
                raise self._damaged(name, 0, f"this segment should be {segment_name(self.position.sequence)}")
            if name != begun:
                self.position.segment, self.position.offset = name, 0
            data = bytes_of(self._disk, name)
            yield from self._segment(name, data, names[index + 1 :])
            if self.torn is not None:
                return

    def _segment(self, name: str, data: bytes, later: list[str]) -> Iterator[Record]:
        position = self.position
        while position.offset < len(data):
            length = length_of(data[position.offset : position.offset + HEAD_BYTES])
            found = self._next(data[position.offset : position.offset + length])
            if isinstance(found, Record):
                position.offset += room(length)
                position.sequence, position.link = found.sequence + 1, found.link
                yield found
            elif self._is_end(data, found, later):
                return
            else:
                raise self._damaged(name, position.offset, found.why, newer=found.newer)

    def _next(self, data: bytes) -> Record | Broken:
        """The record that some bytes are, if it follows the one before."""
        position = self.position
        found = decode(data)
        if isinstance(found, Broken):
            return found
        if found.sequence != position.sequence or found.previous != position.link:
            return Broken(why=f"record {found.sequence} does not follow {position.sequence - 1}")
        if self._kinds is not None and found.kind not in self._kinds:
            return Broken(why=f"this version knows no record of kind {found.kind!r}", newer=True)
        return found

    def _is_end(self, data: bytes, found: Broken, later: list[str]) -> bool:
        """Whether nothing but the remains of one commit lies beyond; then the journal ends here."""
        position = self.position
        rest = data[position.offset :]
        if found.newer:
            return False
        if later:
            # A full segment: its end is zeros, and the record that did not fit opens the next one.
            return _is_empty(rest) and later[0] == segment_name(position.sequence)
        if not _is_empty(rest):
            if any(each.commit > position.sequence for each in _records_in(rest)):
                return False
            self.torn = found
        return True

    def _damaged(self, name: str, offset: int, why: str, *, newer: bool = False) -> JournalDamaged:
        fix = (
            "read it with the version that wrote it" if newer else "restore this file from a copy; nothing was changed"
        )
        return JournalDamaged(
            f"the journal is not whole: {why}",
            segment=name,
            offset=offset,
            sequence=self.position.sequence,
            fix=fix,
        )


def latest_records(disk: Disk) -> Iterator[Record]:
    """The records of the last segments, each up to the first bytes that are none; nothing else of them is checked.
    Raises `OSError`."""
    for name in segments(disk)[-_LATEST_SEGMENTS:]:
        data, offset = bytes_of(disk, name), 0
        while length := length_of(data[offset : offset + HEAD_BYTES]):
            record = decode(data[offset : offset + length])
            if isinstance(record, Broken):
                break
            yield record
            offset += room(length)


def _is_empty(data: bytes) -> bool:
    return data == bytes(len(data))


def _records_in(data: bytes) -> Iterator[Record]:
    """Everything in some bytes that is a record, wherever it begins."""
    start = data.find(_MAGIC_BYTES)
    while start >= 0:
        found = decode(data[start : start + length_of(data[start : start + HEAD_BYTES])])
        if isinstance(found, Record):
            yield found
        start = data.find(_MAGIC_BYTES, start + 1)


def bytes_of(disk: Disk, name: str) -> bytes:
    """A whole file."""
    file = disk.open(name)
    try:
        return file.read(0, size=file.size)
    finally:
        file.close()
