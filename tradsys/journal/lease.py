"""Who may write: a lease with an epoch that only rises, so that a process that slept through its end does nothing more.

A lease is a small file, named by its epoch, beside the journal. It is created exclusively: of two processes that want
one epoch, one has it. A lease ends when its process does (the writer's lock frees itself), or when it was not renewed
for `LEASE_SECONDS` although the process still is (stopped, or stuck in a call): then the lock is seized. Whoever holds
epoch n is fenced from the moment that n + 1 exists, and asks before each write and each permission to send.

Times are nanoseconds of a steady clock that all processes of the machine share. They compare only within one run of the
machine (`Disk.boot`); a restart of it frees the lock anyway.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

from tradsys.core.errors import Fenced, JournalFailed, ResourceError
from tradsys.core.units import SECOND
from tradsys.journal.disk import FULL, Disk, DiskFile
from tradsys.journal.reading import bytes_of

LEASE_SECONDS = 5
SUFFIX = ".lease"
_BYTES = 512
_HEAD_BYTES = 8
_LONGEST_NAME = 40


class Tenure(msgspec.Struct, frozen=True, kw_only=True):
    """What a lease's file says: who holds it, in which run of the machine, when it was last renewed (steady ns), and
    whether a process before it may still sleep with files of the journal open."""

    epoch: int
    holder: str
    boot: str
    renewed_at: int
    sleeper: bool = False


class Lease:
    """Permission to write a journal, held by this process. Made by `Lease.acquire`.

    `epoch` goes to the venue with every connection.
    """

    def __init__(self, disk: Disk, file: DiskFile, tenure: Tenure) -> None:
        self._disk = disk
        self._file = file
        self._tenure = tenure
        self._own, self._next = _name(tenure.epoch), _name(tenure.epoch + 1)

    @property
    def epoch(self) -> int:
        """The number of this lease: higher than all before it."""
        return self._tenure.epoch

    @property
    def taken_over(self) -> bool:
        """Whether a process before may still be there, with files of the journal open."""
        return self._tenure.sleeper

    @classmethod
    def acquire(cls, disk: Disk, *, holder: str, now: int, above: int = 0) -> Lease:
        """Become the only writer, durably. `holder` is for people; `now` is the steady clock, nanoseconds; the epoch is
        higher than `above`, too.

        Raises `ResourceError` naming the holder and the age of its lease while another process has one, `JournalFailed`
        where the disk fails.
        """
        try:
            return cls._acquired(disk, holder=holder[:_LONGEST_NAME], now=now, above=above)
        except OSError as error:
            raise _failed(error) from error

    @classmethod
    def _acquired(cls, disk: Disk, *, holder: str, now: int, above: int) -> Lease:
        locked = _locked(disk, holder)
        before = epochs(disk)
        last = before[-1] if before else 0
        if not locked:
            _refuse_unless_stale(disk, last, now)
        sleeper = not locked or (last > 0 and _may_sleep(disk, last))
        tenure = Tenure(epoch=max(last, above) + 1, holder=holder, boot=disk.boot, renewed_at=now, sleeper=sleeper)
        file = _file_for(disk, tenure, reuse=last if locked else 0)
        if not locked:
            disk.seize(holder)
        lease = cls(disk, file, tenure)
        lease.check()
        for name in (_name(epoch) for epoch in before):
            if disk.has(name):
                disk.remove(name)
        return lease

    def renew(self, now: int) -> None:
        """Say that this process is there; at least once a second. Raises `Fenced`, `JournalFailed`."""
        self.check()
        self._say(msgspec.structs.replace(self._tenure, renewed_at=now))

    def settle(self) -> None:
        """Say that whoever sleeps holds no file of the journal any more. Raises `JournalFailed`."""
        self._say(msgspec.structs.replace(self._tenure, sleeper=False))

    def _say(self, tenure: Tenure) -> None:
        self._tenure = tenure
        try:
            # Into the file of this epoch alone, whoever holds the next; not synced, since no restart believes it.
            self._file.write(0, _framed(tenure))
        except OSError as error:
            raise _failed(error) from error

    def check(self) -> None:
        """Go on only while no other process has taken over. Raises `Fenced`, `JournalFailed`."""
        try:
            fenced = self._disk.has(self._next) or not self._disk.has(self._own)
        except OSError as error:
            raise _failed(error) from error
        if fenced:
            raise Fenced(
                f"another process took over from {self._tenure.holder}, which held lease {self.epoch}",
                value=self.epoch,
                fix="stop; what was not durable before did not happen",
            )

    def release(self) -> None:
        """Let another process write at once."""
        self._file.close()
        self._disk.unlock(self._tenure.holder)


def epochs(disk: Disk) -> list[int]:
    """Epochs of the leases that have a file, lowest first; the last one holds."""
    numbers = [name.removesuffix(SUFFIX) for name in disk.names() if name.endswith(SUFFIX)]
    return sorted(int(number) for number in numbers if number.isdecimal())


def tenure_of(disk: Disk, epoch: int) -> Tenure | None:
    """What a lease says of itself; None where its file is not whole. Raises `OSError`."""
    data = bytes_of(disk, _name(epoch))
    length, checksum = int.from_bytes(data[:4], "little"), int.from_bytes(data[4:_HEAD_BYTES], "little")
    content = data[_HEAD_BYTES : _HEAD_BYTES + length]
    if not length or crc32(content) != checksum:
        return None
    return msgspec.json.decode(content, type=Tenure)


def _locked(disk: Disk, holder: str) -> bool:
    try:
        disk.lock(holder)
    except ResourceError:
        return False
    return True


def _refuse_unless_stale(disk: Disk, epoch: int, now: int) -> None:
    """Raises `ResourceError` unless the holder of the lock has been silent for too long."""
    tenure = tenure_of(disk, epoch) if epoch else None
    if tenure is None or tenure.boot != disk.boot:
        # It has no lease, is just writing one, or runs on another machine: nobody can say that it sleeps.
        raise ResourceError("another process writes this journal", value=epoch, fix="stop it first, or read only")
    age = now - tenure.renewed_at
    if age < LEASE_SECONDS * SECOND:
        raise ResourceError(
            f"{tenure.holder} writes this journal: it renewed lease {epoch} {age / SECOND:.1f} s ago",
            value=tenure.holder,
            limit=f"{LEASE_SECONDS} s",
            fix="stop it first, or read only",
        )


def _may_sleep(disk: Disk, epoch: int) -> bool:
    """Whether the holder of a lease, which ended, had taken over from one that was not made harmless yet."""
    tenure = tenure_of(disk, epoch)
    return tenure is None or (tenure.sleeper and tenure.boot == disk.boot)


def _file_for(disk: Disk, tenure: Tenure, *, reuse: int) -> DiskFile:
    """The lease's file, durable. Raises `ResourceError` where another process was faster.

    On a full disk a process that died leaves that of epoch `reuse`: a restart must be able to withdraw what is open.
    """
    try:
        file = disk.create(_name(tenure.epoch), size=_BYTES)
    except FileExistsError:
        disk.unlock(tenure.holder)
        raise ResourceError(
            "another process takes this journal over at this moment", value=tenure.epoch, fix="read only"
        ) from None
    except OSError as error:
        if error.errno not in FULL or not reuse:
            raise
        disk.rename(_name(reuse), to=_name(tenure.epoch))
        file = disk.open(_name(tenure.epoch), writable=True)
    file.write(0, _framed(tenure))
    file.sync()
    disk.sync_names()
    return file


def _name(epoch: int) -> str:
    return f"{epoch:016d}{SUFFIX}"


def _framed(tenure: Tenure) -> bytes:
    content = msgspec.json.encode(tenure)
    framed = len(content).to_bytes(4, "little") + crc32(content).to_bytes(4, "little") + content
    return framed.ljust(_BYTES, b"\0")


def _failed(error: OSError) -> JournalFailed:
    return JournalFailed(f"the lease cannot be kept: {error}", fix="see to the disk, then restart")
