"""The seam to the disk: files of a fixed size in one folder, written in place and synced on demand.

Every method may raise `OSError`; who calls decides what that means.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Protocol

from tradsys.core.errors import ResourceError

_LOCK = "writer.lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ATTEMPTS = 3
UNFINISHED = ".unfinished"
"""Ends the name of a file that is being written, or never was to its end."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where there is no space."""


class DiskFile(Protocol):
    """One file whose bytes are there from its creation on."""

    @property
    def size(self) -> int:
        """Bytes of it."""

    def read(self, offset: int, *, size: int) -> bytes:
        """So many bytes, fewer at the end."""

    def write(self, offset: int, data: bytes) -> None:
        """All of `data`, inside the file; on stable storage only after `sync`."""

    def grow(self, size: int) -> None:
        """Take space for so many bytes in all, zeros where there were none."""

    def sync(self) -> None:
        """All that was written is on stable storage. Never to be tried again after it failed."""

    def close(self) -> None:
        """Give the file back."""


class Disk(Protocol):
    """A folder of files. Creating, renaming and removing last only after `sync_names`.

    Who has a file open keeps that very file when another takes its name.
    """

    @property
    def boot(self) -> str:
        """Names this run of the machine: times of the steady clock compare only within one."""

    @property
    def free(self) -> int:
        """Bytes that new files can still take."""

    def names(self) -> list[str]:
        """Names of the files, sorted."""

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def create(self, name: str, *, size: int) -> DiskFile:
        """A new file of zeros whose space is taken. Raises `FileExistsError` where there is one: of two that create one
        name at once, one succeeds."""

    def open(self, name: str, *, writable: bool = False) -> DiskFile:
        """A file that is there."""

    def rename(self, old: str, *, to: str) -> None:
        """Give a file another name; replaces one of that name."""

    def remove(self, name: str) -> None:
        """Take a file away."""

    def sync_names(self) -> None:
        """Names are on stable storage."""

    def lock(self, holder: str = "") -> None:
        """Be the only writer until the process ends. Raises `ResourceError` while another is."""

    def seize(self, holder: str = "") -> None:
        """Be that writer although another process, which sleeps, still is: its lock counts no more."""

    def unlock(self, holder: str = "") -> None:
        """Let another process write."""


def publish(disk: Disk, name: str, content: bytes) -> None:
    """Write a whole file so that it is there complete or not at all, whatever happens in between. Raises `OSError`."""
    unfinished = f"{name}{UNFINISHED}"
    if disk.has(unfinished):
        disk.remove(unfinished)
    file = disk.create(unfinished, size=len(content))
    try:
        file.write(0, content)
        file.sync()
    finally:
        file.close()
    disk.rename(unfinished, to=name)
    disk.sync_names()


class FolderDisk:
    """A folder of the file system. Not modelled: disks that say they synced and did not."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock: int | None = None

    @property
    def boot(self) -> str:
        """See `Disk`."""
        return _BOOT.read_text().strip()

    @property
    def free(self) -> int:
        """See `Disk`."""
        system = os.statvfs(self._folder)
        return system.f_bavail * system.f_frsize

    def names(self) -> list[str]:
        """See `Disk`."""
        return sorted(name for name in os.listdir(self._folder) if not name.startswith(_LOCK))

    def has(self, name: str) -> bool:
        """See `Disk`."""
        try:
            os.stat(f"{self._folder}/{name}")
        except FileNotFoundError:
            return False
        return True

    def create(self, name: str, *, size: int) -> DiskFile:
        """See `Disk`."""
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            os.fsync(descriptor)
        except OSError:
            os.close(descriptor)
            (self._folder / name).unlink()
            raise
        return FolderFile(descriptor)

    def open(self, name: str, *, writable: bool = False) -> DiskFile:
        """See `Disk`."""
        return FolderFile(os.open(self._folder / name, os.O_RDWR if writable else os.O_RDONLY))

    def rename(self, old: str, *, to: str) -> None:
        """See `Disk`."""
        (self._folder / old).rename(self._folder / to)

    def remove(self, name: str) -> None:
        """See `Disk`."""
        (self._folder / name).unlink()

    def sync_names(self) -> None:
        """See `Disk`."""
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lock(self, holder: str = "") -> None:
        """See `Disk`; the lock of the file system, which ends with the process however that ends."""
        for _ in range(_ATTEMPTS):
            if self._lock is not None:
                return
            self._try_lock()
        if self._lock is None:
            raise self._held()

    def seize(self, holder: str = "") -> None:
        """See `Disk`: another file takes the lock's name, so that the one that is held means nothing."""
        path = self._folder / f"{_LOCK}.{os.getpid()}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.rename(self._folder / _LOCK)
        self.unlock()
        self._lock = descriptor

    def unlock(self, holder: str = "") -> None:
        """See `Disk`."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _try_lock(self) -> None:
        """Lock the file that has the lock's name, unless another took that name meanwhile."""
        path = self._folder / _LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise self._held() from None
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            self._lock = descriptor
        else:
            os.close(descriptor)

    def _held(self) -> ResourceError:
        return ResourceError(
            "another process writes this journal", value=str(self._folder), fix="stop it first, or read only"
        )


class FolderFile:
    """An open file of the file system."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def size(self) -> int:
        """See `DiskFile`."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset: int, *, size: int) -> bytes:
        """See `DiskFile`."""
        parts = []
        while size and (part := os.pread(self._descriptor, size, offset)):
            parts.append(part)
            offset, size = offset + len(part), size - len(part)
        return b"".join(parts)

    def write(self, offset: int, data: bytes) -> None:
        """See `DiskFile`."""
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, offset)
            offset, view = offset + done, view[done:]

    def grow(self, size: int) -> None:
        """See `DiskFile`."""
        os.posix_fallocate(self._descriptor, 0, size)

    def sync(self) -> None:
        """See `DiskFile`."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """See `DiskFile`."""
        os.close(self._descriptor)
