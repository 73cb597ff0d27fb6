"""Whether the records before a place are as they were written: checksums and links alone, some half a million a second.

A restart from a snapshot reads only what came after it, and would trade on a journal that is damaged before.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from zlib import crc32

from tradsys.core.errors import JournalDamaged
from tradsys.core.units import DAY
from tradsys.journal.disk import Disk
from tradsys.journal.reading import Position, Reader, bytes_of, first_of, segment_name, segments
from tradsys.journal.records import GENESIS, HEAD_BYTES, HEADER, HEADER_BYTES, MAGIC, VERSION, room

LEAST = 1_000_000
"""So many records before a place are checked, whatever their age: some two seconds."""
SPAN = DAY
"""And all that were recorded so many nanoseconds before the last of them."""


def check_before(
    disk: Disk,
    end: Position,
    *,
    least: int = LEAST,
    span: int = SPAN,
    pause: Callable[[], None] = lambda: None,
) -> int:
    """Check the `least` last records before `end` and all of the last `span` ns, from the start of a segment on; how
    many were checked. `pause` is called after each segment.

    Raises `JournalDamaged` as reading them does, `OSError`.
    """
    names = [name for name in segments(disk) if first_of(name) < end.sequence]
    begun = _begin(disk, names, end, least=least, span=span)
    first = first_of(names[begun]) if begun else 0
    position = Position(sequence=first)
    for name in names[begun:]:
        if name != segment_name(position.sequence):
            raise _found(disk, position, end)
        data = bytes_of(disk, name)
        if position.sequence == first and first:
            position.link = _previous(data)
        position.segment, position.offset = name, 0
        _walk(data, position, end)
        is_last = position.sequence == end.sequence
        if not is_last and data.count(0, position.offset) != len(data) - position.offset:
            raise _found(disk, position, end)
        pause()
    if (position.sequence, position.link) != (end.sequence, end.link):
        raise _found(disk, position, end)
    return position.sequence - first


def _begin(disk: Disk, names: list[str], end: Position, *, least: int, span: int) -> int:
    """The first segment to check: the last that begins so many records, and so long, before the end."""
    latest = _recorded_at(disk, names[-1]) if names else 0
    for index in range(len(names) - 1, 0, -1):
        if end.sequence - first_of(names[index]) >= least and _recorded_at(disk, names[index]) <= latest - span:
            return index
    return 0


def _recorded_at(disk: Disk, name: str) -> int:
    """When the first record of a segment was recorded; 0 where that cannot be read."""
    file = disk.open(name)
    try:
        head = file.read(0, size=HEADER_BYTES)
    finally:
        file.close()
    return int(HEADER.unpack(head)[8]) if len(head) == HEADER_BYTES else 0


def _previous(data: bytes) -> bytes:
    """The link before the first record of a segment, by its own word: the first segment's word is all there is."""
    return bytes(HEADER.unpack_from(data)[10]) if len(data) >= HEADER_BYTES else GENESIS


def _walk(data: bytes, position: Position, end: Position) -> None:
    """Go on over whole records that follow each other, up to the first that does not, or to the end."""
    view, unpack, size = memoryview(data), HEADER.unpack_from, len(data)
    offset, sequence, link, last = position.offset, position.sequence, position.link, end.sequence
    while sequence < last and offset + HEADER_BYTES <= size:
        magic, length, checksum, version, _, number, _, _, _, _, previous = unpack(data, offset)
        if magic != MAGIC or not HEADER_BYTES < length <= size - offset or version != VERSION:
            break
        body = view[offset + HEAD_BYTES : offset + length]
        if crc32(body, length) != checksum or number != sequence or previous != link:
            break
        link = sha256(body).digest()
        sequence += 1
        offset += room(length)
    position.offset, position.sequence, position.link = offset, sequence, link


def _found(disk: Disk, position: Position, end: Position) -> JournalDamaged:
    """What the journal's reader says of a place that cannot be gone on from."""
    try:
        for record in Reader(disk, position):
            if record.sequence >= end.sequence:
                break
    except JournalDamaged as damaged:
        return damaged
    return JournalDamaged(
        "the journal is not whole: it does not lead to its snapshot",
        segment=position.segment,
        offset=position.offset,
        sequence=position.sequence,
        fix="restore this file from a copy; nothing was changed",
    )
