"""Becoming the writer of a journal: what is there is read, what a crash left is cleared, what another process may still
do is made harmless."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import msgspec

from tradsys.core.errors import JournalFailed, ResourceError
from tradsys.journal.chain import check_before
from tradsys.journal.disk import FULL, UNFINISHED, Disk, publish
from tradsys.journal.journal import RESERVE, RESERVE_BYTES, SEGMENT_BYTES, Journal, reserve_name
from tradsys.journal.lease import Lease, epochs
from tradsys.journal.reading import Position, Reader, bytes_of, latest_records, segment_name
from tradsys.journal.records import Record


def open_journal(
    disk: Disk,
    *,
    told: Callable[[Record], None] = lambda record: None,
    since: Position | None = None,
    kinds: Collection[str] | None = None,
    lease: Lease | None = None,
    segment_bytes: int = SEGMENT_BYTES,
    reserve_bytes: int = RESERVE_BYTES,
) -> Journal:
    """Become the writer of a journal, new or not: `told` hears every record there is, from `since` on where given.

    A journal that was written under a lease is written under one ever after. The torn end of a crash is cleared: it was
    never durable. Raises `ResourceError` while another process writes, `JournalDamaged` for anything else that is not
    whole and for a record of a kind that is not among `kinds`, `JournalFailed` where the disk fails, `Fenced`.
    """
    try:
        if lease is None:
            _lock_without_lease(disk)
        tidy(disk, lease)
        reader = Reader(disk, since, kinds=kinds)
        for record in reader:
            told(record)
        position = _ready(disk, reader, lease, segment_bytes)
        full = _keep_reserve(disk, lease, reserve_bytes)
        journal = Journal(disk, position, segment_bytes=segment_bytes, lease=lease)
    except OSError as error:
        raise JournalFailed(f"the journal cannot be opened: {error}", fix="see to the disk, then restart") from error
    journal.on_reserve = full
    return journal


def _lock_without_lease(disk: Disk) -> None:
    disk.lock()
    if known := epochs(disk):
        disk.unlock()
        raise ResourceError(
            "this journal is written under a lease", value=known[-1], fix="acquire its lease, or read only"
        )


def _ready(disk: Disk, reader: Reader, lease: Lease | None, segment_bytes: int) -> Position:
    """Where the next commit goes, once nothing else is there."""
    if lease is not None and lease.taken_over:
        position = _take_over(disk, reader.position, lease, segment_bytes)
        lease.settle()
        return position
    if reader.position.segment:
        _settle(disk, reader.position, lease)
    return reader.position


def _take_over(disk: Disk, position: Position, lease: Lease, segment_bytes: int) -> Position:
    """Make harmless what the process before may still do when it wakes in the middle of a commit.

    Its open segment becomes a file without a name, since a copy takes the name. The segment that it may want to create
    is created here: creating is exclusive. The reserve has a name that it does not know.
    """
    try:
        return _successors(disk, position, lease, segment_bytes)
    except OSError as error:
        if error.errno not in FULL or not disk.has(reserve_name(lease)):
            raise
    disk.remove(reserve_name(lease))
    return _successors(disk, position, lease, segment_bytes)


def _successors(disk: Disk, position: Position, lease: Lease, segment_bytes: int) -> Position:
    if position.segment:
        content = bytes_of(disk, position.segment)[: position.offset]
        lease.check()
        publish(disk, position.segment, content or bytes(segment_bytes))
    if position.offset or not position.segment:
        position = msgspec.structs.replace(position, segment=segment_name(position.sequence), offset=0)
        disk.create(position.segment, size=segment_bytes).close()
        disk.sync_names()
    return position


def _settle(disk: Disk, position: Position, lease: Lease | None) -> None:
    """Write the last segment again as it was read, zeros after its last whole record, and sync it.

    What a killed process wrote and did not sync is read like everything else, and lost with the power; nor would a sync
    alone do after one that failed, since the system then holds the pages for written.
    """
    file = disk.open(position.segment, writable=True)
    try:
        data = file.read(0, size=position.offset)
        if lease is not None:
            lease.check()
        file.write(0, data.ljust(file.size, b"\0"))
        file.sync()
    finally:
        file.close()


def tidy(disk: Disk, lease: Lease | None) -> None:
    """Clear what was never written to its end; the reserve of an earlier lease becomes that of this one. Raises
    `OSError`."""
    for name in disk.names():
        if name.endswith(UNFINISHED):
            disk.remove(name)
        elif lease is not None and name.startswith(RESERVE) and _epoch_of(name) < lease.epoch:
            disk.rename(name, to=reserve_name(lease))


def _epoch_of(reserve: str) -> int:
    """The lease that a reserve belongs to, 0 for none."""
    return int(reserve.removeprefix(RESERVE).removeprefix("-") or 0)


def _keep_reserve(disk: Disk, lease: Lease | None, size: int) -> bool:
    """Set space aside; whether there was none, so that only what is essential goes on."""
    if disk.has(reserve_name(lease)):
        return False
    try:
        disk.create(reserve_name(lease), size=size).close()
        disk.sync_names()
    except OSError as error:
        if error.errno not in FULL:
            raise
        return True
    return False


class SegmentStore:
    """A journal in segment files: see `JournalStore`."""

    epoch = 0

    def __init__(self, disk: Disk, *, segment_bytes: int = SEGMENT_BYTES, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.disk = disk
        self._sizes = {"segment_bytes": segment_bytes, "reserve_bytes": reserve_bytes}

    def read(self, since: Position | None = None) -> Reader:
        """See `JournalStore`."""
        return Reader(self.disk, since)

    def check_before(self, end: Position, *, pause: Callable[[], None] = lambda: None) -> int:
        """See `JournalStore`."""
        return check_before(self.disk, end, pause=pause)

    def latest(self) -> Iterator[Record]:
        """See `JournalStore`."""
        return latest_records(self.disk)

    def open(
        self,
        *,
        told: Callable[[Record], None] = lambda record: None,
        since: Position | None = None,
        kinds: Collection[str] | None = None,
        lease: Lease | None = None,
    ) -> Journal:
        """See `JournalStore`."""
        return open_journal(self.disk, told=told, since=since, kinds=kinds, lease=lease, **self._sizes)
