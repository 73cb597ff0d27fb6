"""Writing the journal: records wait, a commit makes all that wait durable at once, and nothing is durable in part.

The order of a commit: write, sync, only then count as durable. The first error of the disk ends the journal for good: a
second sync of the same file may claim what the first one lost (PostgreSQL's lesson of 2018).

Under a lease, a commit asks before it writes whether the lease still holds. Between that question and the write another
process may take over; what such a write needs then fails or lands in a file that nobody reads (`opening.py`).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import msgspec

from tradsys.core.durable import DurableIntent
from tradsys.core.errors import InvariantBroken, JournalFailed, JournalFull
from tradsys.core.venue import AnyCommand, PlaceOrder
from tradsys.journal.disk import FULL, Disk, DiskFile
from tradsys.journal.lease import Lease
from tradsys.journal.reading import Position, Reader, segment_name
from tradsys.journal.records import encode

if TYPE_CHECKING:
    from tradsys.journal.port import JournalReader

SEGMENT_BYTES = 2**23
RESERVE_BYTES = 2**24
INTENT = "intent"
"""Kind of the record of a command that may leave once it is durable: the payload is the command as JSON."""
RESERVE = "reserve"


def reserve_name(lease: Lease | None) -> str:
    """Name of the space set aside: another under each lease, so that a process whose lease ended cannot use it."""
    return RESERVE if lease is None else f"{RESERVE}-{lease.epoch}"


class Journal:
    """The only writer of one journal. `durable` records are on stable storage, `waiting` ones not yet.

    Whoever appends decides when to commit: before an effect leaves, or when enough wait. Made by `open_journal`.
    """

    def __init__(self, disk: Disk, position: Position, *, segment_bytes: int, lease: Lease | None = None) -> None:
        self._disk = disk
        self._lease = lease
        self._segment_bytes = segment_bytes
        self._sequence = position.sequence
        self._link = self._durable_link = position.link
        self._segment = position.segment
        self._offset = position.offset
        self._file: DiskFile | None = disk.open(position.segment, writable=True) if position.segment else None
        self._waiting: list[bytes] = []
        self._intents: dict[int, bytes] = {}
        self._failure = ""
        self.durable = position.sequence
        self.on_reserve = False

    @property
    def waiting(self) -> int:
        """Records that the next commit makes durable."""
        return len(self._waiting)

    @property
    def nearly_full(self) -> bool:
        """Whether the disk lacks space for the segment after this one, or does not say."""
        try:
            return self._disk.free < self._segment_bytes
        except OSError:
            return True

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

    def append_intent(self, command: AnyCommand, *, at: int, recorded_at: int, cause: int = -1) -> int:
        """Add the record of a command that shall leave; its sequence, for `mint` after the commit. It may use the
        reserve; whether it may leave then is for `mint` to say. Raises as `append`."""
        payload = msgspec.json.encode(command)
        sequence = self.append(INTENT, payload, at=at, recorded_at=recorded_at, cause=cause, essential=True)
        self._intents[sequence] = payload
        return sequence

    def mint(self, sequence: int, *, epoch: int, command: AnyCommand) -> DurableIntent:
        """The permission to send a command whose record, appended by this journal, is durable: once a record.

        Raises `InvariantBroken` for any other sequence, command or epoch, `JournalFull` for an order that opens while
        the journal is on its reserve, `Fenced`, `JournalFailed`.
        """
        self.check()
        if sequence >= self.durable:
            raise InvariantBroken("nothing leaves before its record is durable", value=sequence, limit=self.durable)
        if self._lease is not None and epoch != self._lease.epoch:
            raise InvariantBroken("a permission under another lease", value=epoch, limit=self._lease.epoch)
        if self._intents.get(sequence) != msgspec.json.encode(command):
            raise InvariantBroken("this command is not what that record says, or it left already", value=sequence)
        if self.on_reserve and isinstance(command, PlaceOrder) and not command.reduces:
            raise self._refusal()
        del self._intents[sequence]
        return DurableIntent(sequence=sequence, epoch=epoch, command=command)

    def check(self) -> None:
        """Go on only while the journal is whole and this process the one that writes it. Raises `JournalFailed`."""
        if self._failure:
            raise self._refusal()
        if self._lease is None:
            return
        try:
            self._lease.check()
        except JournalFailed as error:
            self._end(error.message)
            raise

    def commit(self) -> int:
        """Make all that wait durable; how many records are now. Raises `JournalFailed` (what waited did not happen)."""
        self.check()
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

    def read(self, since: Position | None = None) -> JournalReader:
        """What is durable, from a position on or from the beginning, by the way that it is written; see
        `JournalPort`."""
        return Reader(self._disk, since)

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
            file = self._new_segment(name, max(self._segment_bytes, size))
        except OSError as error:
            if error.errno not in FULL:
                raise
            file = self._from_reserve(name, size)
        self._disk.sync_names()
        # The file may have been opened by its name after another process took over.
        self.check()
        if self._file is not None and self._file is not file:
            self._file.close()
        self._file, self._segment, self._offset = file, name, 0
        return file

    def _new_segment(self, name: str, size: int) -> DiskFile:
        """A segment of a size: the one that is there, while it is empty, or another."""
        if self._file is None or self._segment != name:
            return self._disk.create(name, size=size)
        self._file.grow(size)
        return self._file

    def _from_reserve(self, name: str, size: int) -> DiskFile:
        """The space set aside becomes the next segment: from now on for what is essential."""
        reserve = reserve_name(self._lease)
        if not self._disk.has(reserve):
            raise OSError(errno.ENOSPC, "no space, and the reserve is used")
        self._disk.rename(reserve, to=name)
        self.on_reserve = True
        file = self._disk.open(name, writable=True)
        if size > file.size:
            raise OSError(errno.ENOSPC, "a commit larger than the reserve")
        return file

    def _failed(self, error: OSError) -> JournalFailed:
        self._end(str(error))
        return self._refusal()

    def _end(self, why: str) -> None:
        self._failure = why
        self._waiting.clear()
        self._intents.clear()

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
