"""Writing the journal: records wait, a commit makes all that wait durable at once, and nothing is durable in part.

The order of a commit: write, sync, only then count as durable. The first error of the disk ends the journal for good: a
second sync of the same file may claim what the first one lost (PostgreSQL's lesson of 2018).
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from tradsys.core.errors import JournalFailed, JournalFull
from tradsys.journal.disk import Disk, DiskFile
from tradsys.journal.reading import Position, Reader, segment_name
from tradsys.journal.records import Record, encode

SEGMENT_BYTES = 2**23
RESERVE_BYTES = 2**24
_RESERVE = "reserve"
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Journal:
    """The only writer of one journal. `durable` records are on stable storage, `waiting` ones not yet.

    Whoever appends decides when to commit: before an effect leaves, or when enough wait. Made by `open_journal`.
    """

    def __init__(self, disk: Disk, position: Position, *, segment_bytes: int) -> None:
        self._disk = disk
        self._segment_bytes = segment_bytes
        self._sequence = position.sequence
        self._link = self._durable_link = position.link
        self._segment = position.segment
        self._offset = position.offset
        self._file: DiskFile | None = disk.open(position.segment, writable=True) if position.segment else None
        self._waiting: list[bytes] = []
        self._failure = ""
        self.durable = position.sequence
        self.on_reserve = False

    @property
    def waiting(self) -> int:
        """Records that the next commit makes durable."""
        return len(self._waiting)

    @property
    def position(self) -> Position:
        """Where the next commit goes."""
        return Position(sequence=self.durable, link=self._durable_link, segment=self._segment, offset=self._offset)

    @property
    def link(self) -> bytes:
        """The link of the last record, durable or not: it stands for everything before it."""
        return self._link

    def append(
        self, kind: str, payload: bytes, *, at: int, recorded_at: int, cause: int = -1, essential: bool = False
    ) -> int:
        """Add a record to those that wait; its sequence. `essential` is what closes a position or records what happened
        elsewhere: it may use the reserve.

        Raises `ConfigError` for what is too long, `JournalFull`, and `JournalFailed` after a failure.
        """
        if self._failure or (self.on_reserve and not essential):
            raise self._refusal()
        sequence = self._sequence
        data, link = encode(
            sequence=sequence,
            commit=sequence - len(self._waiting),
            kind=kind,
            payload=payload,
            at=at,
            recorded_at=recorded_at,
            cause=cause,
            previous=self._link,
        )
        self._waiting.append(data)
        self._sequence, self._link = sequence + 1, link
        return sequence

    def commit(self) -> int:
        """Make all that wait durable; how many records are now. Raises `JournalFailed` (what waited did not happen)."""
        if self._failure:
            raise self._refusal()
        if not self._waiting:
            return self.durable
        data = b"".join(self._waiting)
        try:
            file = self._room_for(len(data))
            file.write(self._offset, data)
            file.sync()
        except OSError as error:
            raise self._failed(error) from error
        self._offset += len(data)
        self._waiting.clear()
        self.durable, self._durable_link = self._sequence, self._link
        return self.durable

    def close(self) -> None:
        """Commit what waits and give the file back."""
        self.commit()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _room_for(self, size: int) -> DiskFile:
        """The file that the next commit goes to: this segment, or a new one where it does not fit."""
        if self._file is not None and self._offset + size <= self._file.size:
            return self._file
        name = segment_name(self.durable)
        try:
            file = self._disk.create(name, size=max(self._segment_bytes, size))
        except OSError as error:
            if error.errno not in _FULL:
                raise
            file = self._from_reserve(name, size)
        self._disk.sync_names()
        if self._file is not None:
            self._file.close()
        self._file, self._segment, self._offset = file, name, 0
        return file

    def _from_reserve(self, name: str, size: int) -> DiskFile:
        """The space set aside becomes the next segment: from now on for what is essential."""
        if _RESERVE not in self._disk.names():
            raise OSError(errno.ENOSPC, "no space, and the reserve is used")
        self._disk.rename(_RESERVE, to=name)
        self.on_reserve = True
        file = self._disk.open(name, writable=True)
        if size > file.size:
            raise OSError(errno.ENOSPC, "a commit larger than the reserve")
        return file

    def _failed(self, error: OSError) -> JournalFailed:
        self._failure = str(error)
        self._waiting.clear()
        return self._refusal()

    def _refusal(self) -> JournalFailed:
        if self._failure:
            return JournalFailed(
                f"the journal failed: {self._failure}", value=self.durable, fix="stop; a restart reads what is durable"
            )
        return JournalFull(
            "the disk is full: only what reduces risk or records what happened goes on",
            value=self.durable,
            fix="free space and restart",
        )


def open_journal(
    disk: Disk,
    *,
    told: Callable[[Record], None] = lambda record: None,
    since: Position | None = None,
    segment_bytes: int = SEGMENT_BYTES,
    reserve_bytes: int = RESERVE_BYTES,
) -> Journal:
    """Become the writer of a journal, new or not: `told` hears every record there is, from `since` on where given.

    The torn end of a crash is cleared: it was never durable. Raises `ResourceError` while another process writes,
    `JournalDamaged` for anything else that is not whole, `JournalFailed` where the disk fails.
    """
    disk.lock()
    reader = Reader(disk, since)
    try:
        for record in reader:
            told(record)
        position = reader.position
        if reader.torn is not None:
            _clear(disk, position)
        full = _keep_reserve(disk, reserve_bytes)
        journal = Journal(disk, position, segment_bytes=segment_bytes)
    except OSError as error:
        raise JournalFailed(f"the journal cannot be opened: {error}", fix="see to the disk, then restart") from error
    journal.on_reserve = full
    return journal


def _clear(disk: Disk, position: Position) -> None:
    """Zeros from the end of the last whole record on, so that what follows is read as what it is."""
    file = disk.open(position.segment, writable=True)
    try:
        file.write(position.offset, bytes(file.size - position.offset))
        file.sync()
    finally:
        file.close()


def _keep_reserve(disk: Disk, size: int) -> bool:
    """Set space aside; whether there was none, so that only what is essential goes on."""
    if _RESERVE in disk.names():
        return False
    try:
        disk.create(_RESERVE, size=size).close()
        disk.sync_names()
    except OSError as error:
        if error.errno not in _FULL:
            raise
        return True
    return False
